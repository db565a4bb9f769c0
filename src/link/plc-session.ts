/**
 * Who has joined a network over the power line, and a line to each of them: what is the same whatever modem stands before it.
 *
 * To the rest of the program a node is a line of its own that speaks the wrapper. An address is worth as long as the node is joined: when it
 * leaves, joins again, or another node gets its address, its line ends, so that no answer of the past or of another meter is ever
 * heard on it. No more requests go out than the modem can hold; the others wait here for their turn. How a request reaches a
 * node, and how the modem tells who comes and goes, is what a class below this one adds.
 */
import type { ByteDuplex, Env, Timer } from '../base/env.ts';
import { hasCode } from '../base/errors.ts';
import { FrameScanner } from '../dlms/frame/scanner.ts';
import { encodeWrapper, type WrapperMessage, wrapperRule } from '../dlms/frame/wrapper-frame.ts';
import { linkError } from './errors.ts';
import { InnerEnd } from './inner-end.ts';
import { PLC_NODES_MAX } from './limits.ts';
import { isNamed } from './link.ts';
import type { PlcTraffic } from './plc-traffic.ts';

/** A meter that has joined. */
export interface PlcNode {
  /** What its network calls it now, 1-65,535; another meter may get it after this one has left. */
  readonly address: number;
  /** What does not change: the DLMS id of a PRIME meter, the EUI-64 of a G3 meter. */
  readonly name: string;
  /** EUI-48 or EUI-64 of its modem, upper-case hex digits. */
  readonly eui: string;
}

/** What a session tells of its network. */
export interface PlcWatcher {
  /** A node has joined, or joined again. */
  joined(node: PlcNode): void;
  left(node: PlcNode): void;
  /** A meter owes no answer any more. */
  settled(): void;
  /** An answer came for which nobody waits any more. */
  late(node: PlcNode): void;
  /** The connection is over, with the reason. */
  ended(reason: string): void;
}

/** What every session is made of. */
export interface PlcSessionOptions {
  /** What lies between here and the modem, for names. */
  readonly peer: string;
  readonly env: Pick<Env, 'clock' | 'timers'>;
  readonly traffic: PlcTraffic;
  readonly watcher: PlcWatcher;
}

/** An APDU to a node. */
export interface PlcRequest {
  /** Client SAP. */
  readonly client: number;
  /** wPort of the meter for which it is meant. */
  readonly station: number;
  readonly apdu: Uint8Array;
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
export abstract class PlcSession {
  readonly #nodes = new Map<number, PlcNode>();
  readonly #lines = new Map<number, NodeLine>();
  readonly #options: PlcSessionOptions;
  #waiting: Waiting[] = [];
  #turn: Timer | null = null;
  #open = true;

  constructor(options: PlcSessionOptions) {
    this.#options = options;
  }

  /** Hands a request to the modem; rejects with `LINK_UNSENT` when it is certain that it did not leave. */
  protected abstract say(node: PlcNode, request: PlcRequest): Promise<void>;

  /** Gives up what lies below. */
  protected abstract hangUp(): void;

  /** Whether a node keeps its address when it joins again, so that what it owes stays owed. */
  protected readonly keepsAddresses: boolean = false;

  get isOpen(): boolean {
    return this.#open;
  }

