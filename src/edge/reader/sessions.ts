/** How a reader gets at its meters: an open line, and an association with one of them. */
import type { Env } from '../../base/env.ts';
import { DeltawattError, reasonOf } from '../../base/errors.ts';
import { clientTransport } from '../../dlms/frame/client-transport.ts';
import type { HdlcClientOptions } from '../../dlms/frame/hdlc-client.machine.ts';
import type { HdlcParameters } from '../../dlms/frame/hdlc-parameters.ts';
import type { ClientTransport } from '../../dlms/frame/transport.ts';
import {
  type Authentication,
  type ClientSecurity,
  type ClientSessionEvent,
  type ClientSessionOptions,
  CounterReceiver,
  counterIn,
  type Happening,
  happeningsOf,
  hlsSignOn,
  INVOCATION_COUNTER_ATTRIBUTE,
  type MeterSession,
  type Notification,
  openSession,
  type RightOfWay,
  type ShortNameRules,
  ShortNames,
} from '../../dlms/index.ts';
import { withoutEncryptionKey } from '../../dlms/security/key-file.ts';
import { LineDriver } from '../../link/drive.ts';
import type { LineLink } from '../../link/link.ts';
import type { MeterId } from '../../model/ids.ts';
import {
  type ClientRule,
  type HdlcRule,
  hasQuirk,
  type Profile,
  type SecurityName,
} from '../../profile/schema/profile.ts';
import { edgeError } from '../errors.ts';
import type { Meter, MeterSecurity, MeterWire, StationsWire } from '../ports.ts';
import { type StationsPlace, speakToAll, stationsPlace } from './all-stations.ts';
import { clientFor } from './client-for.ts';
import type { MeterCounters } from './counters.ts';
import { FieldSizes } from './field-sizes.ts';
import { askOnce, securitySetupOf, transferCall } from './key-orders.ts';
import type { KeyRing } from './key-ring.ts';
import type { KnownWays } from './known-ways.ts';
import { checkPeerNow } from './peer-check.ts';
import { openWire } from './wire.ts';

/** Hears what a meter says beside its answers. */
export interface SessionEar {
  /** Came and could not be used. */
  discarded(code: string, octets: number): void;
  /** Something happened at the meter; null = it told of something that has no name here. */
  happened(happening: Happening | null): void;
}

/** Who does not care. */
export const DEAF: SessionEar = { discarded: () => undefined, happened: () => undefined };

/** What is used of an association. */
export type OpenAssociation = Pick<MeterSession, 'get' | 'set' | 'action' | 'association' | 'release'>;

/** Opens associations; `ear` hears what the meter says beside its answers, `way` says whether somebody waits for the line. */
export interface SessionOpener {
  /** Keys that were changed since the key files were written; absent or null = none can be. */
  readonly keys?: KeyRing | null;
  open(meter: Meter, client: ClientRule, ear: SessionEar, way?: RightOfWay): Promise<OpenAssociation>;
  /**
   * Signs on as the client with control rights in the form that the key file names for a meter whose encryption key is not known.
   * Absent = there is no such form. Rejects with READER_SECURITY when the key file names none, and as `open` does.
   */
  openWithoutKey?(meter: Meter, way?: RightOfWay): Promise<OpenAssociation>;
  /** A session made way: an answer that still comes must not be taken for one to the next session. */
  madeWay(): void;
  /** Brings up the framing to a meter for a client of somebody else. Rejects with LINK_OPEN and the codes of FRAME_ERRORS. */
  lend(meter: Meter, client: number): Promise<MeterWire>;
  /** What a meter shares with those that hear the same messages to all stations, null = it hears none. Rejects with errors of the disk. */
  stationsOf(meter: Meter): Promise<string | null>;
  /** Takes the line for messages to the stations of a meter. Rejects with LINK_OPEN, READER_SECURITY and errors of the disk. */
  speakToAll(meter: Meter): Promise<StationsWire>;
  /** The meter has another firmware: what it told of its names counts no longer. */
  forget(meter: Meter): void;
  /** Closes the line; the next association opens it again. */
  closeLine(): void;
  /** Closes the line and what lies below it. */
  end(): void;
  /** Ms for which the meter is better left in peace; absent = never. */
  restMs?(meter: Meter): number;
}

