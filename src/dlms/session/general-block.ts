/**
 * General block transfer in an association (Green Book 9.4.6, service independent): any message, ciphered or not, cut into
 * numbered blocks on its way out and joined on its way in. The same code serves client and server.
 *
 * The plan: blocks are numbered from 1 in each direction; the receiver says how many it takes at once (its window) and which
 * one was the last in order; after a hole the sender goes back to it, three times without progress, then the transfer is
 * given up. The client alone has a clock in this: it repeats what was not answered, so a server needs no timer and never
 * speaks out of turn on a line with a token. Window 0 is a push that nobody acknowledges.
 *
 * Known weak point: a block says neither which message nor which attempt it belongs to. Late doubles are told by their
 * number and octets, so a plain message sent anew, octet for octet, while the last attempt lies half received is refused.
 */
import { concat, sameOctets } from '../../base/bytes.ts';
import { BlockJoin, GENERAL_BLOCK_TRANSFER } from '../frame/block-join.ts';
import type { GeneralBlockTransfer } from '../xdlms/block-transfer.ts';
import { decodeApdu, encodeApdu } from '../xdlms/codec.ts';
import { sessionError } from './errors.ts';
import {
  GENERAL_BLOCK_HEAD_BYTES,
  GENERAL_BLOCKS_MAX,
  GENERAL_IDLE_MS,
  GENERAL_MESSAGE_MAX_BYTES,
  GENERAL_QUEUE_MAX,
  GENERAL_RETRIES,
  PDU_MIN_BYTES,
} from './limits.ts';

/** Settings of one side of one association. */
export interface GeneralBlocksOptions {
  readonly role: 'client' | 'server';
  /** Longest APDU that the peer takes, octets; 0 = no limit. */
  readonly peerPduMaxBytes: number;
  /** Blocks that this side takes before it answers, 1 to 63. */
  readonly window: number;
  /** Blocks that this side sends before it waits, 1 to 63; the peer's window binds too. */
  readonly sendWindowMax: number;
  /** Silence after which a client says again what was not answered, ms; null = the link sees to that. */
  readonly repeatMs: number | null;
}

/** A whole message. */
export interface JoinedMessage {
  readonly octets: Uint8Array;
  /** Every block of it came inside a ciphered message. */
  readonly isProtected: boolean;
  /** It was pushed: nobody asked for it and nobody is to answer. */
  readonly isPushed: boolean;
}

interface Outgoing {
  readonly octets: Uint8Array;
  /** What it answers, so that the same question asked again takes its place. */
  readonly key: number | null;
  readonly count: number;
  sent: number;
  acknowledged: number;
  /** Go-backs in a row without progress. */
  tries: number;
  window: number;
  heardAtMs: number;
}

interface Incoming {
  readonly first: number;
  readonly parts: Uint8Array[];
  bytes: number;
  isProtected: boolean;
  heardAtMs: number;
  /** Acknowledgements in a row without progress. */
  tries: number;
}

/** The two directions of one association. */
export class GeneralBlocks {
  readonly #options: GeneralBlocksOptions;
  readonly #size: number;
  readonly #pushes = new BlockJoin();
  #pushesProtected = true;
  #output: Uint8Array[] = [];
  #queue: { readonly octets: Uint8Array; readonly key: number | null }[] = [];
  #outgoing: Outgoing | null = null;
  #incoming: Incoming | null = null;
  /** The message joined last, by its ends: their doubles may still be on the way. */
  #finished: { readonly number: number; readonly first: Uint8Array; readonly last: Uint8Array } | null = null;
  /** What was said in one piece since then: said again when the last block of the question comes again. */
  #answered: Uint8Array[] = [];
  #ownAcknowledgements = 0;
  #peerAcknowledgements = 0;
  /** Blocks heard since this side acknowledged last. */
  #unanswered = 0;
  #repeatAtMs: number | null = null;
  #repeats = 0;

  constructor(options: GeneralBlocksOptions) {
    this.#options = options;
    const pdu = options.peerPduMaxBytes === 0 ? 0xffff : options.peerPduMaxBytes;
    this.#size = Math.max(PDU_MIN_BYTES, pdu) - GENERAL_BLOCK_HEAD_BYTES;
  }