  /** Nodes that have joined. */
  get nodes(): readonly PlcNode[] {
    return [...this.#nodes.values()];
  }

  /** Ms for which the node of this name still owes an answer to an association that is over; 0 = it may be called. */
  restMs(name: string): number {
    const node = this.#named(name);
    const { traffic, env } = this.#options;
    return node === undefined ? 0 : traffic.restMs(node.address, env.clock.monotonicMs());
  }

  /** The line to a node, which shows itself under this wPort; a line that it had ends. Null when it has not joined. */
  lineTo(name: string, station: number): ByteDuplex | null {
    const node = this.#named(name);
    if (node === undefined || !this.#open) return null;
    const { address } = node;
    this.#lines.get(address)?.end.end();
    const end = nodeLine(`${this.#options.peer}, ${node.name}`, (message) => this.#ask(line, node, message));
    const line: NodeLine = { end, station };
    end.onClose = () => this.#lineEnded(address, line);
    this.#lines.set(address, line);
    return end;
  }

  /** Ends the connection and every line. */
  close(): void {
    this.refuse('closed');
  }

  /** A node has joined; false when there are too many. */
  protected joined(node: PlcNode): boolean {
    for (const known of this.nodes)
      if (known.address === node.address || known.eui === node.eui) this.left(known.address);
    if (this.#nodes.size >= PLC_NODES_MAX) return false;
    this.#nodes.set(node.address, node);
    this.#options.watcher.joined(node);
    return true;
  }

  /** A node has left. */
  protected left(address: number): void {
    const node = this.#nodes.get(address);
    if (node === undefined) return;
    this.#nodes.delete(address);
    if (!this.keepsAddresses) this.#options.traffic.left(address);
    this.#lines.get(address)?.end.end();
    this.#options.watcher.left(node);
  }

  /** An APDU of a node to a client; `station` = its wPort where it told, absent = that under which its line is known. */
  protected heard(address: number, client: number, apdu: Uint8Array, station?: number): void {
    const { traffic, watcher, env } = this.#options;
    const line = this.#lines.get(address);
    const node = this.#nodes.get(address);
    // What a meter says by itself is no receipt.
    const isAnswer = !UNASKED_TAGS.has(apdu.at(0));
    if (line !== undefined)
      line.end.deliver(encodeWrapper({ source: station ?? line.station, destination: client, apdu }));
    else if (node !== undefined && isAnswer) watcher.late(node);
    if (!isAnswer) return;
    if (traffic.heard(address, env.clock.monotonicMs())) watcher.settled();
    this.#takeTurns();
  }

  /** Ends everything for what the other side did. */
  protected refuse(reason: string): void {
    this.hangUp();
    this.ended(reason);
  }

  /** The connection has ended. */
  protected ended(reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#turn?.cancel();
    for (const { end } of [...this.#lines.values()]) end.end();
    this.#nodes.clear();
    this.#options.watcher.ended(reason);
  }

  #named(name: string): PlcNode | undefined {
    return this.nodes.find((node) => isNamed(node, name));
  }

  #lineEnded(address: number, line: NodeLine): void {
    if (this.#lines.get(address) === line) this.#lines.delete(address);
    const [gone, kept] = [
      this.#waiting.filter((each) => each.line === line),
      this.#waiting.filter((each) => each.line !== line),
    ];
    this.#waiting = kept;
    for (const { drop } of gone) drop();
  }

  /** Sends a request when it is its turn. */
  #ask(line: NodeLine, node: PlcNode, message: WrapperMessage): Promise<void> {
    const { traffic, env } = this.#options;
    const { source: client, destination: station, apdu } = message;
    return new Promise((resolve, reject) => {
      const send = () => {
        traffic.asked(node.address, env.clock.monotonicMs());
        this.say(node, { client, station, apdu }).then(resolve, (error: unknown) => {
          if (hasCode(error, 'LINK_UNSENT')) {
            traffic.undelivered(node.address);
            this.#takeTurns();
          }
          reject(error);
        });
      };
      this.#waiting.push({ line, send, drop: () => reject(linkError('LINK_CLOSED', line.end.peer)) });
      this.#takeTurns();
    });
  }

  #takeTurns(): void {
    const { traffic, env } = this.#options;
    this.#turn?.cancel();
    this.#turn = null;
    while (this.#waiting.length > 0) {
      const waitMs = traffic.waitMs(env.clock.monotonicMs());
      if (waitMs > 0) {
        this.#turn = env.timers.after(waitMs, () => this.#takeTurns());
        return;
      }
      this.#waiting.shift()?.send();
    }
  }
}

/** A node as a line under the wrapper: what is written is taken apart into messages, each of which is said to the node. */
function nodeLine(peer: string, say: (message: WrapperMessage) => Promise<void>): InnerEnd {
  const written = new FrameScanner<WrapperMessage>([wrapperRule()], 0);
  return new InnerEnd(peer, async (octets) => {
    for (const event of written.receive(octets, 0)) if (event.kind === 'frame') await say(event.frame);
  });
}
