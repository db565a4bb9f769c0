/**
 * The concentrator's side of a G3-PLC modem: who has joined its network, and a line to each of them.
 *
 * A request goes as wrapper in UDP in IPv6 from the coordinator's link-local address to that of the meter; what comes from another network,
 * for another port, with a wrong checksum, or is not exactly one message of the wrapper, is dropped. A meter that asks to join gets a short
 * address, which is kept before the meter is told, and the same one whenever it joins again. So a modem that ran on while this
 * program was away is used on with the meters that are known. A late answer can therefore come under the same address: what a meter owes is
 * not forgotten when it leaves.
 */
import type { ByteDuplex, Env } from '../base/env.ts';
import { reasonOf } from '../base/errors.ts';
import type { RunningMachine } from '../base/machine.ts';
import { G3_RESULT } from '../dlms/frame/g3-message.ts';
import { decodeUdpPacket, encodeUdpPacket, linkLocalOf, shortAddressIn } from '../dlms/frame/udp-packet.ts';
import { encodeWrapper, wrapperRule } from '../dlms/frame/wrapper-frame.ts';
import { LineDriver } from './drive.ts';
import { linkError } from './errors.ts';
import { G3Addresses, type G3AddressRows } from './g3-addresses.ts';
import { G3Modem, type G3ModemEvent, type G3ModemRules } from './g3-modem.machine.ts';
import { G3_APDU_MAX_BYTES, PLC_NODES_MAX } from './limits.ts';
import type { LinkMemory } from './link.ts';
import { type PlcNode, type PlcRequest, PlcSession, type PlcWatcher } from './plc-session.ts';
import type { PlcTraffic } from './plc-traffic.ts';

/** What a session is made of. */
export interface G3SessionOptions {
  readonly duplex: ByteDuplex;
  readonly env: Pick<Env, 'clock' | 'timers'>;
  readonly rules: G3ModemRules;
  /** UDP port of DLMS, both ways. */
  readonly port: number;
  /** A network that runs already is started anew. */
  readonly startsAnew: boolean;
  /** Outlives the session: meters keep their addresses, and what they owe. */
  readonly traffic: PlcTraffic;
  /** Null = nothing survives a restart. */
  readonly memory: LinkMemory | null;
  readonly watcher: PlcWatcher;
}

const COORDINATOR = 0;
/** Results after which a packet is certainly not on its way; after others it may be. */
const NOT_SENT: ReadonlySet<number> = new Set([
  G3_RESULT.invalidRequest,
  G3_RESULT.invalidIpv6Frame,
  G3_RESULT.notPermitted,
  G3_RESULT.routeError,
  G3_RESULT.busy,
  G3_RESULT.noBuffers,
]);
const WRAPPER = wrapperRule();

interface Sending {
  readonly done: () => void;
  readonly refused: (error: unknown) => void;
}

/** Starts or takes over the network of a modem; rejects with `LINK_MODEM`, and the line is closed. */
export async function openG3Session(options: G3SessionOptions): Promise<PlcSession> {
  const { memory, duplex } = options;
  let rows: G3AddressRows = [];
  try {
    rows = rowsIn(await memory?.load());
  } catch (error) {
    duplex.close();
    throw linkError('LINK_MODEM', `the addresses of its meters cannot be read: ${reasonOf(error)}`, error);
  }
  const session = new G3Session(options, new G3Addresses(rows));
  await session.ready;
  return session;
}

/** Rows as they were kept; none when what was kept is something else. */
function rowsIn(kept: unknown): G3AddressRows {
  if (!Array.isArray(kept)) return [];
  return kept.filter(
    (row): row is readonly [string, number] =>
      Array.isArray(row) &&
      /^[0-9A-F]{16}$/.test(String(row[0])) &&
      Number.isInteger(row[1]) &&
      row[1] > COORDINATOR &&
      row[1] <= PLC_NODES_MAX,
  );
}

class G3Session extends PlcSession {
  /** Resolves when the network runs; rejects with LINK_MODEM. */
  readonly ready: Promise<void>;
  protected override readonly keepsAddresses = true;
  readonly #options: G3SessionOptions;
  readonly #addresses: G3Addresses;
  readonly #modem: G3Modem;
  readonly #driver: LineDriver;
  readonly #running: RunningMachine;
  readonly #sending = new Map<number, Sending>();
  #lastTag = 0;
  #settled: { readonly isReady: () => void; readonly failed: (error: Error) => void } | null = null;

