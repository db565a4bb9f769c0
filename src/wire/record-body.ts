/**
 * The body of blocks in lanes 0, 1 and 5: a protobuf `Records` message that needs no other block.
 *
 * A record that alone would not fit is shortened, never dropped: raw answers go first (their place says how long they
 * were), then long texts are cut.
 */
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { fromHex } from '../base/bytes.ts';
import { COMMAND_STATES, type CommandReport, type ObjectValue } from '../model/command.ts';
import { METER_STATES, SEVERITIES } from '../model/event.ts';
import { FOUND_STATES, type FoundNode } from '../model/found.ts';
import type { MeterId } from '../model/ids.ts';
import { parseCommandId, parseMeterId } from '../model/ids.ts';
import { type ExactInteger, exact } from '../model/number.ts';
import { splitReport } from './command-parts.ts';
import { wireError } from './errors.ts';
import { hexOfLength, indexOf, memberAt, objectReference, timeFromWire } from './fields.ts';
import {
  type CommandRecord,
  type FoundRecord,
  type RecordSchema,
  RecordsSchema,
  type Record as WireRecord,
} from './gen/deltawatt_pb.ts';
import {
  BLOCK_MAX_RECORDS,
  COMMAND_PARTS_MAX,
  EUI48_OCTETS,
  TEXT_MAX_CHARACTERS,
  VALUE_MAX,
  VALUE_MIN,
} from './limits.ts';
import type { JournalRecord } from './records.ts';

type RecordInit = MessageInitShape<typeof RecordSchema>;

function meterIdOf(text: string): MeterId {
  const id = parseMeterId(text);
  if (id === null) throw wireError('BLOCK_MALFORMED', `meter id '${text.slice(0, 64)}'`);
  return id;
}

function commandInit(report: CommandReport): RecordInit {
  const values = report.values.map((value) => ({
    object: { classId: value.classId, obis: value.obis, attribute: value.attribute },
    result: value.result,
    ...(value.value === undefined ? {} : { value: value.value.toString() }),
    exponent: value.exponent ?? 0,
    unit: value.unit ?? '',
    ...(value.text === undefined ? {} : { text: value.text }),
    raw: value.raw,
    continued: value.continued ?? false,
  }));
  return {
    record: {
      case: 'command',
      value: {
        id: report.id,
        meterId: report.meterId,
        state: indexOf(COMMAND_STATES, report.state),
        code: report.code,
        sentence: report.sentence,
        atMs: BigInt(report.atMs),
        values,
        ...(report.relay === undefined ? {} : { relay: report.relay }),
        ...(report.part === undefined ? {} : { part: report.part.number, parts: report.part.of }),
      },
    },
  };
}

function foundInit({ node, state, atMs, ...rest }: FoundNode) {
  const eui48 = fromHex(node.eui48);
  if (eui48.length !== EUI48_OCTETS) throw wireError('WIRE_VALUE', `EUI-48 ${node.eui48}`);
  return { ...rest, nodeName: node.name, eui48, state: indexOf(FOUND_STATES, state), atMs: BigInt(atMs) };
}

function foundNode({ nodeName, eui48, state, serial, deviceName, firmware, ...rest }: FoundRecord): FoundNode {
  const told = Object.entries({ serial, deviceName, firmware }).filter(([, text]) => text !== '');
  return {
    line: rest.line,
    node: { name: nodeName, eui48: hexOfLength(eui48, EUI48_OCTETS, 'EUI-48').toUpperCase() },
    state: memberAt(FOUND_STATES, state, 'found state'),
    ...Object.fromEntries(told),
    sentence: rest.sentence,
    atMs: timeFromWire(rest.atMs),
  };
}

function recordInit(record: JournalRecord): RecordInit {
  switch (record.kind) {
    case 'event': {
      const { meterId, atMs, severity, ...rest } = record.event;
      const value = { ...rest, meterId: meterId ?? '', atMs: BigInt(atMs), severity: indexOf(SEVERITIES, severity) };
      return { record: { case: 'event', value } };
    }
    case 'attribute':
      return {
        record: { case: 'attribute', value: { ...record.attribute, readAtMs: BigInt(record.attribute.readAtMs) } },
      };
    case 'meter-state': {
      const { meterId, state, sentence, sinceMs } = record.state;
      const value = { meterId, state: indexOf(METER_STATES, state), sentence, sinceMs: BigInt(sinceMs) };
      return { record: { case: 'meterState', value } };
    }
    case 'command':
      return commandInit(record.report);
    case 'gap': {
      const { gap } = record;
      const value = { ...gap, obis: [...gap.obis], fromMs: BigInt(gap.fromMs), toMs: BigInt(gap.toMs) };
      return { record: { case: 'gap', value } };
    }
    case 'found':
      return { record: { case: 'found', value: foundInit(record.found) } };
    case 'log': {
      const { level, event, atMs, fieldsJson } = record;
      return { record: { case: 'log', value: { level, event, atMs: BigInt(atMs), fieldsJson } } };
    }
  }
}

