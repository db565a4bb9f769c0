/**
 * The concentrator's side of one connection to a PRIME base node (DLMSoTCP): who has joined, and a line to each of them.
 *
 * To the rest of the program a node is a line of its own that speaks the wrapper: what is written goes to the node's device
 * id, what comes from it is shown under the wPort that the meter has. A device id is worth as long as the node is joined: when it
 * leaves, joins again, or another node gets its id, its line ends, so that no answer of the past or of another meter is ever
 * heard on it. Octets that are no message end the connection: behind them nothing is certain. No more requests go out than the base
 * node can hold; the others wait here for their turn.
 */
import type { ByteDuplex, Env, Timer } from '../base/env.ts';
import { reasonOf } from '../base/errors.ts';
import {
  decodePrime,
  encodePrime,
  type PrimeData,
  type PrimeMessage,
  type PrimeNewDevice,
} from '../dlms/frame/prime-message.ts';
import { FrameScanner } from '../dlms/frame/scanner.ts';
import { encodeWrapper, type WrapperMessage, wrapperRule } from '../dlms/frame/wrapper-frame.ts';
import { linkError } from './errors.ts';
import { InnerEnd } from './inner-end.ts';
import { PRIME_NODES_MAX } from './limits.ts';
import { isNamed } from './link.ts';
import { PrimeTraffic, type TrafficRules } from './prime-traffic.ts';

/** What a session tells of its network. */
export interface PrimeWatcher {
  /** A node has joined, or joined again. */
  joined(node: PrimeNewDevice): void;
  left(node: PrimeNewDevice): void;
  /** A meter owes no answer any more. */
  settled(): void;
  /** An answer came for which nobody waits any more. */
  late(node: PrimeNewDevice): void;
  /** The connection is over, with the reason. */
  ended(reason: string): void;
}

/** What a session is made of. */
export interface PrimeSessionOptions {
  readonly duplex: ByteDuplex;
  readonly env: Pick<Env, 'clock' | 'timers'>;
  /** Silence inside a message after which it is given up, ms. */
  readonly gapMs: number;
  readonly rules: TrafficRules;
  readonly watcher: PrimeWatcher;
}

/** A request that waits for its turn. */
interface Waiting {
  readonly line: NodeLine;
  readonly send: () => void;
  /** Its line has ended: nobody wants it any more. */
  readonly drop: () => void;
}

interface NodeLine {
  readonly end: InnerEnd;
  readonly station: number;
}

/** First octets of what meters say without being asked: data-notification, event-notification, information-report; plain, ciphered. */
const UNASKED_TAGS: ReadonlySet<number | undefined> = new Set([0x0f, 0xc2, 0x18, 0xca, 0xd2, 0x38, 0x58]);

/** See the head of the file. */
export class PrimeSession {
  readonly #nodes = new Map<number, PrimeNewDevice>();
  readonly #lines = new Map<number, NodeLine>();
  readonly #scanner: FrameScanner<WrapperMessage>;
  readonly #traffic: PrimeTraffic;
  readonly #duplex: ByteDuplex;
  readonly #env: PrimeSessionOptions['env'];
  readonly #watcher: PrimeWatcher;
  #waiting: Waiting[] = [];
  #turn: Timer | null = null;
  #open = true;

  constructor({ duplex, env, gapMs, rules, watcher }: PrimeSessionOptions) {
    this.#duplex = duplex;
    this.#env = env;
    this.#watcher = watcher;
    this.#traffic = new PrimeTraffic(rules);
    this.#scanner = new FrameScanner([wrapperRule()], gapMs);
    duplex.listen({
      data: (chunk) => this.#heard(chunk),
      closed: () => this.#end('the base node ended the connection'),
    });
    // A failure is told as the end of the connection.
    this.#say({ kind: 'start-reporting' }).catch(() => undefined);
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Nodes that have joined. */
  get nodes(): readonly PrimeNewDevice[] {
    return [...this.#nodes.values()];
  }

  /** Ms for which the node of this name still owes an answer to an association that is over; 0 = it may be called. */
  restMs(name: string): number {
    const node = this.#named(name);
    return node === undefined ? 0 : this.#traffic.restMs(node.deviceId, this.#env.clock.monotonicMs());
  }

  /** The line to a node, which shows itself under this wPort; a line that it had ends. Null when it has not joined. */
  lineTo(name: string, station: number): ByteDuplex | null {
    const node = this.#named(name);
    if (node === undefined || !this.#open) return null;
    const { deviceId, serial } = node;
    this.#lines.get(deviceId)?.end.end();
    const end = nodeLine(`${this.#duplex.peer}, ${serial}`, (client, apdu) =>
      this.#ask(line, { kind: 'data', deviceId, client, apdu }),
    );
    const line: NodeLine = { end, station };
    end.onClose = () => this.#lineEnded(deviceId, line);
    this.#lines.set(deviceId, line);
    return end;
  }

  #named(name: string): PrimeNewDevice | undefined {
    return this.nodes.find(({ serial, eui48 }) => isNamed({ name: serial, eui48 }, name));
  }

  #lineEnded(deviceId: number, line: NodeLine): void {
    if (this.#lines.get(deviceId) === line) this.#lines.delete(deviceId);
    const [gone, kept] = [
      this.#waiting.filter((each) => each.line === line),
      this.#waiting.filter((each) => each.line !== line),
    ];
    this.#waiting = kept;
    for (const { drop } of gone) drop();
  }

  /** Sends a request when it is its turn. */
  #ask(line: NodeLine, message: PrimeData): Promise<void> {
    return new Promise((resolve, reject) => {
      const send = () => {
        this.#traffic.asked(message.deviceId, this.#env.clock.monotonicMs());
        this.#say(message).then(resolve, reject);
      };
      this.#waiting.push({ line, send, drop: () => reject(linkError('LINK_CLOSED', line.end.peer)) });
      this.#takeTurns();
    });
  }

  #takeTurns(): void {
    this.#turn?.cancel();
    this.#turn = null;
    while (this.#waiting.length > 0) {
      const waitMs = this.#traffic.waitMs(this.#env.clock.monotonicMs());
      if (waitMs > 0) {
        this.#turn = this.#env.timers.after(waitMs, () => this.#takeTurns());
        return;
      }
      this.#waiting.shift()?.send();
    }
  }