/** Associations over a real link. */
export class LinkSessions implements SessionOpener {
  #driver: LineDriver | null = null;
  /** By meter and client: no more than the line has. */
  readonly #names = new Map<string, ShortNames>();
  readonly #sizes = new FieldSizes();
  readonly #recalled = new Set<MeterId>();

  constructor(
    private readonly link: LineLink,
    private readonly env: Env,
    /** Null = no meter of this line has keys. */
    private readonly counters: MeterCounters | null = null,
    /** Null = keys are as in the key files, for ever. */
    readonly keys: KeyRing | null = null,
    /** Null = what is found out of the ways to meters is found out anew after a restart. */
    private readonly ways: KnownWays | null = null,
  ) {}

  async open(meter: Meter, client: ClientRule, ear: SessionEar, way?: RightOfWay): Promise<OpenAssociation> {
    try {
      return await this.#openAsKnown(meter, client, ear, way);
    } catch (error) {
      const mayHelp = usesKeys(mechanismOf(meter, client)) && mayBeTheKey(error);
      if (!mayHelp || !(await this.#repaired(meter, way))) throw error;
    }
    return await this.#openAsKnown(meter, client, ear, way);
  }

  /** Whether a meter that agreed on a key which nobody here knows was given another one in its place. */
  async #repaired(meter: Meter, way: RightOfWay | undefined): Promise<boolean> {
    const wrapped = (await this.keys?.repair(meter)) ?? null;
    if (wrapped === null) return false;
    const { log } = this.env;
    this.madeWay();
    try {
      const association = await this.openWithoutKey(meter, way);
      try {
        const call = transferCall(await securitySetupOf(association), 'encryption', wrapped);
        const { actionResult } = await askOnce(association, call);
        log.warn('reader.key-repaired', { meterId: meter.meterId, actionResult });
        return actionResult === 0;
      } finally {
        await association.release().catch(() => undefined);
      }
    } catch (error) {
      log.warn('reader.key-not-repaired', { meterId: meter.meterId, reason: reasonOf(error) });
      return false;
    }
  }

  async openWithoutKey(meter: Meter, way?: RightOfWay): Promise<OpenAssociation> {
    const known = await this.#knownKeys(meter);
    const security = known === null ? null : withoutEncryptionKey(known);
    if (security === null) throw edgeError('READER_SECURITY', `${meter.meterId}: no recovery in its key file`);
    try {
      return await this.#openWith({ ...meter, security }, clientFor(meter, 'control'), DEAF, way);
    } catch (error) {
      this.madeWay();
      throw error;
    }
  }

  async #openAsKnown(
    meter: Meter,
    client: ClientRule,
    ear: SessionEar,
    way: RightOfWay | undefined,
  ): Promise<OpenAssociation> {
    const { keys } = this;
    const tries = keys === null || !usesKeys(mechanismOf(meter, client)) ? [] : await keys.tries(meter);
    for (const [at, { security, follows }] of tries.entries()) {
      try {
        if (follows !== null) await this.counters?.follow(meter, security, follows);
        const association = await this.#openWith({ ...meter, security }, client, ear, way);
        await keys?.worked(meter, security);
        return association;
      } catch (error) {
        if (at === tries.length - 1 || !mayBeTheKey(error)) throw error;
        this.env.log.info('reader.other-key-tried', { meterId: meter.meterId, reason: reasonOf(error) });
        // Nothing that still comes may be taken for an answer to the next sign-on.
        this.madeWay();
      }
    }
    return await this.#openWith(meter, client, ear, way);
  }