/** The decimal text of a command's value; DLMS knows no integer beyond 64 bits. */
function valueOfText(text: string): ExactInteger {
  if (!/^-?[0-9]{1,20}$/.test(text)) throw wireError('BLOCK_MALFORMED', 'a value is no decimal integer');
  const value = BigInt(text);
  if (value < VALUE_MIN || value > VALUE_MAX) throw wireError('BLOCK_MALFORMED', `value ${text}`);
  return exact(value);
}

function commandReport(wire: CommandRecord): CommandReport {
  const id = parseCommandId(wire.id);
  if (id === null) throw wireError('BLOCK_MALFORMED', `command id '${wire.id.slice(0, 40)}'`);
  const { part: number, parts: of } = wire;
  if (of > COMMAND_PARTS_MAX || (of === 0 ? number > 0 : number >= of))
    throw wireError('BLOCK_MALFORMED', `part ${number} of ${of}`);
  const values = wire.values.map(
    (value): ObjectValue => ({
      ...objectReference(value.object),
      result: value.result,
      ...(value.value === undefined
        ? {}
        : { value: valueOfText(value.value), exponent: value.exponent, unit: value.unit }),
      ...(value.text === undefined ? {} : { text: value.text }),
      raw: value.raw,
      ...(value.continued ? { continued: true } : {}),
    }),
  );
  return {
    id,
    meterId: meterIdOf(wire.meterId),
    state: memberAt(COMMAND_STATES, wire.state, 'command state'),
    code: wire.code,
    sentence: wire.sentence,
    atMs: timeFromWire(wire.atMs),
    values,
    ...(wire.relay === undefined
      ? {}
      : { relay: { outputOn: wire.relay.outputOn, controlState: wire.relay.controlState } }),
    ...(of === 0 ? {} : { part: { number, of } }),
  };
}

function journalRecord(wire: WireRecord): JournalRecord {
  const { record } = wire;
  switch (record.case) {
    case 'event': {
      const { meterId, log, code, name, sentence, atMs, severity } = record.value;
      const event = { log, code, name, sentence, atMs: timeFromWire(atMs) };
      const meter = meterId === '' ? null : meterIdOf(meterId);
      return {
        kind: 'event',
        event: { ...event, meterId: meter, severity: memberAt(SEVERITIES, severity, 'severity') },
      };
    }
    case 'attribute': {
      const { meterId, obis, name, text, readAtMs } = record.value;
      return {
        kind: 'attribute',
        attribute: { meterId: meterIdOf(meterId), obis, name, text, readAtMs: timeFromWire(readAtMs) },
      };
    }
    case 'meterState': {
      const { meterId, state, sentence, sinceMs } = record.value;
      const name = memberAt(METER_STATES, state, 'meter state');
      return {
        kind: 'meter-state',
        state: { meterId: meterIdOf(meterId), state: name, sentence, sinceMs: timeFromWire(sinceMs) },
      };
    }
    case 'command':
      return { kind: 'command', report: commandReport(record.value) };
    case 'gap': {
      const { meterId, obis, intervalS, fromMs, toMs, cause } = record.value;
      const span = { fromMs: timeFromWire(fromMs), toMs: timeFromWire(toMs) };
      return { kind: 'gap', gap: { meterId: meterIdOf(meterId), obis, intervalS, ...span, cause } };
    }
    case 'found':
      return { kind: 'found', found: foundNode(record.value) };
    case 'log': {
      const { level, event, atMs, fieldsJson } = record.value;
      return { kind: 'log', level, event, atMs: timeFromWire(atMs), fieldsJson };
    }
    case undefined:
      throw wireError('BLOCK_MALFORMED', 'a record of a kind that this version does not know');
  }
}