  /** Ends the connection and every line. */
  close(): void {
    this.#duplex.close();
    this.#end('closed');
  }

  #say(message: PrimeMessage): Promise<void> {
    return this.#duplex.write(encodePrime(message, 'concentrator')).catch((error: unknown) => {
      this.#end(reasonOf(error));
      throw error;
    });
  }

  #heard(chunk: Uint8Array): void {
    // TCP brings octets in order and whole: pauses mean nothing, so every one is as if it came at once.
    for (const event of this.#scanner.receive(chunk, 0)) {
      if (!this.#open) return;
      if (event.kind === 'discarded') this.#refuse(event.code);
      else this.#message(event.frame);
    }
  }

  #message(frame: WrapperMessage): void {
    let message: PrimeMessage;
    try {
      message = decodePrime(frame, 'base-node');
    } catch (error) {
      this.#refuse(reasonOf(error));
      return;
    }
    if (message.kind === 'data') this.#deliver(message);
    else if (message.kind === 'new-device') this.#joined(message);
    else if (message.kind === 'device-removed') this.#forget(message.deviceId);
  }

  #deliver({ deviceId, client, apdu }: PrimeData): void {
    const line = this.#lines.get(deviceId);
    const node = this.#nodes.get(deviceId);
    // What a meter says by itself is no receipt.
    const isAnswer = !UNASKED_TAGS.has(apdu.at(0));
    if (line !== undefined) line.end.deliver(encodeWrapper({ source: line.station, destination: client, apdu }));
    else if (node !== undefined && isAnswer) this.#watcher.late(node);
    if (!isAnswer) return;
    if (this.#traffic.heard(deviceId, this.#env.clock.monotonicMs())) this.#watcher.settled();
    this.#takeTurns();
  }

  #joined(node: PrimeNewDevice): void {
    for (const known of this.nodes)
      if (known.deviceId === node.deviceId || known.eui48 === node.eui48) this.#forget(known.deviceId);
    if (this.#nodes.size >= PRIME_NODES_MAX) {
      this.#refuse(`more than ${PRIME_NODES_MAX} nodes`);
      return;
    }
    this.#nodes.set(node.deviceId, node);
    this.#watcher.joined(node);
  }

  #forget(deviceId: number): void {
    const node = this.#nodes.get(deviceId);
    if (node === undefined) return;
    this.#nodes.delete(deviceId);
    this.#traffic.left(deviceId);
    this.#lines.get(deviceId)?.end.end();
    this.#watcher.left(node);
  }

  #refuse(reason: string): void {
    this.#duplex.close();
    this.#end(`what came is no message of a base node (${reason})`);
  }

  #end(reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#turn?.cancel();
    for (const { end } of [...this.#lines.values()]) end.end();
    this.#nodes.clear();
    this.#watcher.ended(reason);
  }
}

/** A node as a line under the wrapper: what is written is taken apart into APDUs, each of which is said to the node. */
function nodeLine(peer: string, say: (client: number, apdu: Uint8Array) => Promise<void>): InnerEnd {
  const written = new FrameScanner<WrapperMessage>([wrapperRule()], 0);
  return new InnerEnd(peer, async (octets) => {
    for (const event of written.receive(octets, 0))
      if (event.kind === 'frame') await say(event.frame.source, event.frame.apdu);
  });
}
