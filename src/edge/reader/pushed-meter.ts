/**
 * One meter that pushes: its messages become readings through the push lists of its profile, sampled to one a period. What
 * it wants to have confirmed is confirmed when it is on the medium, not before: a meter that hears nothing sends again. A
 * message that gave way to a later one within the period is not confirmed.
 */

import type { Env, Timer } from '../../base/env.ts';
import { DeltawattError, reasonOf } from '../../base/errors.ts';
import { type Apdu, type DataNotification, encodeApdu } from '../../dlms/index.ts';
import type { MeterStateName } from '../../model/event.ts';
import { type PushedMessage, type PushReadout, readPush } from '../../profile/push.ts';
import { entryWith } from '../entry.ts';
import { PUSH_SILENT_MS } from '../limits.ts';
import type { Entry, Health, Journal, Meter, ReadingStage } from '../ports.ts';
import { AttributeFilter } from './attribute-filter.ts';
import type { MeterCounters } from './counters.ts';
import { MeterStates } from './meter-states.ts';
import { checkPeerNow } from './peer-check.ts';
import { type OpenedPush, PushCipher, unverified } from './push-cipher.ts';
import { PushSampler } from './push-sampler.ts';
import { StoredRows } from './stored-rows.ts';

const NO_TEXTS: Pick<Entry, 'records' | 'keep'> = { records: [], keep: [] };

/** What it works with. */
export interface PushedMeterOptions {
  readonly env: Env;
  readonly line: string;
  readonly meter: Meter;
  readonly stage: ReadingStage;
  readonly journal: Pick<Journal, 'kept'>;
  readonly health: Health;
  /** Under which confirmations are protected. */
  readonly counters: Pick<MeterCounters, 'of'>;
  /** Shortest time between two stored readings of one list, ms; 0 = all are stored. */
  readonly sampleMs: number;
}

/** What became of a message: read, of no known list, or why it could not be opened. */
export type Heard = { readonly kind: 'read' | 'unknown-list' } | { readonly kind: 'discarded'; readonly code: string };

interface Pushed {
  readonly readout: PushReadout;
  /** Tells the meter that it is stored; null = it did not ask for that. */
  readonly confirm: (() => Promise<void>) | null;
}

/** The reader of one meter's pushes. */
export class PushedMeter {
  readonly #options: PushedMeterOptions;
  readonly #sampler: PushSampler<Pushed>;
  readonly #attributes: AttributeFilter;
  readonly #cipher: PushCipher;
  readonly #states: MeterStates;
  readonly #rows = new StoredRows();
  #sampleTimer: Timer | null = null;
  #silenceTimer: Timer | null = null;
  #stopped = false;
  /** Entries are stored one after the other. */
  #tail: Promise<void> = Promise.resolve();

  constructor(options: PushedMeterOptions) {
    this.#options = options;
    this.#sampler = new PushSampler(options.sampleMs);
    this.#attributes = new AttributeFilter(options.journal);
    this.#cipher = new PushCipher(options.meter, (security) => checkPeerNow(security, options.env));
    this.#states = new MeterStates(options.journal, options.health);
  }

  /** Takes up what the journal has of it, and begins to wait for its first push. */
  async start(): Promise<void> {
    await this.#states.load([this.#options.meter.meterId]);
    await this.#cipher.load(this.#options.journal);
    this.#watchSilence();
  }

  /** Stores what waits. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of [this.#sampleTimer, this.#silenceTimer]) timer?.cancel();
    for (const pushed of this.#sampler.rest()) void this.#store(pushed);
    await this.#tail;
  }

  /** Takes a message; `answer` gets the confirmation of one that asks for it, once it is on the medium. */
  hear(outer: Apdu, answer: (apdu: Uint8Array) => void): Heard {
    const { health } = this.#options;
    try {
      const opened = this.#cipher.open(outer);
      const { apdu, verified } = opened;
      if (apdu.apdu !== 'data-notification') return this.#notAPush(apdu);
      const readout = this.#readout(apdu);
      if (!verified) health.count('reader_push_unverified');
      const confirm = apdu.confirmed ? () => this.#confirm(apdu, opened, answer) : null;
      return this.#take(verified ? readout : unverified(readout), confirm);
    } catch (error) {
      return { kind: 'discarded', code: error instanceof DeltawattError ? error.code : 'READER_CRASHED' };
    }
  }

