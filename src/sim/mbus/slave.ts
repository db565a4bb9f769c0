/**
 * A simulated meter on a wired M-Bus (EN 13757-2, slave): answers to its primary address, and to FD while it is selected by its
 * identity. The frame count bit tells it whether the master heard its last telegram.
 */
import { ByteReader } from '../../base/bytes.ts';
import { ADDRESS, CONTROL, FRAME_COUNT_BIT, INFORMATION, type MbusLinkFrame } from '../../mbus/frame.ts';
import type { MbusIdentity } from '../../mbus/identity.ts';
import { encodeTelegram, type MbusTelegram, readIdentity } from '../../mbus/telegram.ts';

const ACKNOWLEDGE: MbusLinkFrame = { kind: 'acknowledge' };
const MASTER_BITS = 0x40;
const FRAME_COUNT_VALID = 0x10;

/** What a slave is. */
export interface MbusSlaveOptions {
  /** 1 to 250; 0 = none was given to it yet. */
  readonly primary: number;
  readonly identity: MbusIdentity;
  /** Its read-out, without headers: one telegram or several. */
  readonly readout: () => readonly Pick<MbusTelegram, 'records' | 'makersData'>[];
  /** Status octet; absent = all is well. */
  readonly status?: () => number;
}

/** See the head of the file. */
export class MbusSlave {
  readonly #options: MbusSlaveOptions;
  #isSelected = false;
  #accessNumber = 0;
  /** Frame count bit of the request that was answered last, null = none since the initialisation. */
  #frameCount: boolean | null = null;
  #telegrams: readonly Pick<MbusTelegram, 'records' | 'makersData'>[] = [];
  #at = 0;
  /** Answers nothing while this is set: it is broken, or its wires are. */
  isDead = false;

  constructor(options: MbusSlaveOptions) {
    this.#options = options;
  }

  /** Its answer to a frame, null = it keeps silent. */
  hear(frame: MbusLinkFrame): MbusLinkFrame | null {
    if (this.isDead || frame.kind === 'acknowledge' || (frame.control & MASTER_BITS) === 0) return null;
    if (frame.kind === 'long' && frame.information === INFORMATION.select && frame.address === ADDRESS.selected)
      return this.#select(frame.data);
    if (!this.#isMeant(frame.address)) return null;
    const answers = frame.address !== ADDRESS.everyone;
    if (frame.control === CONTROL.initialize) return this.#initialize(frame.address) && answers ? ACKNOWLEDGE : null;
    const isRequest =
      (frame.control & ~(FRAME_COUNT_BIT | FRAME_COUNT_VALID)) === (CONTROL.requestData & ~FRAME_COUNT_VALID);
    return isRequest && answers ? this.#respond((frame.control & FRAME_COUNT_BIT) !== 0) : null;
  }

  #isMeant(address: number): boolean {
    if (address === ADDRESS.selected) return this.#isSelected;
    return address === this.#options.primary || address === ADDRESS.anyone || address === ADDRESS.everyone;
  }

  /** A selected meter that is initialised is selected no more. */
  #initialize(address: number): boolean {
    const answers = address !== ADDRESS.selected || this.#isSelected;
    this.#frameCount = null;
    this.#at = 0;
    if (address === ADDRESS.selected) this.#isSelected = false;
    return answers;
  }

  #select(data: Uint8Array): MbusLinkFrame | null {
    const { identity } = this.#options;
    const wanted = readIdentity(new ByteReader(data));
    const isDigit = (digit: string, at: number) => digit === 'F' || digit === identity.number[at];
    this.#isSelected =
      [...wanted.number].every(isDigit) &&
      (wanted.manufacturer === 0xffff || wanted.manufacturer === identity.manufacturer) &&
      (wanted.version === 0xff || wanted.version === identity.version) &&
      (wanted.deviceType === 0xff || wanted.deviceType === identity.deviceType);
    this.#frameCount = null;
    this.#at = 0;
    return this.#isSelected ? ACKNOWLEDGE : null;
  }

  #respond(frameCount: boolean): MbusLinkFrame {
    if (this.#frameCount === null) this.#telegrams = this.#options.readout();
    else if (this.#frameCount !== frameCount) {
      this.#at = (this.#at + 1) % Math.max(1, this.#telegrams.length);
      if (this.#at === 0) this.#telegrams = this.#options.readout();
    }
    if (this.#frameCount !== frameCount) this.#accessNumber = (this.#accessNumber + 1) & 0xff;
    this.#frameCount = frameCount;
    const { identity, status, primary } = this.#options;
    const { records = [], makersData = null } = this.#telegrams[this.#at] ?? {};
    const { information, data } = encodeTelegram({
      identity,
      accessNumber: this.#accessNumber,
      status: status?.() ?? 0,
      records,
      makersData,
      moreFollows: this.#at + 1 < this.#telegrams.length,
    });
    return { kind: 'long', control: CONTROL.respond, address: primary, information, data };
  }
}
