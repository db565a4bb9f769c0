/**
 * The concentrator's side of one connection to a PRIME base node (DLMSoTCP): who has joined, and a line to each of them.
 *
 * To the rest of the program a node is a line of its own that speaks the wrapper: what is written goes to the node's device
 * id, what comes from it is shown under the wPort that the meter has. A device id is worth as long as the node is joined: when it
 * leaves, joins again, or another node gets its id, its line ends, so that no answer of the past or of another meter is ever
 * heard on it. Octets that are no message end the connection: behind them nothing is certain.
 */
import type { ByteDuplex } from '../base/env.ts';
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
import { InnerEnd } from './inner-end.ts';
import { PRIME_NODES_MAX } from './limits.ts';

/** What a session tells of its network. */
export interface PrimeWatcher {
  /** A node has joined, or joined again. */
  joined(node: PrimeNewDevice): void;
  left(node: PrimeNewDevice): void;
  /** The connection is over, with the reason. */
  ended(reason: string): void;
}

/** Whether a node is the one of this name: its DLMS id, or its EUI-48 with or without separators. */
export function isNamed(node: PrimeNewDevice, name: string): boolean {
  return node.serial === name || node.eui48 === name.toUpperCase().replace(/[:-]/g, '');
}

/** See the head of the file. */
export class PrimeSession {
  readonly #nodes = new Map<number, PrimeNewDevice>();
  readonly #lines = new Map<number, { readonly end: InnerEnd; readonly station: number }>();
  readonly #scanner: FrameScanner<WrapperMessage>;
  #open = true;

  constructor(
    private readonly duplex: ByteDuplex,
    gapMs: number,
    private readonly watcher: PrimeWatcher,
  ) {
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

  /** The line to a node, which shows itself under this wPort; a line that it had ends. Null when it has not joined. */
  lineTo(name: string, station: number): ByteDuplex | null {
    const node = this.nodes.find((each) => isNamed(each, name));
    if (node === undefined || !this.#open) return null;
    this.#lines.get(node.deviceId)?.end.end();
    const end = nodeLine(`${this.duplex.peer}, ${node.serial}`, (client, apdu) =>
      this.#say({ kind: 'data', deviceId: node.deviceId, client, apdu }),
    );
    this.#lines.set(node.deviceId, { end, station });
    return end;
  }

  /** Ends the connection and every line. */
  close(): void {
    this.duplex.close();
    this.#end('closed');
  }

  #say(message: PrimeMessage): Promise<void> {
    return this.duplex.write(encodePrime(message, 'concentrator')).catch((error: unknown) => {
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
    line?.end.deliver(encodeWrapper({ source: line.station, destination: client, apdu }));
  }

  #joined(node: PrimeNewDevice): void {
    for (const known of this.nodes)
      if (known.deviceId === node.deviceId || known.eui48 === node.eui48) this.#forget(known.deviceId);
    if (this.#nodes.size >= PRIME_NODES_MAX) {
      this.#refuse(`more than ${PRIME_NODES_MAX} nodes`);
      return;
    }
    this.#nodes.set(node.deviceId, node);
    this.watcher.joined(node);
  }

  #forget(deviceId: number): void {
    const node = this.#nodes.get(deviceId);
    if (node === undefined) return;
    this.#nodes.delete(deviceId);
    this.#lines.get(deviceId)?.end.end();
    this.#lines.delete(deviceId);
    this.watcher.left(node);
  }

  #refuse(reason: string): void {
    this.duplex.close();
    this.#end(`what came is no message of a base node (${reason})`);
  }

  #end(reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    for (const { end } of this.#lines.values()) end.end();
    this.#lines.clear();
    this.#nodes.clear();
    this.watcher.ended(reason);
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