  constructor(options: G3SessionOptions, addresses: G3Addresses) {
    const { duplex, env, traffic, watcher, rules, startsAnew } = options;
    super({ peer: duplex.peer, env, traffic, watcher });
    this.#options = options;
    this.#addresses = addresses;
    traffic.restarted();
    this.ready = new Promise((isReady, failed) => {
      this.#settled = { isReady, failed };
    });
    this.#modem = new G3Modem(rules);
    this.#driver = new LineDriver(duplex, env);
    this.#running = this.#driver.run(
      this.#modem,
      (events) => {
        for (const event of events) this.#event(event);
      },
      () => this.ended('the line to the modem ended'),
    );
    this.#modem.start(this.#running.nowMs(), addresses.rows.length > 0 && !startsAnew);
    this.#running.kick();
  }

  protected override say({ address }: PlcNode, { client, station, apdu }: PlcRequest): Promise<void> {
    if (apdu.length > G3_APDU_MAX_BYTES)
      return Promise.reject(
        linkError('LINK_UNSENT', `an APDU of ${apdu.length} octets, a packet carries ${G3_APDU_MAX_BYTES}`),
      );
    const { rules, port } = this.#options;
    const packet = encodeUdpPacket({
      source: linkLocalOf(rules.panId, COORDINATOR),
      destination: linkLocalOf(rules.panId, address),
      sourcePort: port,
      destinationPort: port,
      payload: encodeWrapper({ source: client, destination: station, apdu }),
    });
    this.#lastTag++;
    const tag = this.#lastTag;
    return new Promise((done, refused) => {
      this.#sending.set(tag, { done, refused });
      this.#modem.send(tag, packet, this.#running.nowMs());
      this.#running.kick();
    });
  }

  protected override hangUp(): void {
    this.#driver.close();
  }

  protected override ended(reason: string): void {
    this.#settled?.failed(linkError('LINK_MODEM', reason));
    this.#settled = null;
    for (const { done } of this.#sending.values()) done();
    this.#sending.clear();
    super.ended(reason);
  }

  #event(event: G3ModemEvent): void {
    if (!this.isOpen) return;
    switch (event.kind) {
      case 'running':
        if (!event.isFresh) for (const [eui64, address] of this.#addresses.rows) this.#isThere(eui64, address);
        this.#settled?.isReady();
        this.#settled = null;
        return;
      case 'stopped':
        this.#options.traffic.restarted();
        for (const { address } of this.nodes) this.left(address);
        return;
      case 'failed':
        this.refuse(event.reason);
        return;
      case 'join-request':
        this.#admit(event.eui64);
        return;
      case 'joined':
        this.#joined(event.eui64, event.shortAddress);
        return;
      case 'left':
        this.left(event.shortAddress);
        return;
      case 'packet':
        this.#packet(event.packet);
        return;
      case 'sent':
        this.#sent(event.tag, event.result);
        return;
      case 'discarded':
        return;
    }
  }

  #sent(tag: number, result: number | null): void {
    const sending = this.#sending.get(tag);
    this.#sending.delete(tag);
    if (sending === undefined) return;
    if (result === null || !NOT_SENT.has(result)) sending.done();
    else sending.refused(linkError('LINK_UNSENT', `the modem says ${result.toString(16).toUpperCase()}`));
  }

  /** A meter gets its address when that is stored, so that nobody else gets it after a restart; one that waits in vain asks again. */
  #admit(eui64: string): void {
    const known = this.#addresses.of(eui64);
    const address = this.#addresses.give(eui64);
    const assign = () => {
      if (!this.isOpen) return;
      this.#modem.assign(eui64, address);
      this.#running.kick();
    };
    if (known !== null) assign();
    else this.#keep().then(assign, () => undefined);
  }

  #joined(eui64: string, shortAddress: number): void {
    if (this.#addresses.of(eui64) !== shortAddress) {
      this.#addresses.tell(eui64, shortAddress);
      this.#keep().catch(() => undefined);
    }
    this.#isThere(eui64, shortAddress);
  }

  #keep(): Promise<void> {
    return this.#options.memory?.keep(this.#addresses.rows) ?? Promise.resolve();
  }

  #isThere(eui64: string, address: number): void {
    if (!this.joined({ address, name: eui64, eui: eui64 })) this.refuse(`more than ${PLC_NODES_MAX} nodes`);
  }

  #packet(octets: Uint8Array): void {
    const { rules, port } = this.#options;
    const packet = packetIn(octets);
    if (packet === null) return;
    const address = shortAddressIn(packet.source, rules.panId);
    const isForUs = packet.destination === linkLocalOf(rules.panId, COORDINATOR) && packet.destinationPort === port;
    const verdict = WRAPPER.examine(packet.payload);
    if (address === null || !isForUs || verdict.kind !== 'accept' || verdict.used !== packet.payload.length) return;
    const { source: station, destination: client, apdu } = verdict.frame;
    this.heard(address, client, apdu, station);
  }
}

/** Null for octets that are no UDP in IPv6, or were altered on their way. */
function packetIn(octets: Uint8Array): ReturnType<typeof decodeUdpPacket> | null {
  try {
    return decodeUdpPacket(octets);
  } catch {
    return null;
  }
}
