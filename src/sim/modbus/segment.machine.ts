/** Simulated Modbus devices on one line, RTU or TCP: each answers requests for its address. */
import { concat } from '../../base/bytes.ts';
import type { Machine } from '../../base/machine.ts';
import { isModbusError } from '../../modbus/errors.ts';
import { decodeRequest, encodeAnswer, MODBUS_FRAME_MAX_OCTETS, type ModbusFraming } from '../../modbus/frame.ts';

/** A device: octets of registers from `first` on; null = it does not have them. */
export interface ModbusDevice {
  readonly unit: number;
  read(code: 3 | 4, first: number, count: number): Uint8Array | null;
  /** Answers nothing while this is set. */
  isDead: boolean;
}

/** A request was answered. */
export interface ModbusServed {
  readonly kind: 'served';
}

const ILLEGAL_ADDRESS = 2;

/** See the head of the file. */
export class ModbusSegment implements Machine<ModbusServed> {
  /** The next so many answers have an octet altered. */
  alterAnswers = 0;
  #heard: Uint8Array = new Uint8Array(0);
  #output: Uint8Array[] = [];
  #silentAtMs: number | null = null;

  constructor(
    private readonly devices: readonly ModbusDevice[],
    private readonly framing: ModbusFraming,
    private readonly gapMs: number,
  ) {}

  receive(chunk: Uint8Array, nowMs: number): ModbusServed[] {
    this.#heard = concat([this.#heard, chunk]).subarray(-MODBUS_FRAME_MAX_OCTETS);
    this.#silentAtMs = nowMs + this.gapMs;
    try {
      const found = decodeRequest(this.framing, this.#heard);
      if (found === null) return [];
      this.#heard = this.#heard.slice(found.used);
      const { request, transaction } = found;
      const device = this.devices.find(({ unit }) => unit === request.unit);
      if (device === undefined || device.isDead) return [];
      const registers = device.read(request.function, request.first, request.count);
      const answer = registers === null ? { exception: ILLEGAL_ADDRESS } : { registers };
      this.#output.push(this.#altered(encodeAnswer(this.framing, request, answer, transaction)));
      return [{ kind: 'served' }];
    } catch (error) {
      if (!isModbusError(error)) throw error;
      this.#heard = new Uint8Array(0);
      return [];
    }
  }

  takeOutput(): Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  deadlineMs(): number | null {
    return this.#silentAtMs;
  }

  tick(nowMs: number): ModbusServed[] {
    if (this.#silentAtMs === null || nowMs < this.#silentAtMs) return [];
    this.#silentAtMs = null;
    this.#heard = new Uint8Array(0);
    return [];
  }

  #altered(octets: Uint8Array): Uint8Array {
    if (this.alterAnswers === 0) return octets;
    this.alterAnswers--;
    return octets.map((octet, at) => (at === octets.length - 1 ? octet ^ 0x10 : octet));
  }
}
