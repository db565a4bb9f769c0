/**
 * An image into one meter, step by step (Blue Book 4.4.6, image transfer process): what to ask next, given what the meter
 * said last. It knows no session and no time of its own, so it outlives associations, restarts and meters that restart.
 *
 * look -> enable -> initiate -> blocks -> check, repair -> verify -> poll -> compare what would be activated -> wait until it
 * is wanted -> activate -> poll -> version. Whenever an answer was lost the next step is to look at the meter's state; a
 * method is sent again only when that state shows that it was not carried out. What is kept ({@link ImageRecord}) is how far
 * we went with which image: a meter in the middle of the same image goes on where it is, also after a restart of ours.
 *
 * Known weak point: a meter that shows neither the bitmap (attribute 3) nor a useful attribute 4 gets every block once and
 * is judged by its verification.
 */
import { sameOctets, toHex } from '../../base/bytes.ts';
import type { Data } from '../axdr/data.ts';
import type { GetDataResult } from '../xdlms/service.ts';
import { BlockBook } from './block-book.ts';
import type { ImageErrorCode } from './errors.ts';
import {
  blockRoomOctets,
  type ImageInfo,
  type ImageStatus,
  imageInfosOf,
  imageStatusOf,
  versionText,
  wholeNumber,
} from './image-object.ts';
import { type ImageStage, requestOf } from './image-requests.ts';
import type {
  ImageAnswer,
  ImageOutcome,
  ImagePhase,
  ImageRecord,
  ImageRoom,
  ImageStep,
  ImageTransferOptions,
} from './image-steps.ts';
import {
  ACTIVATE_MAX_MS,
  BLOCK_RETRY_MS,
  BROADCAST_MISSING_SHARE,
  IMAGE_BLOCKS_MAX,
  INITIATE_MAX_MS,
  LOST_WAIT_MAX_MS,
  LOST_WAIT_MIN_MS,
  METHOD_ATTEMPTS_MAX,
  STATUS_POLL_MS,
  VERIFY_MAX_MS,
} from './limits.ts';

const SUCCESS = 0;
const TEMPORARY_FAILURE = 2;

/** What did not end in time, by phase. */
const OUT_OF_TIME: Readonly<Record<ImagePhase, ImageErrorCode>> = {
  new: 'IMAGE_BUSY',
  initiating: 'IMAGE_INITIATE',
  transferring: 'IMAGE_BUSY',
  verifying: 'IMAGE_VERIFY_TIMEOUT',
  activating: 'IMAGE_ACTIVATE_TIMEOUT',
};

/** Where to go on, or how it ended. */
type Turn = ImageStage | ImageOutcome;

/** See the head of the file. */
export class ImageTransfer {
  readonly #options: ImageTransferOptions;
  #phase: ImagePhase;
  #stage: ImageStage = 'look';
  #outcome: ImageOutcome | null = null;
  #waitMs = 0;
  #room: ImageRoom = { pduMaxBytes: 0, canSplit: true };
  #status: ImageStatus = 'not-initiated';
  /** The meter had an image begun before we began ours: "initiated" then does not say that ours is. */
  #wasInitiated: boolean;
  readonly #blocks: BlockBook;
  #wasBroadcast = false;
  #versionBefore: string | null;
  /** When the meter's patience with verifying or activating ends, UTC ms. */
  #pollUntilMs: number | null = null;
  /** The method that was sent last met a temporary failure: sending it again is what the meter asks for. */
  #isTemporary = false;
  #attempts = 0;
  /** Times that the meter forgot the image in the middle of it. */
  #forgotten = 0;
  #lostInARow = 0;
  #resized = false;

  constructor(options: ImageTransferOptions) {
    const { image, record } = options;
    this.#options = options;
    const isOurs = record?.sha256 === image.sha256 && record.identifier === toHex(image.identifier);
    this.#phase = isOurs ? record.phase : 'new';
    this.#wasInitiated = this.#phase === 'initiating';
    this.#blocks = new BlockBook(image.octets.length, isOurs ? record.blocks : 0);
    this.#versionBefore = isOurs ? record.versionBefore : null;
  }

  /** To be kept before the next step is carried out, whenever it differs in phase from what is kept. */
  get record(): ImageRecord {
    const { sha256, identifier } = this.#options.image;
    return {
      sha256,
      identifier: toHex(identifier),
      phase: this.#phase,
      nextBlock: this.#blocks.current().number,
      blocks: this.#blocks.count,
      versionBefore: this.#versionBefore,
    };
  }

