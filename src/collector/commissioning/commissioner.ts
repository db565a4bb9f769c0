/**
 * Meters that were found on a line become meters of the registry: by themselves when a list names them, by a person otherwise.
 *
 * A meter is known by the serial number that it tells itself, or by a device name that ends in one; in a network over the power
 * line by its DLMS id too, and there its concentrator is told to read it. Whoever reports a scan says
 * what answered; nothing is believed of a meter that is placed on another concentrator, since two sites may have wires between
 * them, but not one meter. Matching and placing happen under the lock of imports.
 */
import { toHex } from '../../base/bytes.ts';
import type { Env } from '../../base/env.ts';
import { reasonOf } from '../../base/errors.ts';
import { type EdgeId, type MeterId, parseMeterId, type TenantId } from '../../model/ids.ts';
import type { AcceptanceReport, Commissioner, Finding, FindingStore, FoundAddress } from '../commissioning-ports.ts';
import type {
  CommandDesk,
  CommandStore,
  ImportStore,
  ImportView,
  JournalStore,
  ListedMeter,
  QueryStore,
} from '../ports.ts';
import { acceptanceOf } from './acceptance.ts';
import { commissioningError } from './errors.ts';
import { ADOPT_VALID_MS, LOOK_AGAIN_MAX, OTHER_PLACES_MAX } from './limits.ts';

/** Looks for a meter by its serial number alone: no meter has this id. */
const NO_METER = '' as MeterId;

/** What commissioning needs. */
export interface CommissionerParts {
  readonly env: Pick<Env, 'clock' | 'crypto' | 'log'>;
  readonly store: ImportStore &
    Pick<FindingStore, 'saveFindings' | 'finding' | 'findings'> &
    Pick<QueryStore, 'meters' | 'channels'> &
    Pick<JournalStore, 'edge'> &
    Pick<CommandStore, 'audit' | 'open'>;
  /** Through whom concentrators are told to read a meter of their network; absent = they are not. */
  readonly desk?: Pick<CommandDesk, 'issue'>;
}

/** Who decides. */
interface Actor {
  readonly name: string;
  readonly tenantId: TenantId;
}

/** The commissioner. */
export function createCommissioner(parts: CommissionerParts): Commissioner {
  return new RegistryCommissioner(parts);
}

class RegistryCommissioner implements Commissioner {
  readonly #parts: CommissionerParts;

  constructor(parts: CommissionerParts) {
    this.#parts = parts;
  }

  async report(
    edgeId: EdgeId,
    line: string,
    addresses: readonly FoundAddress[],
    { name, tenantId }: Actor,
  ): Promise<readonly Finding[]> {
    const { env, store } = this.#parts;
    const edge = await store.edge(edgeId);
    if (edge?.state !== 'active') throw commissioningError('EDGE_UNKNOWN', edgeId);
    const foundAtMs = env.clock.nowMs();
    const places = addresses.map((found) => {
      const findingId = this.#idOf(edgeId, line, found);
      return { findingId, tenantId, edgeId, line, found, foundAtMs };
    });
    const judgements = await this.#judge(places);
    const findings = judgements.map(({ finding }) => finding);
    await store.saveFindings(findings);
    const count = (state: Finding['state']) => findings.filter((each) => each.state === state).length;
    const detail = `line ${line}: ${count('commissioned')} commissioned, ${count('waiting')} waiting`;
    await this.#audit(name, 'meters.found', edgeId, detail);
    env.log.info('commissioning.reported', { edgeId, line, addresses: addresses.length, detail });
    await this.#orderAll(judgements, name);
    return findings;
  }