  async #openWith(
    meter: Meter,
    client: ClientRule,
    ear: SessionEar,
    way: RightOfWay | undefined,
  ): Promise<OpenAssociation> {
    const authentication = authenticationOf(meter, client, this.env);
    const security = await this.#securityOf(meter, authentication);
    const driver = await this.#line(meter);
    await this.#recall(meter);
    const { profile } = meter;
    const transport = this.#transportTo(meter, client.address);
    const shortNames = this.#namesOf(meter, client);
    return await openSession(driver, transport, {
      authentication,
      security,
      shortNames,
      ...this.#wayOfLink(),
      ...(way === undefined ? {} : { way }),
      release: !hasQuirk(profile, 'no-release', null),
      ...(hasQuirk(profile, 'no-with-list', null) ? { listItemsMax: 1 } : {}),
      onEvent: (event) => {
        if (event.kind === 'discarded') {
          this.#sizes.discarded(meter.meterId, event.code, event.octets.length, this.env.clock.monotonicMs());
          ear.discarded(event.code, event.octets.length);
        } else if (event.kind === 'notification') tell(ear, event.apdu, shortNames);
        else this.#counterEvent(meter, event);
      },
    });
  }

  /** What a session must know of the way to its meter. */
  #wayOfLink(): Pick<ClientSessionOptions, 'requestTimeoutMs' | 'answerWindowMs' | 'clientPduMaxBytes'> {
    const { answerTimeoutMs, answerWindowMs, capabilities } = this.link;
    return {
      ...(answerTimeoutMs === undefined ? {} : { requestTimeoutMs: answerTimeoutMs }),
      ...(answerWindowMs === undefined ? {} : { answerWindowMs }),
      clientPduMaxBytes: capabilities.maxPduBytes,
    };
  }

  /** What is known of a meter's short names as this client sees them; read once, kept over restarts. */
  #namesOf(meter: Meter, { address }: Pick<ClientRule, 'address'>): ShortNames | null {
    if (meter.profile.referencing === 'logical') return null;
    const key = `${meter.meterId}/${address}`;
    const told: ConstructorParameters<typeof ShortNames>[1] = (objects) => this.ways?.sawList(meter, address, objects);
    const known = this.#names.get(key) ?? new ShortNames(shortNameRules(meter.profile), told);
    this.#names.set(key, known);
    return known;
  }

  /** What was found out of the way to a meter before the restart, once. */
  async #recall(meter: Meter): Promise<void> {
    if (this.ways === null || this.#recalled.has(meter.meterId)) return;
    const { fieldOctets, lists } = await this.ways.of(meter);
    this.#recalled.add(meter.meterId);
    if (fieldOctets !== null) this.#sizes.recall(meter.meterId, fieldOctets, this.env.clock.monotonicMs());
    for (const [address, objects] of lists) this.#namesOf(meter, { address })?.learn(objects);
  }

  forget(meter: Meter): void {
    for (const { address } of meter.profile.clients) this.#names.get(`${meter.meterId}/${address}`)?.forget();
  }

  async lend(meter: Meter, client: number): Promise<MeterWire> {
    await this.#recall(meter);
    return await openWire(await this.#line(meter), this.#transportTo(meter, client));
  }

  async stationsOf(meter: Meter): Promise<string | null> {
    return (await this.#stationsOf(meter))?.name ?? null;
  }

  async speakToAll(meter: Meter): Promise<StationsWire> {
    const { env, counters } = this;
    const place = await this.#stationsOf(meter);
    if (place === null || counters === null) throw edgeError('READER_SECURITY', `${meter.meterId}: no broadcast key`);
    const driver = await this.#line(meter);
    return speakToAll(place, { env, driver, octetMs: this.link.octetMs, counters, line: meter.line });
  }

  async #stationsOf(meter: Meter): Promise<StationsPlace | null> {
    const known = await this.#knownKeys(meter);
    return this.counters === null ? null : stationsPlace(this.link, meter, known);
  }

  /** The keys that the meter is known to have. */
  async #knownKeys(meter: Meter): Promise<MeterSecurity | null> {
    const tries = (await this.keys?.tries(meter)) ?? [];
    return tries.find(({ follows }) => follows === null)?.security ?? meter.security ?? null;
  }

  #transportTo(meter: Meter, client: number): ClientTransport {
    const { framing, octetMs, gapMs } = this.link;
    const rule = meter.profile.hdlc;
    const sizes = rule === null ? {} : { parameters: this.#parametersFor(meter, rule) };
    return clientTransport(
      framing === 'hdlc' ? 'hdlc' : 'wrapper',
      {
        client,
        logical: meter.logicalDevice,
        physical: meter.physicalDevice,
        ...(rule === null || meter.physicalDevice === null ? {} : { addressBytes: rule.addressOctets }),
      },
      { octetMs, gapMs, ...sizes, ...hdlcHabits(meter.profile) },
    );
  }

  #parametersFor(meter: Meter, { informationMaxOctets: most, window }: HdlcRule): HdlcParameters {
    const octets = this.#sizes.begin(meter.meterId, most, this.env.clock.monotonicMs());
    this.ways?.sawField(meter, octets === most ? null : octets);
    return {
      informationTransmitBytes: octets,
      informationReceiveBytes: octets,
      windowTransmit: 1,
      windowReceive: window,
    };
  }

  /** Keys serve the clients of high-level mechanisms; others of the same meter are asked as their profile says. */
  async #securityOf(meter: Meter, { mechanism }: Authentication): Promise<ClientSecurity | null> {
    const { security } = meter;
    if (!usesKeys(mechanism) || security === undefined || security === null) return null;
    if (this.counters === null || security.clientTitle === null)
      throw edgeError('READER_SECURITY', `${meter.meterId}: no keys for ${mechanism}`);
    checkPeerNow(security, this.env);
    const { own, peers, dialect } = await this.counters.of(meter, security);
    if (this.counters.takeUnknown(meter, security)) await this.#askCounter(meter, security, this.counters);
    const { suite, clientTitle, meterTitle, keys, policy, form = 'service', initiateForm } = security;
    const random = (count: number) => this.env.random.bytes(count);
    // Without the key nothing is known of the meter's counter under it: what it proves in such a sign-on is the challenge of it.
    const serverCounter = initiateForm === undefined ? peers : new CounterReceiver();
    const shared = { counter: own, serverCounter, dialect, random };
    const ways = { form, ...(initiateForm === undefined ? {} : { initiateForm }) };
    return { suite, clientTitle, serverTitle: meterTitle, keys, policy, ...ways, ...shared };
  }

  /** Reads the meter's counter as its public client, when it has one; a meter that does not show it is tried with ours. */
  async #askCounter(meter: Meter, security: MeterSecurity, counters: MeterCounters): Promise<void> {
    const looking = meter.profile.clients.find((client) => client.security === 'none');
    if (looking === undefined) return;
    let counter: number | null = null;
    try {
      const association = await this.open(meter, looking, DEAF);
      try {
        counter = counterIn((await association.get([INVOCATION_COUNTER_ATTRIBUTE])).at(0));
      } finally {
        await association.release();
      }
    } catch (error) {
      this.env.log.info('reader.counter-not-shown', { meterId: meter.meterId, reason: reasonOf(error) });
    }
    if (counter !== null) await counters.shown(meter, security, counter);
  }

  #counterEvent(meter: Meter, event: ClientSessionEvent): void {
    const { counters } = this;
    const { security } = meter;
    if (counters === null || security === undefined || security === null) return;
    const { log } = this.env;
    if (event.kind === 'dialect') log.info('reader.dialect', { meterId: meter.meterId, learned: event.learned });
    else if (event.kind === 'counter-low') {
      counters.reserve(meter, security).catch((error: unknown) => {
        log.warn('reader.counter-not-reserved', { meterId: meter.meterId, reason: reasonOf(error) });
      });
    } else if (event.kind === 'counter-refused') {
      log.warn('reader.counter-refused', { meterId: meter.meterId, expected: event.expected });
      try {
        counters.refused(meter, security, event.expected);
      } catch (error) {
        log.error('reader.counter-jump', { meterId: meter.meterId, reason: reasonOf(error) });
      }
    }
  }

  /** HDLC tells stations and numbers apart; the wrapper has nothing that would tell a late answer of the same meter. */
  madeWay(): void {
    if (this.link.framing !== 'hdlc') this.closeLine();
  }

  restMs({ name }: Meter): number {
    return name === undefined ? 0 : (this.link.restMs?.(name) ?? 0);
  }

  closeLine(): void {
    this.#driver?.close();
    this.#driver = null;
  }

  end(): void {
    this.closeLine();
    this.link.close?.();
  }

  async #line({ name, logicalDevice }: Meter): Promise<LineDriver> {
    if (this.#driver?.isOpen === true && this.link.opensPerSession !== true) return this.#driver;
    this.closeLine();
    const duplex = await this.link.open(name === undefined ? undefined : { name, station: logicalDevice });
    this.#driver = new LineDriver(duplex, this.env);
    return this.#driver;
  }
}