  /** Longest message that goes through, octets. */
  get messageMaxBytes(): number {
    return Math.min(GENERAL_MESSAGE_MAX_BYTES, this.#size * GENERAL_BLOCKS_MAX);
  }

  /** Blocks to send, and messages short enough to go whole. */
  takeOutput(): Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  /** Sends a message behind those that are not through. Throws SESSION_TOO_LONG, SESSION_QUEUE_FULL. */
  send(octets: Uint8Array, key: number | null, nowMs: number): void {
    if (octets.length > this.messageMaxBytes)
      throw sessionError('SESSION_TOO_LONG', `${octets.length} octets in general blocks`);
    if (this.#queue.length >= GENERAL_QUEUE_MAX)
      throw sessionError('SESSION_QUEUE_FULL', `${GENERAL_QUEUE_MAX} messages in general blocks`);
    this.#queue.push({ octets, key });
    this.#sendNext(nowMs);
  }

  /** A message that nobody acknowledges, as it goes out: every block at once, window 0. */
  pushed(octets: Uint8Array): Uint8Array[] {
    return this.#fits(octets) ? [octets] : pushedBlocks(octets, this.#size);
  }

  /**
   * A message came in one piece: it ends a transfer of ours whose last block is on its way, and the one that answers the
   * same `key`, which is asked anew; also one that nobody has acknowledged for a minute.
   */
  heardWhole(key: number | null, nowMs: number): void {
    const outgoing = this.#outgoing;
    if (this.#options.role === 'server') {
      this.#finished = null;
      this.#answered = [];
    }
    if (outgoing === null) return;
    const isOld = nowMs - outgoing.heardAtMs > GENERAL_IDLE_MS;
    if (outgoing.sent < outgoing.count && outgoing.key !== key && !isOld) return;
    this.#outgoing = null;
    this.#sendNext(nowMs);
  }

  /**
   * Takes a block; gives the message that it completes, or null. Throws SESSION_BLOCKS when the transfer is given up; both
   * directions are then as at the start.
   */
  accept(block: GeneralBlockTransfer, isProtected: boolean, nowMs: number): JoinedMessage | null {
    const isData = block.blockData.length > 0;
    if (isData && block.window === 0 && block.streaming) return this.#takePushed(block, isProtected);
    this.#repeats = 0;
    try {
      this.#acknowledged(block, nowMs);
      if (!isData) this.#peerAcknowledgements = block.blockNumber;
      return isData ? this.#data(block, isProtected, nowMs) : null;
    } finally {
      this.#wait(nowMs);
    }
  }

  deadlineMs(): number | null {
    return this.#repeatAtMs;
  }

  /** Says again what was not answered. Throws SESSION_BLOCKS after the last time, with a word to the peer. */
  tick(nowMs: number): void {
    if (this.#repeatAtMs === null || nowMs < this.#repeatAtMs) return;
    if (++this.#repeats > GENERAL_RETRIES) throw this.#broken(`no answer, ${GENERAL_RETRIES} times`);
    if (this.#outgoing !== null) this.#block(this.#outgoing, this.#outgoing.sent, false);
    else this.#acknowledge();
    this.#wait(nowMs);
  }

  #wait(nowMs: number): void {
    const { repeatMs, role } = this.#options;
    if (role === 'server') return;
    const isOpen = this.#outgoing !== null || this.#incoming !== null;
    this.#repeatAtMs = repeatMs !== null && isOpen ? nowMs + repeatMs : null;
  }

  /** Gives everything up; the peer is told by an acknowledgement with window 0. */
  #broken(reason: string): Error {
    if (this.#incoming !== null) this.#acknowledge(0);
    this.#outgoing = null;
    this.#incoming = null;
    this.#queue = [];
    this.#answered = [];
    this.#repeats = 0;
    this.#repeatAtMs = null;
    return sessionError('SESSION_BLOCKS', reason);
  }

  #fits(octets: Uint8Array): boolean {
    const { peerPduMaxBytes } = this.#options;
    return octets.length <= (peerPduMaxBytes === 0 ? 0xffff : peerPduMaxBytes);
  }

  #sendNext(nowMs: number): void {
    while (this.#outgoing === null) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      if (this.#fits(next.octets)) {
        this.#output.push(next.octets);
        // Only an answer is kept, and only until the next question.
        if (this.#options.role === 'server' && this.#finished !== null) this.#answered = [next.octets];
        continue;
      }
      const count = Math.ceil(next.octets.length / this.#size);
      // How much the peer takes at once is known only after its first word.
      this.#outgoing = { ...next, count, sent: 0, acknowledged: 0, tries: 0, window: 1, heardAtMs: nowMs };
      this.#repeats = 0;
      this.#sendWindow(this.#outgoing);
      this.#wait(nowMs);
    }
  }

  #sendWindow(outgoing: Outgoing): void {
    const last = Math.min(outgoing.acknowledged + outgoing.window, outgoing.count);
    for (let number = outgoing.acknowledged + 1; number <= last; number++) this.#block(outgoing, number, number < last);
  }

  #block(outgoing: Outgoing, number: number, streaming: boolean): void {
    const from = (number - 1) * this.#size;
    outgoing.sent = Math.max(outgoing.sent, number);
    this.#write({
      lastBlock: number === outgoing.count,
      streaming,
      window: this.#options.window,
      blockNumber: number,
      blockNumberAck: this.#received,
      blockData: outgoing.octets.subarray(from, from + this.#size),
    });
  }

