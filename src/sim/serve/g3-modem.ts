/**
 * A G3-PLC modem with simulated meters behind it, as a concentrator has it on a serial port: it is made ready, starts a network, and tells of
 * each meter that wants to join; the concentrator gives it a short address.
 *
 * The modem lives on when the port is closed, with the meters that have joined. It has few buffers: a packet that finds none is refused by name,
 * and buffer indications say when there is room. What the power line does to messages is in `sim/plc/modem.ts`, who comes and
 * goes in `sim/plc/network.ts`, and all traits are in `sim/plc/habits.ts`. Given up: 6LoWPAN and routing, which no host ever sees.
 */
import type { ByteDuplex, DuplexListener, Env, Timer } from '../../base/env.ts';
import type { SeededRandom } from '../../base/seeded-random.ts';
import {
  decodeG3,
  encodeG3,
  G3_PAN_ID_ATTRIBUTE,
  G3_RESULT,
  G3_STATUS,
  type G3Message,
  type G3Request,
  g3CommandOf,
} from '../../dlms/frame/g3-message.ts';
import { FrameScanner } from '../../dlms/frame/scanner.ts';
import { decodeUdpPacket, encodeUdpPacket, linkLocalOf, shortAddressIn } from '../../dlms/frame/udp-packet.ts';
import { encodeUsi, USI_PROTOCOL, type UsiFrame, usiRule } from '../../dlms/frame/usi-frame.ts';
import { encodeWrapper, type WrapperMessage, wrapperRule } from '../../dlms/frame/wrapper-frame.ts';
import { G3_APDU_MAX_BYTES } from '../../link/limits.ts';
import type { PlcHabits } from '../plc/habits.ts';
import { PlcModem } from '../plc/modem.ts';
import { type PlcMeter, PlcNetwork, type PlcNode } from '../plc/network.ts';

/** EUI-64 of a simulated modem: locally administered, from the digits of the serial number; 16 hex digits. */
export function simEui64(serial: string): string {
  return `02${serial.replace(/\D/g, '').slice(-14).padStart(14, '0')}`;
}

const COORDINATOR = 0;
const NO_PAN = 0xffff;
/** A meter that gets no short address asks again after so long. */
const ASK_AGAIN_MS = 10_000;
const LINK_QUALITY = 90;
const GAP_MS = 250;
const PORT_DEFAULT = 4_059;
const WRAPPER = wrapperRule();

/** A meter that has joined. */
interface Registration {
  readonly node: PlcNode;
  readonly shortAddress: number;
  /** wPort under which it was asked last, and the UDP port of whoever asked. */
  station: number;
  port: number;
}

/** See the head of the file. */
export class G3SimModem {
  readonly network: PlcNetwork;
  readonly modem: PlcModem;
  /** Null = it was not made ready. */
  #panId: number | null = null;
  /** Monotonic ms until which it hears nothing. */
  #bootsUntilMs = 0;
  #line: G3ModemLine | null = null;
  readonly #registered = new Map<PlcMeter, Registration>();
  /** Meters that wait for a short address. */
  readonly #asking = new Map<PlcNode, Timer>();

