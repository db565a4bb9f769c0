/**
 * What a simulated meter runs, and an image on its way in (class 18): real state, and every step can be made to fail.
 *
 * Blocks lie in flash: they survive a power failure unless `forgets` is among the faults. Verifying checks the maker's
 * signature over the whole image; activating restarts the meter, and then it says the new version.
 */
import { simImageSignature, simImageVersion } from './image-file.ts';

/** What goes wrong, each on request. */
export interface ImageFaults {
  /** Image transfer is off: `locked` = it cannot be switched on. */
  readonly disabled?: 'open' | 'locked';
  /** Result code of initiate. */
  readonly refuseInitiate?: number;
  /** Blocks that are acknowledged and lost, each once. */
  readonly loseBlocks?: readonly number[];
  /** Blocks that are acknowledged and lost however often they come. */
  readonly deafToBlocks?: readonly number[];
  /** Result code for a block, so many times. */
  readonly refuseBlock?: { readonly number: number; readonly result: number; readonly times: number };
  /** What attribute 4 says whatever is there. */
  readonly wrongFirst?: number;
  /** Attribute 3 is not there. */
  readonly noBitmap?: boolean;
  /** One bit is turned over: as the block comes in, while the image lies in flash, or when it is verified. */
  readonly flipBitAt?: 'arriving' | 'stored' | 'verifying';
  /** Verification fails whatever the image is. */
  readonly failVerify?: boolean;
  /** Looks at the status for which verifying and activating go on, answered with a temporary failure. */
  readonly temporary?: number;
  /** Attribute 7 names another image. */
  readonly wrongInfo?: boolean;
  /** Activation fails: the meter goes on with what it had. */
  readonly failActivate?: boolean;
  /** The supply fails as this block comes in, once, for {@link POWER_OFF_MS}. */
  readonly powerLossAtBlock?: number;
  /** The image is in memory: a power failure takes it. */
  readonly forgets?: boolean;
  /** The answer to a method is lost, once for each number of a method: it was carried out all the same. */
  readonly loseAnswerOf?: readonly number[];
}

/** Faults with a name, for those who ask for them by words: one for each step of a transfer. */
export const IMAGE_FAULTS = {
  'image-locked': { disabled: 'locked' },
  'image-refused': { refuseInitiate: 250 },
  'image-blocks-lost': { loseBlocks: [0, 3, 4] },
  'image-block-never-taken': { deafToBlocks: [2] },
  'image-no-bitmap': { loseBlocks: [3], noBitmap: true },
  'image-bit-arriving': { flipBitAt: 'arriving' },
  'image-bit-stored': { flipBitAt: 'stored' },
  'image-bit-verifying': { flipBitAt: 'verifying' },
  'image-not-verified': { failVerify: true },
  'image-other-named': { wrongInfo: true },
  'image-not-activated': { failActivate: true },
  'image-power-loss': { powerLossAtBlock: 4 },
  'image-forgotten': { powerLossAtBlock: 4, forgets: true },
  'image-answers-lost': { loseAnswerOf: [1, 3, 4] },
} as const satisfies Readonly<Record<string, ImageFaults>>;

/** One of {@link IMAGE_FAULTS}. */
export type ImageFault = keyof typeof IMAGE_FAULTS;

/** A meter whose supply failed is back after this. */
export const POWER_OFF_MS = 20_000;
/** A meter restarts with a new firmware within this. */
export const RESTART_MS = 3_000;
/** Octets of a block as delivered. */
export const IMAGE_BLOCK_OCTETS = 200;

const SUCCESS = 0;
const TEMPORARY_FAILURE = 2;
const REFUSED = 3;
const TYPE_UNMATCHED = 12;
const OTHER_REASON = 250;
/** Statuses of attribute 6 by name. */
export const STATUS = {
  none: 0,
  initiated: 1,
  verifying: 2,
  verified: 3,
  verifyFailed: 4,
  activating: 5,
  activated: 6,
  activateFailed: 7,
} as const;

/** An image that came in, or is coming. */
interface Incoming {
  readonly identifier: Uint8Array;
  readonly octets: Uint8Array;
  readonly there: boolean[];
}

/** What else a meter must do when its firmware says so. */
export interface FirmwareHost {
  /** The supply is off for so long; answers on their way are lost and so are associations. */
  powerCut(forMs: number): void;
  /** The same once the answer under way is out. */
  restart(forMs: number): void;
  /** The answer under way is lost. */
  loseAnswer(): void;
}

/** See the head of the file. */
export class Firmware {
  version: string;
  enabled = true;
  blockOctets = IMAGE_BLOCK_OCTETS;
  #status: number = STATUS.none;
  #incoming: Incoming | null = null;
  #faults: ImageFaults = {};
  readonly #lost = new Set<number>();
  #refusals = 0;
  #busyLooks = 0;
  #isPowerLost = false;

  constructor(
    version: string,
    private readonly host: FirmwareHost,
  ) {
    this.version = version;
  }

  /** From now on these things go wrong. */
  fail(faults: ImageFaults): void {
    this.#faults = faults;
    this.#lost.clear();
    this.#refusals = 0;
    this.#isPowerLost = false;
    this.enabled = faults.disabled === undefined;
  }