/** Event-notifications and information-reports; pushes have a place of their own. */
function tell(ear: SessionEar, apdu: Notification, shortNames: ShortNames | null): void {
  if (apdu.apdu === 'data-notification') return;
  const happenings = happeningsOf(apdu, shortNames?.known ?? null);
  if (happenings.length === 0) ear.happened(null);
  for (const happening of happenings) ear.happened(happening);
}

const NOT_THE_KEY: ReadonlySet<string> = new Set(['SESSION_MADE_WAY', 'SESSION_ABORTED']);

/** Whether a sign-on may have failed for its key: a meter that cannot read a message may refuse it, or say nothing. */
function mayBeTheKey(error: unknown): boolean {
  return (
    error instanceof DeltawattError &&
    /^(SESSION|SECURITY|HDLC|WRAPPER|FRAME|APDU|DLMS)_/.test(error.code) &&
    !NOT_THE_KEY.has(error.code)
  );
}

/** How this model's data link differs from the standard. */
function hdlcHabits(profile: Profile): Pick<HdlcClientOptions, 'serverNumbers' | 'answersDisconnect'> {
  return {
    serverNumbers: hasQuirk(profile, 'frames-numbered-zero', null) ? 'zero' : 'counted',
    answersDisconnect: !hasQuirk(profile, 'no-disconnect-answer', null),
  };
}