  /** Takes what a telegram has of this meter; a meter with keys does not speak in clear. */
  hearTelegram(message: PushedMessage): Heard {
    if ((this.#options.meter.security ?? null) !== null) return { kind: 'discarded', code: 'SECURITY_POLICY' };
    try {
      return this.#take(this.#readout(message), null);
    } catch (error) {
      return { kind: 'discarded', code: error instanceof DeltawattError ? error.code : 'READER_CRASHED' };
    }
  }

  #readout(message: PushedMessage): PushReadout {
    const { meter, env } = this.#options;
    const context = { meterId: meter.meterId, timeZone: meter.timeZone, nowMs: env.clock.nowMs() };
    return readPush(meter.profile, message, context);
  }

  /** What cannot be protected as the push was is not said: whoever listens must not learn to believe less. */
  async #confirm(push: DataNotification, opened: OpenedPush, answer: (apdu: Uint8Array) => void): Promise<void> {
    const { counters, health, env, line, meter } = this.#options;
    try {
      const sealed = await this.#cipher.seal(confirmationOf(push), opened, async (security) =>
        (await counters.of(meter, security)).own.take(),
      );
      health.count(sealed === null ? 'reader_pushes_not_confirmable' : 'reader_pushes_confirmed');
      if (sealed !== null) answer(sealed);
    } catch (error) {
      // The meter sends again.
      health.count('reader_push_confirm_delayed');
      env.log.warn('reader.push-confirm-delayed', { line, reason: reasonOf(error) });
    }
  }

  /** Tells what can be said of the meter now. */
  seen(state: MeterStateName, sentence: string): void {
    const { meter, env } = this.#options;
    const change = this.#states.seen(meter.meterId, state, sentence, env.clock.nowMs());
    if (change.records.length > 0) void this.#queue(() => Promise.resolve(change));
  }

  #notAPush({ apdu }: Apdu): Heard {
    this.#options.health.count(`reader_push_${apdu.replaceAll('-', '_')}`);
    this.seen('garbled', `The port sends ${apdu}, which cannot be read here: is the port ciphered?`);
    return { kind: 'unknown-list' };
  }

  #take(readout: PushReadout, confirm: Pushed['confirm']): Heard {
    const { health, env, meter } = this.#options;
    health.count('reader_pushes');
    for (const { sentence } of readout.problems) {
      health.count('reader_problems');
      env.log.warn('reader.push-problem', { meterId: meter.meterId, sentence });
    }
    if (readout.unknown.length > 0) health.count('reader_push_unknown_values', readout.unknown.length);
    if (readout.list === null) {
      this.seen('garbled', readout.problems[0]?.sentence ?? 'The port sends a list that its profile does not know.');
      return { kind: 'unknown-list' };
    }
    this.#watchSilence();
    this.seen('listening', 'The port sends what its profile expects.');
    const due = this.#sampler.offer(readout.list.name, { readout, confirm }, env.clock.monotonicMs());
    if (due !== null) void this.#store(due);
    this.#armSampler();
    return { kind: 'read' };
  }

  #armSampler(): void {
    this.#sampleTimer?.cancel();
    const dueAtMs = this.#sampler.dueAtMs();
    if (dueAtMs === null || this.#stopped) return;
    const { clock, timers } = this.#options.env;
    this.#sampleTimer = timers.after(Math.max(0, dueAtMs - clock.monotonicMs()), () => {
      for (const pushed of this.#sampler.due(clock.monotonicMs())) void this.#store(pushed);
      this.#armSampler();
    });
  }

  #watchSilence(): void {
    this.#silenceTimer?.cancel();
    this.#silenceTimer = this.#options.env.timers.after(PUSH_SILENT_MS, () => {
      const hours = PUSH_SILENT_MS / 3_600_000;
      // Silence of hours is no single lost answer: it counts at once.
      for (let time = 0; time < 2; time++) this.seen('silent', `Nothing that can be read came for ${hours} hours.`);
      this.#watchSilence();
    });
  }

  async #store({ readout, confirm }: Pushed): Promise<void> {
    const { env, health, stage } = this.#options;
    const isStaged = await this.#queue(async () => {
      // Texts come again with every push, readings do not: they are stored whatever becomes of the texts.
      const { records, keep } = await this.#attributes.changed(readout.attributes).catch((error: unknown) => {
        health.count('reader_push_texts_skipped');
        env.log.warn('reader.push-texts-skipped', { reason: reasonOf(error) });
        return NO_TEXTS;
      });
      const groups = readout.list?.encoding === 'notification' ? readout.groups : this.#rows.take(readout.groups);
      return { groups, records, keep: [...keep, ...this.#cipher.takeKeep()] };
    });
    if (confirm === null || !isStaged) return;
    // Where the flush fails, the stage tells its owner why, and the meter sends again.
    const isStored = await stage.flush().then(
      () => true,
      () => false,
    );
    if (isStored) await confirm();
  }

  /** Stores parts of entries in their order; resolves with whether the stage took it without a failure. */
  #queue(part: () => Promise<Partial<Entry>>): Promise<boolean> {
    const { line, stage, env, health } = this.#options;
    const readAtMs = env.clock.nowMs();
    const stored = this.#tail.then(async () => {
      await stage.add({ ...entryWith(readAtMs, { line, ...(await part()) }), isOnlyCopy: true });
    });
    const told = stored.then(
      () => true,
      (error: unknown) => {
        // The stage has it and tries again.
        health.count('reader_push_store_delayed');
        env.log.warn('reader.push-store-delayed', { line, reason: reasonOf(error) });
        return false;
      },
    );
    this.#tail = told.then(() => undefined);
    return told;
  }
}

function confirmationOf({ apdu: _, body: _body, taggedDateTime: _tagged, dateTime, ...invocation }: DataNotification) {
  return encodeApdu({ apdu: 'data-notification-confirm', ...invocation, dateTime });
}