  /** Attribute 6; looking is what lets time pass. */
  lookAtStatus(): number {
    const status = this.#status;
    if (this.#busyLooks > 0) this.#busyLooks--;
    else if (status === STATUS.verifying) this.#verified();
    else if (status === STATUS.activating) this.#activated();
    return this.#busyLooks > 0 ? status : this.#status;
  }

  /** Attribute 3, null = not there. */
  get blocksThere(): readonly boolean[] | null {
    return this.#faults.noBitmap === true ? null : (this.#incoming?.there ?? []);
  }

  /** Attribute 4. */
  get firstNotTransferred(): number {
    const { wrongFirst } = this.#faults;
    const there = this.#incoming?.there ?? [];
    const first = there.indexOf(false);
    return wrongFirst ?? (first === -1 ? there.length : first);
  }

  /** Attribute 7: the image that can be activated, null = none. */
  get toActivate(): {
    readonly sizeOctets: number;
    readonly identifier: Uint8Array;
    readonly signature: Uint8Array;
  } | null {
    if (this.#incoming === null || this.#status < STATUS.verified) return null;
    const { identifier, octets } = this.#incoming;
    const told = this.#faults.wrongInfo === true ? Uint8Array.of(0x3f) : identifier;
    return { sizeOctets: octets.length, identifier: told, signature: simImageSignature(octets) };
  }

  /** Attribute 5 is written; gives a result code. */
  enable(on: boolean): number {
    if (on && this.#faults.disabled === 'locked') return REFUSED;
    this.enabled = on;
    return SUCCESS;
  }

  /** Attribute 2 is written; gives a result code. */
  resize(octets: number): number {
    if (octets < 16 || octets > IMAGE_BLOCK_OCTETS || this.#incoming !== null) return REFUSED;
    this.blockOctets = octets;
    return SUCCESS;
  }

  /** Method 1; gives a result code, as the others do. */
  initiate(identifier: Uint8Array, sizeOctets: number): number {
    if (!this.enabled) return REFUSED;
    const { refuseInitiate } = this.#faults;
    if (refuseInitiate !== undefined) return refuseInitiate;
    const there = Array.from({ length: Math.ceil(sizeOctets / this.blockOctets) }, () => false);
    this.#incoming = { identifier: identifier.slice(), octets: new Uint8Array(sizeOctets), there };
    this.#status = STATUS.initiated;
    return this.#answered(1, SUCCESS);
  }

  /** Method 2. */
  takeBlock(number: number, block: Uint8Array): number {
    const incoming = this.#incoming;
    if (incoming === null || this.#status !== STATUS.initiated) return OTHER_REASON;
    const from = number * this.blockOctets;
    if (number >= incoming.there.length || block.length !== Math.min(this.blockOctets, incoming.octets.length - from))
      return TYPE_UNMATCHED;
    const { refuseBlock, flipBitAt } = this.#faults;
    if (refuseBlock?.number === number && this.#refusals++ < refuseBlock.times) return refuseBlock.result;
    if (this.#isLost(number)) return SUCCESS;
    if (this.#losesPower(number)) return SUCCESS;
    incoming.octets.set(block, from);
    if (flipBitAt === 'arriving' && number === 0) incoming.octets.set([(block[9] ?? 0) ^ 1], from + 9);
    incoming.there[number] = true;
    if (flipBitAt === 'stored' && incoming.there.every(Boolean)) this.#flip(incoming);
    return this.#answered(2, SUCCESS);
  }

  #isLost(number: number): boolean {
    const { loseBlocks = [], deafToBlocks = [] } = this.#faults;
    if (deafToBlocks.includes(number)) return true;
    if (!loseBlocks.includes(number) || this.#lost.has(number)) return false;
    this.#lost.add(number);
    return true;
  }

  #losesPower(number: number): boolean {
    if (this.#faults.powerLossAtBlock !== number || this.#isPowerLost) return false;
    this.#isPowerLost = true;
    if (this.#faults.forgets === true) {
      this.#incoming = null;
      this.#status = STATUS.none;
    }
    this.host.powerCut(POWER_OFF_MS);
    return true;
  }

  #flip({ octets }: Incoming): void {
    const at = octets.length >> 1;
    octets.set([(octets[at] ?? 0) ^ 0x10], at);
  }

  /** Method 3. */
  verify(): number {
    if (this.#incoming === null || !this.#incoming.there.every(Boolean)) return OTHER_REASON;
    if (this.#status !== STATUS.initiated) return this.#status === STATUS.verifying ? TEMPORARY_FAILURE : OTHER_REASON;
    this.#busyLooks = this.#faults.temporary ?? 0;
    this.#status = STATUS.verifying;
    if (this.#busyLooks > 0) return this.#answered(3, TEMPORARY_FAILURE);
    this.#verified();
    return this.#answered(3, this.#status === STATUS.verified ? SUCCESS : OTHER_REASON);
  }

  #verified(): void {
    const { failVerify, flipBitAt } = this.#faults;
    if (this.#incoming === null) return;
    if (flipBitAt === 'verifying') this.#flip(this.#incoming);
    const isGood = failVerify !== true && simImageVersion(this.#incoming.octets) !== null;
    this.#status = isGood ? STATUS.verified : STATUS.verifyFailed;
  }

  /** Method 4. */
  activate(): number {
    if (this.#status !== STATUS.verified) return this.#status === STATUS.activating ? TEMPORARY_FAILURE : OTHER_REASON;
    this.#busyLooks = this.#faults.temporary ?? 0;
    this.#status = STATUS.activating;
    if (this.#busyLooks > 0) return this.#answered(4, TEMPORARY_FAILURE);
    this.#activated();
    return this.#answered(4, SUCCESS);
  }

  #activated(): void {
    const version = this.#incoming === null ? null : simImageVersion(this.#incoming.octets);
    if (this.#faults.failActivate === true || version === null) {
      this.#status = STATUS.activateFailed;
      return;
    }
    this.version = version;
    this.#status = STATUS.activated;
    this.host.restart(RESTART_MS);
  }

  #answered(method: number, code: number): number {
    const key = -method;
    if (this.#faults.loseAnswerOf?.includes(method) === true && !this.#lost.has(key)) {
      this.#lost.add(key);
      this.host.loseAnswer();
    }
    return code;
  }
}