  async lookAgain({ name }: Pick<Actor, 'name'>): Promise<readonly Finding[]> {
    const { store } = this.#parts;
    const waiting = await store.findings({ state: 'waiting', limit: LOOK_AGAIN_MAX });
    if (waiting.length === 0) return [];
    const judgements = (await this.#judge(waiting)).filter(({ finding }) => finding.state === 'commissioned');
    const findings = judgements.map(({ finding }) => finding);
    await store.saveFindings(findings);
    for (const { meterId, edgeId, ...finding } of findings)
      await this.#audit(name, 'meter.listed', meterId ?? '', `${edgeId} ${placeOf(finding)}`);
    await this.#orderAll(judgements, name);
    return findings;
  }

  async accept(
    findingId: string,
    as: { readonly meterId?: MeterId; readonly profile?: string; readonly name?: string },
    { name, tenantId }: Actor,
  ): Promise<Finding> {
    const { env, store } = this.#parts;
    const finding = await this.#waiting(findingId);
    const { found, edgeId, line } = finding;
    const told = found.serial ?? found.node?.name ?? '';
    const meterId = as.meterId ?? finding.meterId ?? parseMeterId(told) ?? undefined;
    if (meterId === undefined) throw commissioningError('METER_ELSEWHERE', 'it tells no serial number: give it an id');
    const meter: ListedMeter = {
      meterId,
      edgeId,
      line,
      ...(found.address === undefined ? {} : { address: found.address }),
      ...(found.serial === undefined ? {} : { serial: found.serial }),
      ...(as.profile === undefined ? {} : { profile: as.profile }),
      ...(as.name === undefined ? {} : { name: as.name }),
    };
    const atMs = env.clock.nowMs();
    const known = await store.withImport(async (view) => {
      const all = await view.known([meter], atMs);
      const other = all.find((each) => isAnother(each, meter));
      if (other !== undefined) throw commissioningError('METER_ELSEWHERE', other.meterId);
      const same = all.find((each) => each.meterId === meterId);
      if (found.node !== undefined && (meter.profile ?? same?.profile) === undefined)
        throw commissioningError('FINDING_NO_MODEL', meterId);
      await view.write([meter], { tenantId, atMs });
      return { ...same, ...meter };
    });
    const accepted: Finding = { ...finding, state: 'commissioned', meterId, sentence: `Taken in by ${name}.` };
    await store.saveFindings([accepted]);
    await this.#audit(name, 'meter.accepted', meterId, `${edgeId} ${placeOf(finding)}`);
    await this.#order(accepted, known, name);
    return accepted;
  }

  async refuse(findingId: string, { name }: Pick<Actor, 'name'>): Promise<Finding> {
    const finding = await this.#waiting(findingId);
    const refused: Finding = { ...finding, state: 'refused', sentence: `Refused by ${name}.` };
    await this.#parts.store.saveFindings([refused]);
    await this.#audit(name, 'meter.refused', finding.edgeId, placeOf(finding));
    return refused;
  }

  async notTaken(
    { edgeId, meterId }: { readonly edgeId: EdgeId; readonly meterId: MeterId },
    sentence: string,
  ): Promise<void> {
    const { store } = this.#parts;
    const findings = await store.findings({ edgeId, meterId, state: 'commissioned', limit: OTHER_PLACES_MAX });
    const untaken = findings.filter(({ found }) => found.node !== undefined);
    const words = `Concentrator ${edgeId} did not take ${meterId} in: ${sentence}`;
    await store.saveFindings(untaken.map((finding) => ({ ...finding, state: 'waiting', sentence: words })));
  }

  async acceptance(edgeId: EdgeId): Promise<AcceptanceReport> {
    const { env, store } = this.#parts;
    if ((await store.edge(edgeId)) === undefined) throw commissioningError('EDGE_UNKNOWN', edgeId);
    return acceptanceOf(store, edgeId, env.clock.nowMs());
  }

  /** Holds places against the registry, in one transaction with what that writes. */
  #judge(places: readonly Place[]): Promise<readonly Judgement[]> {
    const { env, store } = this.#parts;
    return store.withImport(async (view) => {
      const made: Judgement[] = [];
      for (const { findingId, tenantId, edgeId, line, found, foundAtMs } of places) {
        const place = { findingId, tenantId, edgeId, line, found, foundAtMs };
        made.push(await judged(view, place, await this.#seenBefore(place), env.clock.nowMs()));
      }
      return made;
    });
  }

  async #orderAll(judgements: readonly Judgement[], author: string): Promise<void> {
    for (const { finding, meter } of judgements)
      if (finding.state === 'commissioned' && meter !== null) await this.#order(finding, meter, author);
  }

  #audit(actor: string, action: string, subject: string, detail: string): Promise<void> {
    const { env, store } = this.#parts;
    return store.audit({ atMs: env.clock.nowMs(), actor, action, subject, detail });
  }