  constructor(
    meters: readonly PlcMeter[],
    private readonly env: Pick<Env, 'clock' | 'timers'>,
    private readonly habits: PlcHabits,
    random: SeededRandom,
  ) {
    this.modem = new PlcModem(env, random.fork('modem'), habits);
    this.network = new PlcNetwork(meters, habits, env, random.fork('network'));
    this.network.watch({ joined: (node) => this.#ask(node), left: (node) => this.#left(node) });
  }

  /** The meters' side of the port, as a line under the wrapper on which each meter has its own wPort. */
  attach(duplex: ByteDuplex): ByteDuplex {
    this.#line?.end();
    const line = new G3ModemLine(duplex, {
      frame: (frame) => this.#frame(frame),
      answer: (message) => this.#answer(message),
    });
    this.#line = line;
    return line;
  }

  /** It loses its supply for a moment: it forgets its network, and says nothing of it. */
  restart(): void {
    this.#bootsUntilMs = this.env.clock.monotonicMs() + (this.habits.bootMs ?? 0);
    this.#panId = null;
    this.#forget();
  }

  /** Short addresses of those who have joined, `serial address`, sorted. */
  addresses(): readonly string[] {
    return [...this.#registered.values()]
      .map(({ node, shortAddress }) => `${node.meter.serial} ${shortAddress}`)
      .sort();
  }

  #forget(): void {
    this.modem.restart();
    for (const timer of this.#asking.values()) timer.cancel();
    this.#asking.clear();
    this.#registered.clear();
  }

  get #isRunning(): boolean {
    return this.#panId !== null && this.#panId !== NO_PAN;
  }

  #frame({ payload }: UsiFrame): void {
    if (this.env.clock.monotonicMs() < this.#bootsUntilMs) return;
    const message = decodeG3(payload, 'host');
    if (message.kind === 'other') this.#status(message.command, G3_STATUS.unknownCommand);
    else if (message.kind !== 'initialize' && this.#panId === null)
      this.#status(g3CommandOf(message.kind), G3_STATUS.notAllowed);
    else this.#request(message as G3Request);
  }

  #request(message: G3Request): void {
    switch (message.kind) {
      case 'initialize':
        this.#panId = NO_PAN;
        this.#forget();
        this.#status(g3CommandOf('initialize'), G3_STATUS.success);
        return;
      case 'network-start':
        this.#panId = message.panId;
        this.#say({ kind: 'network-started', result: G3_RESULT.success });
        this.network.restart();
        return;
      case 'get': {
        const { attribute, index } = message;
        const isPan = attribute === G3_PAN_ID_ATTRIBUTE;
        const panId = this.#panId ?? NO_PAN;
        const value = isPan ? Uint8Array.of(panId >>> 8, panId & 0xff) : new Uint8Array(0);
        const result = isPan ? G3_RESULT.success : G3_RESULT.invalidRequest;
        this.#say({ kind: 'get-confirm', result, attribute, index, value });
        return;
      }
      case 'set':
      case 'bootstrap-set': {
        const { attribute, index } = message;
        this.#say({ kind: `${message.kind}-confirm`, result: G3_RESULT.success, attribute, index });
        return;
      }
      case 'assign':
        this.#assigned(message.eui64, message.shortAddress);
        return;
      case 'kick':
        this.#kicked(message.shortAddress);
        return;
      case 'data-request':
        this.#carry(message.handle, message.packet);
    }
  }

  /** A node wants to join, until it got an address or went away. */
  #ask(node: PlcNode): void {
    if (!this.#isRunning || this.network.nodeOf(node.meter) !== node) return;
    this.#say({ kind: 'join-request', eui64: simEui64(node.meter.serial) });
    this.#asking.set(
      node,
      this.env.timers.after(ASK_AGAIN_MS, () => this.#ask(node)),
    );
  }

  #assigned(eui64: string, shortAddress: number): void {
    const [node] = [...this.#asking.keys()].filter(({ meter }) => simEui64(meter.serial) === eui64);
    if (node === undefined) return;
    this.#asking.get(node)?.cancel();
    this.#asking.delete(node);
    this.#registered.set(node.meter, { node, shortAddress, station: 1, port: PORT_DEFAULT });
    this.#say({ kind: 'joined', eui64, shortAddress });
  }

  #kicked(shortAddress: number): void {
    const found = this.#at(shortAddress);
    if (found !== undefined) this.network.release(found.node.meter);
  }

  #left(node: PlcNode): void {
    this.#asking.get(node)?.cancel();
    this.#asking.delete(node);
    const found = this.#registered.get(node.meter);
    if (found?.node !== node) return;
    this.#registered.delete(node.meter);
    this.#say({ kind: 'left', shortAddress: found.shortAddress });
  }

  #at(shortAddress: number): Registration | undefined {
    return [...this.#registered.values()].find((each) => each.shortAddress === shortAddress);
  }

