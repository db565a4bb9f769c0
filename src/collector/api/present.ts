/** Records of the store as the API shows them: secrets left out, octets as hex, 64-bit integers as texts. */
import { fromHex, toHex } from '../../base/bytes.ts';
import { END_STATES } from '../../model/command.ts';
import type { ExactInteger } from '../../model/number.ts';
import type { EdgeStatus } from '../../wire/messages.ts';
import type { Finding } from '../commissioning-ports.ts';
import type {
  CommandRecord,
  EdgeRecord,
  ImageRecord,
  MeterRecord,
  RereadRecord,
  StoreChange,
  TokenRecord,
} from '../ports.ts';
import { bodyWords, relayWords, rereadWords } from './words.ts';

/** A number within 2^53-1, a text beyond. */
export function exactJson(value: ExactInteger): number | string {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** An edge without its key. */
export function edgeJson(edge: EdgeRecord) {
  const { key: _key, tenantId: _tenant, status, ...shown } = edge;
  return status === undefined ? shown : { ...shown, status: statusJson(status) };
}

function statusJson(status: EdgeStatus) {
  return {
    uptimeS: status.uptimeS,
    autonomyHours: status.autonomyHours,
    backlogBlocks: status.lanes.reduce((sum, lane) => sum + lane.blocks, 0),
    backlogBytes: status.lanes.reduce((sum, lane) => sum + lane.octets, 0),
    facts: status.facts,
  };
}

/** A meter with its state spread out. */
export function meterJson(meter: MeterRecord) {
  const { state, tenantId: _tenant, ...shown } = meter;
  return {
    ...shown,
    state: state?.state ?? 'unknown',
    ...(state === undefined ? {} : { stateSentence: state.sentence, stateSinceMs: state.sinceMs }),
  };
}

/** A finding with its answer spread out. */
export function findingJson({ found, tenantId: _tenant, ...finding }: Finding) {
  const { state: answer, sentence: _said, ...told } = found;
  return { ...finding, ...told, answer };
}

/** A token without its hash. */
export function tokenJson(token: TokenRecord) {
  const { hash: _hash, tenantId: _tenant, ...shown } = token;
  return shown;
}

/** A command with what it says in words and the values of its last report. */
export function commandJson(record: CommandRecord) {
  const { tenantId: _tenant, reports, ...shown } = record;
  const values = reports.flatMap((report) => report.values);
  const relay = reports.findLast((report) => report.relay !== undefined)?.relay;
  return {
    ...shown,
    what: bodyWords(record.body),
    ended: END_STATES.has(record.state),
    values: values.map(({ raw, value, ...rest }) => ({
      ...rest,
      ...(value === undefined ? {} : { value: exactJson(value) }),
      raw: toHex(raw),
    })),
    ...(relay === undefined ? {} : { relay: { ...relay, sentence: relayWords(relay) } }),
    reports: reports.map(({ state, code, sentence, atMs }) => ({ state, code, sentence, atMs })),
  };
}

/** An entry of the re-read list, in words; the place in the journal is in its id. */
export function rereadJson({ epoch: _epoch, lane: _lane, sequence: _sequence, meterId, ...shown }: RereadRecord) {
  return { ...shown, ...(meterId === null ? {} : { meterId }), sentence: rereadWords(shown) };
}

/** An image, its identifier as text where it is one. */
export function imageJson({ tenantId: _tenant, identifier, ...shown }: ImageRecord) {
  return { ...shown, identifier: new TextDecoder().decode(fromHex(identifier)) };
}

/** A change for the event stream. */
export function changeJson(change: StoreChange): unknown {
  return change.kind === 'command' ? { kind: 'command', command: commandJson(change.command) } : change;
}