  async #waiting(findingId: string): Promise<Finding> {
    const finding = await this.#parts.store.finding(findingId);
    if (finding === undefined) throw commissioningError('FINDING_UNKNOWN', findingId);
    if (finding.state !== 'waiting') throw commissioningError('FINDING_DECIDED', finding.state);
    return finding;
  }

  #idOf(edgeId: EdgeId, line: string, { address, node }: FoundAddress): string {
    const text = new TextEncoder().encode(`${edgeId}/${line}/${node?.eui48 ?? address}`);
    return toHex(this.#parts.env.crypto.sha256(text).subarray(0, 8));
  }

  async #seenBefore({ findingId, found }: Place): Promise<Seen> {
    const { store } = this.#parts;
    const { node } = found;
    const before = await store.finding(findingId);
    if (node === undefined) return { before, elsewhere: undefined };
    const places = await store.findings({ eui48: node.eui48, limit: OTHER_PLACES_MAX });
    const others = places.filter((other) => other.findingId !== findingId && other.found.node?.name === node.name);
    const elsewhere =
      others.find(({ state }) => state === 'commissioned') ?? others.find(({ state }) => state === 'waiting');
    return { before, elsewhere };
  }

  /** Tells the concentrator to read a meter of its network, unless that is under way. What fails is told again with the meter, within a day. */
  async #order({ found, edgeId, line }: Finding, meter: ListedMeter, author: string): Promise<void> {
    const { store, desk, env } = this.#parts;
    const { meterId, profile, timeZone } = meter;
    const tenantId = (await store.edge(edgeId))?.tenantId;
    if (desk === undefined || found.node === undefined || profile === undefined || tenantId === undefined) return;
    try {
      const open = await store.open(edgeId);
      if (open.some(({ record }) => record.meterId === meterId && record.body.kind === 'adopt')) return;
      const zone = timeZone === undefined ? {} : { timeZone };
      const body = { kind: 'adopt', line, profile, node: found.node.name, ...zone } as const;
      await desk.issue({ meterId, body, author, tenantId, validForMs: ADOPT_VALID_MS });
    } catch (error) {
      env.log.warn('commissioning.not-ordered', { edgeId, meterId, reason: reasonOf(error) });
    }
  }
}

function placeOf({ line, found }: Pick<Finding, 'line' | 'found'>): string {
  return found.node === undefined ? `${line} address ${found.address}` : `${line} node ${found.node.name}`;
}

/** A known meter that keeps another one from being taken in as this. */
function isAnother(known: ListedMeter, meter: ListedMeter): boolean {
  if (known.meterId !== meter.meterId) {
    const sharesSerial = meter.serial !== undefined && known.serial === meter.serial;
    const isAtPlace = meter.address !== undefined && known.address === meter.address;
    const sharesPlace = isAtPlace && known.edgeId === meter.edgeId && known.line === meter.line;
    return sharesSerial || sharesPlace;
  }
  const isElsewhere = known.edgeId !== undefined && known.edgeId !== meter.edgeId;
  const isOther = known.serial !== undefined && meter.serial !== undefined && known.serial !== meter.serial;
  return isElsewhere || isOther;
}

type Place = Omit<Finding, 'state' | 'sentence' | 'meterId'>;

/** What is known of a place, and of the modem there. */
interface Seen {
  readonly before: Finding | undefined;
  /** The same meter in another network, where it is or waits. */
  readonly elsewhere: Finding | undefined;
}

/** What becomes of an address; `meter` = the one of the list that it is. */
interface Judgement {
  readonly finding: Finding;
  readonly meter: ListedMeter | null;
}