  #carry(handle: number, octets: Uint8Array): void {
    const confirm = (result: number) => this.#say({ kind: 'data-confirm', result, handle });
    const request = this.#isRunning ? this.#datagram(octets) : null;
    if (request === null) {
      confirm(G3_RESULT.invalidIpv6Frame);
      return;
    }
    const { found, message, port } = request;
    if (found === undefined) {
      confirm(G3_RESULT.routeError);
      return;
    }
    if (this.modem.isFull) {
      confirm(G3_RESULT.noBuffers);
      this.#say({ kind: 'buffers', free: 0 });
      return;
    }
    const wasFull = () => this.#say({ kind: 'buffers', free: 1 });
    const { source, destination: station, apdu } = message;
    const heard = () => {
      if (!this.#isThere(found)) return;
      Object.assign(found, { station, port });
      this.#line?.hear(encodeWrapper({ source, destination: found.node.meter.address, apdu }));
    };
    this.modem.ask(found.node.hops, heard, (outcome, isFreed) => {
      // Where the modem stands still, nothing is ever confirmed.
      if (outcome === 'sent') confirm(G3_RESULT.success);
      else if (outcome === 'lost') confirm(G3_RESULT.timeout);
      if (isFreed) wasFull();
    });
  }

  /** What a packet of the host asks of whom; null = no packet that the network would carry. */
  #datagram(octets: Uint8Array) {
    try {
      const packet = decodeUdpPacket(octets);
      const verdict = WRAPPER.examine(packet.payload);
      const shortAddress = shortAddressIn(packet.destination, this.#panId ?? NO_PAN);
      if (shortAddress === null || verdict.kind !== 'accept') return null;
      return { found: this.#at(shortAddress), message: verdict.frame, port: packet.sourcePort };
    } catch {
      return null;
    }
  }

  /** A meter says something. */
  #answer({ source, destination, apdu }: WrapperMessage): void {
    const found = [...this.#registered.values()].find(({ node }) => node.meter.address === source);
    // A meter that has left meanwhile is heard by nobody, and what is too long fits no packet.
    if (found === undefined || apdu.length > G3_APDU_MAX_BYTES) return;
    const panId = this.#panId ?? NO_PAN;
    const packet = encodeUdpPacket({
      source: linkLocalOf(panId, found.shortAddress),
      destination: linkLocalOf(panId, COORDINATOR),
      sourcePort: found.port,
      destinationPort: found.port,
      payload: encodeWrapper({ source: found.station, destination, apdu }),
    });
    this.modem.answer(found.node.hops, () => {
      // Also when it has joined again meanwhile, under the same address.
      if (this.#isRunning) this.#say({ kind: 'data', linkQuality: LINK_QUALITY, packet });
    });
  }

  #isThere(found: Registration): boolean {
    return this.#registered.get(found.node.meter) === found;
  }

  #status(command: number, status: number): void {
    this.#say({ kind: 'status', status, command });
  }

  #say(message: G3Message): void {
    this.#line?.say(message);
  }
}

interface LineOwner {
  frame(frame: UsiFrame): void;
  answer(message: WrapperMessage): void;
}

/** The port, as long as somebody has it open. */
class G3ModemLine implements ByteDuplex {
  readonly #heard = new FrameScanner<UsiFrame>([usiRule(USI_PROTOCOL.g3Adaptation)], GAP_MS);
  readonly #said = new FrameScanner<WrapperMessage>([WRAPPER], 0);
  #listener: DuplexListener | null = null;
  #open = true;

  constructor(
    private readonly duplex: ByteDuplex,
    private readonly owner: LineOwner,
  ) {
    duplex.listen({
      data: (chunk) => {
        for (const event of this.#heard.receive(chunk, 0)) if (event.kind === 'frame') owner.frame(event.frame);
      },
      closed: () => this.#ended(),
    });
  }

  get peer(): string {
    return this.duplex.peer;
  }

  say(message: G3Message): void {
    if (!this.#open) return;
    const octets = encodeUsi({ protocol: USI_PROTOCOL.g3Adaptation, payload: encodeG3(message) });
    this.duplex.write(octets).catch(() => this.#ended());
  }

  /** A request for a meter. */
  hear(octets: Uint8Array): void {
    if (this.#open) this.#listener?.data(octets);
  }

  listen(listener: DuplexListener): void {
    this.#listener = listener;
    if (!this.#open) listener.closed();
  }

  write(octets: Uint8Array): Promise<void> {
    for (const event of this.#said.receive(octets, 0)) if (event.kind === 'frame') this.owner.answer(event.frame);
    return Promise.resolve();
  }

  close(): void {
    this.duplex.close();
    this.#ended();
  }

  /** Another one opened the port. */
  end(): void {
    this.close();
  }

  #ended(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#listener?.closed();
  }
}
