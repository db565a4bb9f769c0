/**
 * Meters that were found on a line become meters of the registry: by themselves when a list names them, by a person otherwise.
 *
 * A meter is known by the serial number that it tells itself, or by a device name that ends in one. Whoever reports a scan says
 * what answered; nothing is believed of a meter that is placed on another concentrator, since two sites may have wires between
 * them, but not one meter. Matching and placing happen under the lock of imports.
 */
import { toHex } from '../../base/bytes.ts';
import type { Env } from '../../base/env.ts';
import { type MeterId, parseMeterId } from '../../model/ids.ts';
import type { Commissioner, Finding, FindingStore, FoundAddress } from '../commissioning-ports.ts';
import type { CommandStore, ImportStore, ImportView, JournalStore, ListedMeter, QueryStore } from '../ports.ts';
import { acceptanceOf } from './acceptance.ts';
import { commissioningError } from './errors.ts';

/** What commissioning needs. */
export interface CommissionerParts {
  readonly env: Pick<Env, 'clock' | 'crypto' | 'log'>;
  readonly store: ImportStore &
    FindingStore &
    Pick<QueryStore, 'meters' | 'channels'> &
    Pick<JournalStore, 'edge'> &
    Pick<CommandStore, 'audit'>;
}

/** Looks for a meter by its serial number alone: no meter has this id. */
const NO_METER = '' as MeterId;

/** The commissioner. */
export function createCommissioner({ env, store }: CommissionerParts): Commissioner {
  const audit = (actor: string, action: string, subject: string, detail: string) =>
    store.audit({ atMs: env.clock.nowMs(), actor, action, subject, detail });
  const waiting = async (findingId: string): Promise<Finding> => {
    const finding = await store.finding(findingId);
    if (finding === undefined) throw commissioningError('FINDING_UNKNOWN', findingId);
    if (finding.state !== 'waiting') throw commissioningError('FINDING_DECIDED', finding.state);
    return finding;
  };
  return {
    async report(edgeId, line, addresses, { name, tenantId }) {
      const edge = await store.edge(edgeId);
      if (edge?.state !== 'active') throw commissioningError('EDGE_UNKNOWN', edgeId);
      const atMs = env.clock.nowMs();
      const findings = await store.withImport(async (view) => {
        const made: Finding[] = [];
        for (const found of addresses) {
          const text = new TextEncoder().encode(`${edgeId}/${line}/${found.address}`);
          const findingId = toHex(env.crypto.sha256(text).subarray(0, 8));
          const place = { findingId, tenantId, edgeId, line, found, foundAtMs: atMs };
          made.push(await judged(view, place, await store.finding(findingId)));
        }
        return made;
      });
      await store.saveFindings(findings);
      const count = (state: Finding['state']) => findings.filter((each) => each.state === state).length;
      const detail = `line ${line}: ${count('commissioned')} commissioned, ${count('waiting')} waiting`;
      await audit(name, 'meters.found', edgeId, detail);
      env.log.info('commissioning.reported', { edgeId, line, addresses: addresses.length, detail });
      return findings;
    },

    async accept(findingId, as, { name, tenantId }) {
      const finding = await waiting(findingId);
      const { found, edgeId, line } = finding;
      const meterId = as.meterId ?? parseMeterId(found.serial ?? '') ?? undefined;
      if (meterId === undefined)
        throw commissioningError('METER_ELSEWHERE', 'it tells no serial number: give it an id');
      const meter: ListedMeter = {
        meterId,
        edgeId,
        line,
        address: found.address,
        ...(found.serial === undefined ? {} : { serial: found.serial }),
        ...(as.profile === undefined ? {} : { profile: as.profile }),
        ...(as.name === undefined ? {} : { name: as.name }),
      };
      const atMs = env.clock.nowMs();
      await store.withImport(async (view) => {
        const known = await view.known([meter], atMs);
        const other = known.find((each) => isAnother(each, meter));
        if (other !== undefined) throw commissioningError('METER_ELSEWHERE', other.meterId);
        await view.write([meter], { tenantId, atMs });
      });
      const accepted: Finding = { ...finding, state: 'commissioned', meterId, sentence: `Taken in by ${name}.` };
      await store.saveFindings([accepted]);
      await audit(name, 'meter.accepted', meterId, `${edgeId} ${line} address ${found.address}`);
      return accepted;
    },

    async refuse(findingId, { name }) {
      const finding = await waiting(findingId);
      const refused: Finding = { ...finding, state: 'refused', sentence: `Refused by ${name}.` };
      await store.saveFindings([refused]);
      await audit(name, 'meter.refused', finding.edgeId, `${finding.line} address ${finding.found.address}`);
      return refused;
    },

    async acceptance(edgeId) {
      if ((await store.edge(edgeId)) === undefined) throw commissioningError('EDGE_UNKNOWN', edgeId);
      return acceptanceOf(store, edgeId, env.clock.nowMs());
    },
  };
}

/** A known meter that keeps another one from being taken in as this. */
function isAnother(known: ListedMeter, meter: ListedMeter): boolean {
  if (known.meterId !== meter.meterId) {
    const sharesSerial = meter.serial !== undefined && known.serial === meter.serial;
    const sharesPlace = known.edgeId === meter.edgeId && known.line === meter.line && known.address === meter.address;
    return sharesSerial || sharesPlace;
  }
  const isElsewhere = known.edgeId !== undefined && known.edgeId !== meter.edgeId;
  return isElsewhere || (known.serial !== undefined && known.serial !== meter.serial);
}

type Place = Omit<Finding, 'state' | 'sentence' | 'meterId'>;

/** What becomes of an address; a meter that a list names is placed at once. */
async function judged(view: ImportView, place: Place, before: Finding | undefined): Promise<Finding> {
  const { found, edgeId, line, foundAtMs: atMs, tenantId } = place;
  if (found.state === 'silent' || found.state === 'garbled')
    return { ...place, state: 'empty', sentence: found.sentence };
  if (before?.state === 'refused' && before.found.serial === found.serial)
    return { ...place, state: 'refused', sentence: before.sentence };
  const known = await meterOf(view, found, atMs);
  if (known === undefined)
    return { ...place, state: 'waiting', sentence: `No list names ${nameOf(found)}: take it in, or refuse it.` };
  const { meterId } = known;
  if (known.edgeId !== undefined && known.edgeId !== edgeId) {
    const sentence = `${meterId} is placed on ${known.edgeId}: end that placement, or look which meter hangs here.`;
    return { ...place, state: 'waiting', meterId, sentence };
  }
  if (known.address !== undefined && known.address !== found.address && known.edgeId === edgeId) {
    const sentence = `${meterId} has address ${known.address} in its list and answers at ${found.address}.`;
    return { ...place, state: 'waiting', meterId, sentence };
  }
  await view.write([{ meterId, edgeId, line, address: found.address }], { tenantId, atMs });
  return { ...place, state: 'commissioned', meterId, sentence: 'A list names it.' };
}

/** The meter of the registry that an address is. */
async function meterOf(view: ImportView, found: FoundAddress, atMs: number): Promise<ListedMeter | undefined> {
  const { serial, deviceName } = found;
  // Makers put the number behind the three letters of their own, and some a type between them.
  const told = serial ?? (deviceName === undefined ? undefined : /\d{4,}$/.exec(deviceName)?.[0]);
  if (told === undefined) return undefined;
  const known = await view.known([{ meterId: NO_METER, serial: told }], atMs);
  return known.find((meter) => meter.serial === told);
}

function nameOf({ serial, deviceName, address }: FoundAddress): string {
  return serial ?? deviceName ?? `the meter at address ${address}`;
}