/** What becomes of an address; a meter that a list names is placed at once. */
async function judged(view: ImportView, place: Place, { before, elsewhere }: Seen, atMs: number): Promise<Judgement> {
  const { found, edgeId, line, tenantId } = place;
  const isNode = found.node !== undefined;
  const waits = (sentence: string, meterId?: MeterId): Judgement => ({
    finding: { ...place, state: 'waiting', ...(meterId === undefined ? {} : { meterId }), sentence },
    meter: null,
  });
  if (!isNode && (found.state === 'silent' || found.state === 'garbled'))
    return { finding: { ...place, state: 'empty', sentence: found.sentence }, meter: null };
  if (before?.state === 'refused' && isSameMeter(before.found, found))
    return { finding: { ...place, state: 'refused', sentence: before.sentence }, meter: null };
  const known = await meterOf(view, found, atMs);
  if (elsewhere !== undefined && before?.state !== 'commissioned') return waits(twoNetworks(elsewhere), known?.meterId);
  if (known === undefined) return waits(`${heard(found)}No list names ${nameOf(found)}: take it in, or refuse it.`);
  const { meterId } = known;
  if (known.edgeId !== undefined && known.edgeId !== edgeId)
    return waits(
      `${meterId} is placed on ${known.edgeId}: end that placement, or look which meter ${isNode ? 'joins' : 'hangs'} here.`,
      meterId,
    );
  if (isNode && known.line !== undefined && known.line !== line)
    return waits(
      `${meterId} is on line ${known.line} in its list and joins line ${line}: take it in here, or refuse it.`,
      meterId,
    );
  if (isNode && known.profile === undefined)
    return waits(`A list names it as ${meterId}, and no model for it: take it in with a profile.`, meterId);
  if (
    known.address !== undefined &&
    found.address !== undefined &&
    known.address !== found.address &&
    known.edgeId === edgeId
  )
    return waits(`${meterId} has address ${known.address} in its list and answers at ${found.address}.`, meterId);
  const address = found.address === undefined ? {} : { address: found.address };
  await view.write([{ meterId, edgeId, line, ...address }], { tenantId, atMs });
  const sentence = isNode ? 'A list names it; its concentrator is told to read it.' : 'A list names it.';
  return { finding: { ...place, state: 'commissioned', meterId, sentence }, meter: known };
}

/** Whether what is found is the meter that was found before, as far as it tells. */
function isSameMeter(before: FoundAddress, found: FoundAddress): boolean {
  // Who does not answer today is whom the network knew by this name before.
  if (found.node !== undefined) return before.node?.name === found.node.name;
  return before.serial === found.serial;
}

function twoNetworks({ edgeId, line, state, meterId }: Finding): string {
  const there = state === 'commissioned' ? `where it is ${meterId ?? 'taken in'}` : 'where it waits too';
  return `It has joined line ${line} of ${edgeId} as well, ${there}: two networks hear it. Take it in where its supply comes from, and refuse it in the other.`;
}

/** What keeps a meter of a network from telling who it is, for the inbox. */
function heard({ node, state, sentence }: FoundAddress): string {
  return node === undefined || state === 'found' ? '' : `${sentence} `;
}

/** The meter of the registry that an address is. */
async function meterOf(view: ImportView, found: FoundAddress, atMs: number): Promise<ListedMeter | undefined> {
  const { serial, deviceName, node } = found;
  // Makers put the number behind the three letters of their own, and some a type between them.
  const digits = (text: string | undefined) => (text === undefined ? undefined : /\d{4,}$/.exec(text)?.[0]);
  const told = [serial ?? digits(deviceName), node?.name, digits(node?.name)];
  for (const number of new Set(told)) {
    if (number === undefined) continue;
    const known = await view.known([{ meterId: NO_METER, serial: number }], atMs);
    const meter = known.find((each) => each.serial === number);
    // Whoever tells a number of his own is that, whatever his network calls him.
    if (meter !== undefined || number === told[0]) return meter;
  }
  return undefined;
}

function nameOf({ serial, deviceName, node, address }: FoundAddress): string {
  return serial ?? deviceName ?? node?.name ?? `the meter at address ${address}`;
}
