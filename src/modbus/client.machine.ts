/**
 * The asking side of Modbus: one request at a time, repeated when nobody answers or the answer is broken. An exception ends the
 * task: the device has understood, and would say the same again. What comes behind an answer's end makes it none: two spoke.
 */
import { concat } from '../base/bytes.ts';
import type { DeltawattError } from '../base/errors.ts';
import type { Machine } from '../base/machine.ts';
import { isModbusError, modbusError } from './errors.ts';
import {
  decodeAnswer,
  encodeRequest,
  MODBUS_FRAME_MAX_OCTETS,
  type ModbusFraming,
  type ModbusRequest,
} from './frame.ts';

/** What a line is like; times in ms. */
export interface ModbusLine {
  readonly framing: ModbusFraming;
  /** Time of one octet; 0 = no telling. */
  readonly octetMs: number;
  /** Longest silence inside an answer. */
  readonly gapMs: number;
  /** Wait for its first octet. */
  readonly answerMs: number;
}

/** How a task ended: the octets of the registers of each request, or an error of this room. */
export type ModbusEvent =
  | { readonly kind: 'read'; readonly blocks: readonly Uint8Array[] }
  | { readonly kind: 'failed'; readonly error: DeltawattError };

/** A request is sent so often in all. */
const ATTEMPTS = 3;

/** See the head of the file. */
export class ModbusClient implements Machine<ModbusEvent> {
  readonly #line: ModbusLine;
  #requests: readonly ModbusRequest[] = [];
  #blocks: Uint8Array[] = [];
  #heard: Uint8Array = new Uint8Array(0);
  #output: Uint8Array[] = [];
  #deadlineMs: number | null = null;
  #attempts = 0;
  #transaction = 0;

  constructor(line: ModbusLine) {
    this.#line = line;
  }

  /** Begins; its end is an event. At least one request. */
  start(requests: readonly ModbusRequest[], nowMs: number): void {
    this.#requests = requests;
    this.#blocks = [];
    this.#attempts = 0;
    this.#send(nowMs);
  }

  receive(chunk: Uint8Array, nowMs: number): ModbusEvent[] {
    const request = this.#requests[this.#blocks.length];
    if (this.#deadlineMs === null || request === undefined) return [];
    this.#heard = concat([this.#heard, chunk]).subarray(0, MODBUS_FRAME_MAX_OCTETS + 1);
    // A line that babbles is no device: it must not keep the attempt open for ever.
    if (this.#heard.length <= MODBUS_FRAME_MAX_OCTETS) this.#deadlineMs = nowMs + this.#line.gapMs;
    try {
      const registers = decodeAnswer(this.#line.framing, this.#heard, request, this.#transaction);
      if (registers === null) return [];
      this.#blocks.push(registers);
      this.#attempts = 0;
      if (this.#blocks.length === this.#requests.length) return this.#ended({ kind: 'read', blocks: this.#blocks });
      this.#send(nowMs);
      return [];
    } catch (error) {
      if (!isModbusError(error)) throw error;
      // Broken octets are let pass before anything is said again.
      return error.code === 'MODBUS_FRAME' ? [] : this.#ended({ kind: 'failed', error });
    }
  }

  takeOutput(): Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  deadlineMs(): number | null {
    return this.#deadlineMs;
  }

  tick(nowMs: number): ModbusEvent[] {
    if (this.#deadlineMs === null || nowMs < this.#deadlineMs) return [];
    if (this.#attempts < ATTEMPTS) {
      this.#send(nowMs);
      return [];
    }
    const heard = this.#heard.length;
    const error =
      heard === 0
        ? modbusError('MODBUS_NO_ANSWER', `${ATTEMPTS} requests`)
        : modbusError('MODBUS_FRAME', `offset 0: ${heard} octets that are no answer`);
    return this.#ended({ kind: 'failed', error });
  }

  #send(nowMs: number): void {
    const request = this.#requests[this.#blocks.length];
    if (request === undefined) return;
    this.#attempts++;
    this.#transaction = (this.#transaction + 1) & 0xffff;
    this.#heard = new Uint8Array(0);
    const octets = encodeRequest(this.#line.framing, request, this.#transaction);
    this.#output.push(octets);
    this.#deadlineMs = nowMs + octets.length * this.#line.octetMs + this.#line.answerMs;
  }

  #ended(event: ModbusEvent): ModbusEvent[] {
    this.#deadlineMs = null;
    return [event];
  }
}