  #acknowledge(window = this.#options.window): void {
    this.#unanswered = 0;
    this.#write({
      lastBlock: true,
      streaming: false,
      window,
      blockNumber: ++this.#ownAcknowledgements,
      blockNumberAck: this.#received,
      blockData: new Uint8Array(0),
    });
  }

  #write(block: Omit<GeneralBlockTransfer, 'apdu'>): void {
    this.#output.push(encodeApdu({ apdu: 'general-block-transfer', ...block }));
  }

  /** Number of the last block that came in order. */
  get #received(): number {
    // An answer acknowledges its question; a question says nothing of earlier answers.
    if (this.#incoming === null) return this.#options.role === 'server' ? (this.#finished?.number ?? 0) : 0;
    return this.#incoming.first + this.#incoming.parts.length - 1;
  }

  #acknowledged({ blockNumberAck, window, blockData }: GeneralBlockTransfer, nowMs: number): void {
    const outgoing = this.#outgoing;
    if (outgoing === null || blockNumberAck < outgoing.acknowledged) return;
    if (blockNumberAck > outgoing.sent)
      throw this.#broken(`the peer acknowledges block ${blockNumberAck}, sent were ${outgoing.sent}`);
    const isStuck = blockNumberAck === outgoing.acknowledged;
    outgoing.heardAtMs = nowMs;
    outgoing.acknowledged = blockNumberAck;
    const isRefused = window === 0 && blockData.length === 0 && blockNumberAck < outgoing.count;
    if (isRefused && this.#options.role === 'client') throw this.#broken('the peer takes no more');
    if (isRefused || blockNumberAck === outgoing.count) {
      this.#outgoing = null;
      this.#sendNext(nowMs);
      return;
    }
    // Data of the peer's own with an old number asks for nothing.
    if (isStuck && blockData.length > 0) return;
    outgoing.tries = isStuck ? outgoing.tries + 1 : 0;
    if (outgoing.tries > GENERAL_RETRIES)
      throw this.#broken(`block ${blockNumberAck + 1} was asked for ${outgoing.tries} times`);
    outgoing.window = Math.max(1, Math.min(window, this.#options.sendWindowMax));
    this.#sendWindow(outgoing);
  }

  #data(block: GeneralBlockTransfer, isProtected: boolean, nowMs: number): JoinedMessage | null {
    const incoming = this.#incomingFor(block, nowMs);
    if (incoming === null) return null;
    this.#unanswered++;
    const expected = incoming.first + incoming.parts.length;
    if (block.blockNumber !== expected) {
      if (this.#mustAnswer(block) && ++incoming.tries > GENERAL_RETRIES)
        throw this.#broken(`block ${expected} did not come, ${GENERAL_RETRIES} times`);
    } else {
      incoming.parts.push(block.blockData);
      incoming.bytes += block.blockData.length;
      incoming.isProtected &&= isProtected;
      incoming.heardAtMs = nowMs;
      incoming.tries = 0;
      const isEndless = expected >= GENERAL_BLOCKS_MAX && !block.lastBlock;
      if (incoming.bytes > GENERAL_MESSAGE_MAX_BYTES || isEndless)
        throw this.#broken(`more than ${GENERAL_MESSAGE_MAX_BYTES} octets or ${GENERAL_BLOCKS_MAX} blocks`);
      if (block.lastBlock) return this.#finish(incoming, expected);
    }
    if (this.#mustAnswer(block)) this.#acknowledge();
    return null;
  }

  /** Whether the sender of the block waits now: at the end of its window, at the end of all, or when ours is full. */
  #mustAnswer({ streaming, lastBlock }: GeneralBlockTransfer): boolean {
    return !streaming || lastBlock || this.#unanswered >= this.#options.window;
  }

  #finish(incoming: Incoming, number: number): JoinedMessage {
    const { parts, isProtected } = incoming;
    const [first = NOTHING] = parts;
    this.#finished = { number, first, last: parts.at(-1) ?? NOTHING };
    this.#incoming = null;
    this.#answered = [];
    this.#unanswered = 0;
    this.#ownAcknowledgements = 0;
    return { octets: concat(parts), isProtected, isPushed: false };
  }

  /** The message that a block belongs to; null for a late double. */
  #incomingFor(block: GeneralBlockTransfer, nowMs: number): Incoming | null {
    const { blockNumber, blockData } = block;
    const open = this.#incoming;
    if (open !== null) {
      const [first = NOTHING] = open.parts;
      const isOld = nowMs - open.heardAtMs > GENERAL_IDLE_MS;
      if (blockNumber !== open.first || (sameOctets(first, blockData) && !isOld)) return open;
    } else if (this.#isDouble(block)) return null;
    // Some senders go on counting behind their own acknowledgements.
    if (blockNumber !== 1 && blockNumber !== this.#peerAcknowledgements + 1) return open;
    this.#unanswered = 0;
    // Whoever asks something new has heard the end of the last answer.
    if (this.#options.role === 'server' && this.#outgoing?.sent === this.#outgoing?.count) this.#outgoing = null;
    this.#incoming = { first: blockNumber, parts: [], bytes: 0, isProtected: true, heardAtMs: nowMs, tries: 0 };
    return this.#incoming;
  }

  #isDouble({ blockNumber, blockData }: GeneralBlockTransfer): boolean {
    const finished = this.#finished;
    if (finished === null) return false;
    if (blockNumber === finished.number && blockNumber > 1 && sameOctets(blockData, finished.last)) {
      if (this.#options.role === 'server') this.#answerAgain();
      return true;
    }
    // Answers to different questions differ in their invoke id; a question may be asked twice in the same words.
    return this.#options.role === 'client' && blockNumber === 1 && sameOctets(blockData, finished.first);
  }

  /** The client did not hear what came of its question. */
  #answerAgain(): void {
    if (this.#outgoing === null) this.#output.push(...this.#answered);
    else this.#sendWindow(this.#outgoing);
  }

  #takePushed(block: GeneralBlockTransfer, isProtected: boolean): JoinedMessage | null {
    if (!this.#pushes.isOpen) this.#pushesProtected = true;
    this.#pushesProtected &&= isProtected;
    const outcome = this.#pushes.accept(encodeApdu(block));
    if (outcome.kind === 'dropped') throw sessionError('SESSION_BLOCKS', `pushed block ${block.blockNumber}`);
    if (outcome.kind === 'more') return null;
    return { octets: outcome.apdu, isProtected: this.#pushesProtected, isPushed: true };
  }
}

const NOTHING = new Uint8Array(0);

/** A message cut into blocks of `size` octets that nobody acknowledges. */
function pushedBlocks(octets: Uint8Array, size: number): Uint8Array[] {
  const count = Math.ceil(octets.length / size);
  return Array.from({ length: count }, (_, at) =>
    encodeApdu({
      apdu: 'general-block-transfer',
      lastBlock: at === count - 1,
      streaming: true,
      window: 0,
      blockNumber: at + 1,
      blockNumberAck: 0,
      blockData: octets.subarray(at * size, (at + 1) * size),
    }),
  );
}

/** The octets as a general block, or null when they are something else. Throws DLMS_*. */
export function blockIn(octets: Uint8Array): GeneralBlockTransfer | null {
  if (octets.at(0) !== GENERAL_BLOCK_TRANSFER) return null;
  const apdu = decodeApdu(octets);
  return apdu.apdu === 'general-block-transfer' ? apdu : null;
}