  /** Blocks that the meter has, as far as it was told or said, of how many. */
  get progress(): { readonly done: number; readonly of: number } {
    const { done, count } = this.#blocks;
    if (this.#phase === 'verifying' || this.#phase === 'activating') return { done: count, of: count };
    return { done: this.#phase === 'transferring' ? done : 0, of: count };
  }

  /** Whether it may still wait for blocks that go to all. */
  get mayBroadcast(): boolean {
    const isOver = this.#phase === 'verifying' || this.#phase === 'activating' || this.#outcome !== null;
    return this.#options.broadcast === true && !this.#wasBroadcast && !isOver;
  }

  /** A new association: what it takes. */
  associated(room: ImageRoom): void {
    this.#room = room;
  }

  /** What to do next; the same until it is answered. `nowMs` is UTC. */
  next(nowMs: number): ImageStep {
    if (this.#stage === 'ready' && this.#waitMs === 0) this.#untilWanted(nowMs);
    if (this.#outcome === null && this.#isImpatient(nowMs))
      this.#turn(failed(OUT_OF_TIME[this.#phase], `status ${this.#status}`));
    if (this.#outcome !== null) return { kind: 'end', outcome: this.#outcome };
    if (this.#waitMs > 0) return { kind: 'wait', delayMs: this.#waitMs };
    if (this.#stage === 'initiate') this.#phase = 'initiating';
    if (this.#stage === 'verify') this.#phase = 'verifying';
    if (this.#stage === 'activate') this.#phase = 'activating';
    return requestOf(this.#stage, this.#options, this.#room, this.#blocks.current(), this.#blocks.missing);
  }

  /** So much of the wait is over, ms; default all of it. */
  waited(durationMs: number = this.#waitMs): void {
    this.#waitMs = Math.max(0, this.#waitMs - durationMs);
  }

  /** The answer to the step that {@link next} gave last. */
  answer(answer: ImageAnswer, nowMs: number): void {
    if (answer.kind === 'lost') {
      this.#lost(nowMs);
      return;
    }
    this.#lostInARow = 0;
    this.#turn(answer.kind === 'values' ? this.#heard(answer.results, nowMs) : this.#done(answer.code, nowMs));
  }

  #turn(turn: Turn): void {
    if (typeof turn === 'string') this.#stage = turn;
    else this.#outcome = turn;
  }

  #lost(nowMs: number): void {
    this.#waitMs = Math.min(LOST_WAIT_MAX_MS, LOST_WAIT_MIN_MS * 2 ** Math.min(this.#lostInARow, 10));
    this.#lostInARow++;
    if (this.#stage === 'broadcast') this.#wasBroadcast = true;
    if (this.#stage === 'verify' || this.#phase === 'activating') this.#bePatient(nowMs);
    if (this.#stage !== 'version-before' && this.#stage !== 'version-after') this.#stage = 'look';
  }

  #heard(results: readonly GetDataResult[], nowMs: number): Turn {
    const values = results.map((result) => ('data' in result ? result.data : null));
    const [first = null, second = null, third = null] = values;
    switch (this.#stage) {
      case 'look':
        return this.#looked(first, second, third, nowMs);
      case 'whose':
        return this.#whose(first);
      case 'poll':
        return this.#polled(first, nowMs);
      case 'check':
        return this.#checked(first, second);
      case 'info':
        return this.#compared(first);
      case 'version-before':
        this.#versionBefore = versionText(first);
        return 'ready';
      case 'version-after':
        return this.#versionRead(versionText(first));
      default:
        return failed('IMAGE_STATE', `values in ${this.#stage}`);
    }
  }

  #done(code: number, nowMs: number): Turn {
    switch (this.#stage) {
      case 'resize':
        this.#resized = true;
        return 'look';
      case 'enable':
        return code === SUCCESS ? 'look' : failed('IMAGE_DISABLED', `result ${code}`);
      case 'initiate':
        return this.#initiated(code, nowMs);
      case 'send':
        return this.#sent(code);
      case 'broadcast':
        this.#wasBroadcast = true;
        this.#blocks.allSent();
        return 'check';
      case 'verify':
      case 'activate':
        return this.#ordered(code, nowMs);
      default:
        return failed('IMAGE_STATE', `result ${code} in ${this.#stage}`);
    }
  }

  /** The state of the meter decides where to go on: after a start, a restart and every lost answer. */
  #looked(status: Data | null, blockSize: Data | null, enabled: Data | null, nowMs: number): Turn {
    const seen = status === null ? null : imageStatusOf(status);
    const size = blockSize === null ? null : wholeNumber(blockSize);
    if (seen === null || size === null || size === 0) return failed('IMAGE_NOT_THERE', 'attributes 6 and 2');
    const room = blockRoomOctets(this.#room.pduMaxBytes);
    if (size > room && !this.#resized && room > 0 && this.#phase === 'new') return 'resize';
    this.#blocks.size(size);
    const { count } = this.#blocks;
    if ((size > room && !this.#room.canSplit) || count > IMAGE_BLOCKS_MAX)
      return failed('IMAGE_BLOCK_SIZE', `${size} octets, ${count} blocks, room for ${room}`);
    if (enabled?.type === 'boolean' && !enabled.value) {
      // A meter that says yes and stays off would be asked for ever.
      return this.#attempts++ >= METHOD_ATTEMPTS_MAX ? failed('IMAGE_DISABLED', 'it stays off') : 'enable';
    }
    this.#status = seen;
    return this.#goOn(nowMs);
  }

  #goOn(nowMs: number): Turn {
    if (this.#status === 'verifying' || this.#status === 'activating') {
      // Begun by whoever: its end is waited for, and then it is looked at again.
      this.#bePatient(nowMs);
      return this.#later('poll');
    }
    switch (this.#phase) {
      case 'new':
        this.#pollUntilMs = null;
        this.#wasInitiated = this.#status === 'initiated';
        return this.#status === 'initiated' || this.#status === 'verified' ? 'whose' : 'initiate';
      case 'initiating':
        if (this.#status === 'initiated' && !this.#wasInitiated) return this.#begin();
        return this.#again('initiate', 'IMAGE_INITIATE');
      case 'transferring':
        this.#pollUntilMs = null;
        return this.#status === 'initiated' ? 'check' : this.#goOnVerifying();
      case 'verifying':
        return this.#status === 'initiated' ? this.#again('verify', 'IMAGE_VERIFY') : this.#goOnVerifying();
      case 'activating':
        return this.#goOnActivating();
    }
  }

  #goOnVerifying(): Turn {
    this.#pollUntilMs = null;
    if (this.#status === 'verified') return 'info';
    if (this.#status === 'verification-failed') return failed('IMAGE_VERIFY', '');
    // The image is gone, as after a power failure of a meter that keeps it in memory: from the beginning, not for ever.
    return this.#forgotten++ >= METHOD_ATTEMPTS_MAX ? failed('IMAGE_STATE', this.#status) : 'initiate';
  }

  #goOnActivating(): Turn {
    if (this.#status === 'verified') return this.#again('activate', 'IMAGE_ACTIVATE');
    this.#pollUntilMs = null;
    if (this.#status === 'activated' || this.#status === 'not-initiated') return 'version-after';
    return failed(this.#status === 'activation-failed' ? 'IMAGE_ACTIVATE' : 'IMAGE_STATE', this.#status);
  }

  /** Another attempt at a method that the meter has not carried out, as its state shows. */
  #again(stage: 'initiate' | 'verify' | 'activate', code: ImageErrorCode): Turn {
    if (this.#isTemporary) {
      this.#isTemporary = false;
      return this.#later(stage);
    }
    return this.#attempts++ >= METHOD_ATTEMPTS_MAX ? failed(code, `the meter stays ${this.#status}`) : stage;
  }

  /** An image that we know nothing of: ours when the meter names it so. */
  #whose(info: Data | null): Turn {
    if (info === null || !imageInfosOf(info).some((entry) => this.#isOurs(entry))) return 'initiate';
    this.#settled();
    this.#phase = this.#status === 'verified' ? 'verifying' : 'transferring';
    return this.#status === 'verified' ? 'version-before' : 'check';
  }

  #isOurs({ sizeOctets, identifier, signature }: ImageInfo): boolean {
    const { image } = this.#options;
    return (
      sizeOctets === image.octets.length &&
      sameOctets(identifier, image.identifier) &&
      (image.signature === null || sameOctets(signature, image.signature))
    );
  }

  #initiated(code: number, nowMs: number): Turn {
    if (code === SUCCESS) return this.#begin();
    if (code !== TEMPORARY_FAILURE) return failed('IMAGE_INITIATE', `result ${code}`);
    this.#isTemporary = true;
    this.#bePatient(nowMs);
    return this.#later('poll');
  }

  #begin(): Turn {
    this.#phase = 'transferring';
    this.#settled();
    this.#blocks.begin();
    return this.#broadcastOrSend();
  }

  /** To all once: what a broadcast did not bring, or what the meter forgot since, it gets alone. */
  #broadcastOrSend(): 'broadcast' | 'send' {
    const { missing, count } = this.#blocks;
    const waits = this.mayBroadcast && missing.length > count * BROADCAST_MISSING_SHARE;
    if (!waits) this.#wasBroadcast = true;
    return waits ? 'broadcast' : 'send';
  }

  #sent(code: number): Turn {
    if (code === SUCCESS) {
      this.#blocks.sent();
      return this.#blocks.isSent ? 'check' : 'send';
    }
    if (code !== TEMPORARY_FAILURE || !this.#blocks.mayRetry())
      return failed('IMAGE_BLOCK', `block ${this.#blocks.current().number}, result ${code}`);
    this.#waitMs = BLOCK_RETRY_MS;
    return 'send';
  }

  #checked(first: Data | null, bitmap: Data | null): Turn {
    switch (this.#blocks.check(first, bitmap)) {
      case 'not-there':
        return failed('IMAGE_NOT_THERE', 'neither attribute 3 nor 4');
      case 'no-progress':
        return failed('IMAGE_NO_PROGRESS', `block ${this.#blocks.current().number}`);
      case 'missing':
        return this.#broadcastOrSend();
      case 'whole':
        this.#settled();
        return 'verify';
    }
  }

  /** Verify or activate was answered: what became of it the status tells. */
  #ordered(code: number, nowMs: number): Turn {
    this.#isTemporary = code === TEMPORARY_FAILURE;
    if (code !== SUCCESS && code !== TEMPORARY_FAILURE) this.#attempts = METHOD_ATTEMPTS_MAX;
    this.#bePatient(nowMs);
    return code === SUCCESS ? 'poll' : this.#later('poll');
  }

  #polled(value: Data | null, nowMs: number): Turn {
    const status = value === null ? null : imageStatusOf(value);
    if (status === null) return failed('IMAGE_NOT_THERE', 'attribute 6');
    this.#status = status;
    return this.#goOn(nowMs);
  }

  /** What the meter would activate is what we sent, or nothing is activated. */
  #compared(info: Data | null): Turn {
    const entries = info === null ? [] : imageInfosOf(info);
    const isSilent = entries.length === 0 && this.#options.info === 'optional';
    if (!isSilent && !entries.some((entry) => this.#isOurs(entry))) {
      const told = entries.map(({ sizeOctets, identifier }) => `${toHex(identifier)}, ${sizeOctets} octets`);
      return failed('IMAGE_OTHER', told.join('; ') || 'nothing');
    }
    this.#settled();
    return 'version-before';
  }

  /** A meter that is back at its first state has activated the image exactly when it runs something else now. */
  #versionRead(text: string | null): Turn {
    const { version: object } = this.#options;
    const version = object === null ? null : text;
    if (this.#status === 'not-initiated' && (version === null || version === this.#versionBefore))
      return failed('IMAGE_ACTIVATE_TIMEOUT', `the meter says ${version ?? 'nothing of its version'}`);
    return { kind: 'activated', version, versionBefore: this.#versionBefore };
  }

  // --- time ----------------------------------------------------------------------------------------------------------

  #untilWanted(nowMs: number): void {
    const { activateAtMs } = this.#options;
    if (activateAtMs === null || nowMs >= activateAtMs) this.#stage = 'activate';
    else this.#waitMs = activateAtMs - nowMs;
  }

  /** One step is done for good: the next one has all attempts and all the time again. */
  #settled(): void {
    this.#attempts = 0;
    this.#isTemporary = false;
    this.#pollUntilMs = null;
  }

  #bePatient(nowMs: number): void {
    const { verifyMaxMs = VERIFY_MAX_MS, activateMaxMs = ACTIVATE_MAX_MS } = this.#options;
    const isActivating = this.#phase === 'activating' || this.#status === 'activating';
    const isInitiating = this.#phase === 'initiating' && this.#status !== 'verifying';
    this.#pollUntilMs ??= nowMs + (isActivating ? activateMaxMs : isInitiating ? INITIATE_MAX_MS : verifyMaxMs);
  }

  #isImpatient(nowMs: number): boolean {
    return this.#pollUntilMs !== null && nowMs > this.#pollUntilMs;
  }

  #later(stage: ImageStage): ImageStage {
    this.#waitMs = STATUS_POLL_MS;
    return stage;
  }
}

function failed(code: ImageErrorCode, detail: string): ImageOutcome {
  return { kind: 'failed', code, detail };
}