function shortNameRules(profile: Profile): ShortNameRules {
  const isRead = hasQuirk(profile, 'sn-method-read', null);
  const snMethod = isRead ? 'read' : hasQuirk(profile, 'sn-method-write', null) ? 'write' : null;
  return { snMethod, oneSidedProof: hasQuirk(profile, 'one-sided-hls', null) };
}

/** Whether whoever signs on like this shows that he has the keys. */
export function usesKeys(mechanism: SecurityName): boolean {
  return mechanism !== 'none' && mechanism !== 'lls';
}

/** The key file may name another mechanism than the profile, but for clients that prove nothing. */
export function mechanismOf({ security }: Meter, client: ClientRule): SecurityName {
  return client.security === 'none' ? 'none' : (security?.mechanism ?? client.security);
}

/** How to sign on; throws READER_NO_PASSWORD, READER_SECURITY, SECURITY_MECHANISM. */
function authenticationOf(meter: Meter, client: ClientRule, { random }: Pick<Env, 'random'>): Authentication {
  const mechanism = mechanismOf(meter, client);
  switch (mechanism) {
    case 'none':
      return { mechanism };
    case 'lls':
      if (meter.password === null) throw edgeError('READER_NO_PASSWORD', meter.meterId);
      return { mechanism, password: meter.password };
    default:
      if (meter.security === undefined || meter.security === null)
        throw edgeError('READER_SECURITY', `${client.name}: ${mechanism} without keysFile`);
      return hlsSignOn(mechanism, meter.security, (count) => random.bytes(count));
  }
}