/** The body of these records. */
export function encodeRecordBody(records: readonly JournalRecord[]): Uint8Array {
  return toBinary(RecordsSchema, create(RecordsSchema, { records: records.map(recordInit) }));
}

/** The records of a body; throws BLOCK_MALFORMED, also for a kind of record that this version does not know. */
export function decodeRecordBody(octets: Uint8Array): JournalRecord[] {
  let records: WireRecord[];
  try {
    records = fromBinary(RecordsSchema, octets).records;
  } catch (error) {
    throw wireError('BLOCK_MALFORMED', 'records', error);
  }
  if (records.length === 0 || records.length > BLOCK_MAX_RECORDS)
    throw wireError('BLOCK_MALFORMED', `${records.length} records`);
  return records.map(journalRecord);
}

/** Octets that a record takes in a body. */
export function recordOctets(record: JournalRecord): number {
  return encodeRecordBody([record]).length;
}

/** The records that hold this one in bodies of at most `maxOctets`: itself, or the parts of a long command report. */
export function splitRecord(record: JournalRecord, maxOctets: number): readonly JournalRecord[] {
  if (record.kind !== 'command') return [record];
  const octetsOf = (report: CommandReport) => recordOctets({ kind: 'command', report });
  return splitReport(record.report, maxOctets, octetsOf).map((report) => ({ kind: 'command', report }));
}

function cut(text: string, characters: number): string {
  return text.length <= characters ? text : `${[...text].slice(0, Math.max(0, characters - 1)).join('')}…`;
}

function withoutLongAnswers(report: CommandReport, maxRawOctets: number): CommandReport {
  const values = report.values.map((value) =>
    value.raw.length <= maxRawOctets
      ? value
      : { ...value, raw: new Uint8Array(0), text: `an answer of ${value.raw.length} octets, too long for a result` },
  );
  return { ...report, values };
}

/** Cuts the texts of a record to `characters` each. */
function withShortTexts(record: JournalRecord, characters: number): JournalRecord {
  switch (record.kind) {
    case 'event': {
      const { log, name, sentence } = record.event;
      const texts = { log: cut(log, 32), name: cut(name, 64), sentence: cut(sentence, characters) };
      return { ...record, event: { ...record.event, ...texts } };
    }
    case 'attribute':
      return { ...record, attribute: { ...record.attribute, text: cut(record.attribute.text, characters) } };
    case 'meter-state':
      return { ...record, state: { ...record.state, sentence: cut(record.state.sentence, characters) } };
    case 'command': {
      const values = record.report.values.map((value) =>
        value.text === undefined ? value : { ...value, text: cut(value.text, Math.ceil(characters / 4)) },
      );
      return { ...record, report: { ...record.report, sentence: cut(record.report.sentence, characters), values } };
    }
    case 'gap':
      return record;
    case 'found': {
      const { serial, deviceName, firmware, sentence } = record.found;
      const told = Object.entries({ serial, deviceName, firmware }).flatMap(([name, text]) =>
        text === undefined ? [] : [[name, cut(text, 64)] as const],
      );
      return {
        ...record,
        found: { ...record.found, ...Object.fromEntries(told), sentence: cut(sentence, characters) },
      };
    }
    case 'log': {
      // Cut JSON would be none: the fields are dropped, the event and its time stay.
      const tooLong = record.fieldsJson.length > characters;
      return tooLong ? { ...record, fieldsJson: '{"fields":"too long for the journal"}' } : record;
    }
  }
}

/** Rounds of shortening: each halves what texts and answers may take. */
const SHORTEN_ROUNDS = 10;

/**
 * The record, shortened until its body takes at most `maxOctets`. Throws BLOCK_INPUT when even the bare record does not
 * fit (a command with dozens of objects, a gap with dozens of columns): its maker must split it.
 */
export function shortenRecord(record: JournalRecord, maxOctets: number): JournalRecord {
  let shorter = record;
  let characters = TEXT_MAX_CHARACTERS;
  for (let round = 0; round < SHORTEN_ROUNDS; round++) {
    if (recordOctets(shorter) <= maxOctets) return shorter;
    if (shorter.kind === 'command') shorter = { ...shorter, report: withoutLongAnswers(shorter.report, characters) };
    if (recordOctets(shorter) <= maxOctets) return shorter;
    shorter = withShortTexts(shorter, characters);
    characters = Math.floor(characters / 2);
  }
  throw wireError('BLOCK_INPUT', `a ${record.kind} record does not fit into ${maxOctets} octets`);
}
