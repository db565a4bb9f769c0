/**
 * The reader of a customer port: it never sends. Frames become readings through the push lists of the profile, sampled to
 * one a period; noise and malformed frames are counted by code and the line goes on; a line that ends is opened again.
 */
import type { ByteDuplex, Env, Listener, Timer } from '../../base/env.ts';
import { DeltawattError, reasonOf } from '../../base/errors.ts';
import type { Machine } from '../../base/machine.ts';
import { PushMachine } from '../../dlms/frame/push.machine.ts';
import type { TransportEvent } from '../../dlms/frame/transport.ts';
import { WrapperServer } from '../../dlms/frame/wrapper.machine.ts';
import { LineDriver } from '../../link/drive.ts';
import type { Link } from '../../link/link.ts';
import type { MeterStateName } from '../../model/event.ts';
import { type PushReadout, readPush } from '../../profile/push.ts';
import { BABBLE_OCTETS, PUSH_SILENT_MS, REOPEN_MAX_MS, REOPEN_MIN_MS } from '../limits.ts';
import type { Entry, Health, Journal, Meter, ReadingStage } from '../ports.ts';
import { AttributeFilter } from './attribute-filter.ts';
import { MeterStates } from './meter-states.ts';
import { PushCipher, unverified } from './push-cipher.ts';
import { PushSampler } from './push-sampler.ts';

const NO_TEXTS: Pick<Entry, 'records' | 'keep'> = { records: [], keep: [] };

/** What a listener is made of. */
export interface PushListenerOptions {
  readonly env: Env;
  readonly line: string;
  /** The one meter of the port. */
  readonly meter: Meter;
  readonly link: Link;
  readonly stage: ReadingStage;
  readonly journal: Pick<Journal, 'kept'>;
  readonly health: Health;
  /** Shortest time between two stored readings of one list, ms; 0 = all are stored. */
  readonly sampleMs: number;
}

/** The actor. */
export class PushListener {
  readonly #options: PushListenerOptions;
  readonly #sampler: PushSampler<PushReadout>;
  readonly #attributes: AttributeFilter;
  readonly #cipher: PushCipher;
  readonly #states: MeterStates;
  readonly #drivers = new Set<LineDriver>();
  #listener: Listener | null = null;
  #reopenMs = REOPEN_MIN_MS;
  #sampleTimer: Timer | null = null;
  #silenceTimer: Timer | null = null;
  #reopenTimer: Timer | null = null;
  #noiseOctets = 0;
  #stopped = false;
  /** Entries are stored one after the other. */
  #tail: Promise<void> = Promise.resolve();

  constructor(options: PushListenerOptions) {
    this.#options = options;
    this.#sampler = new PushSampler(options.sampleMs);
    this.#attributes = new AttributeFilter(options.journal);
    this.#cipher = new PushCipher(options.meter);
    this.#states = new MeterStates(options.journal, options.health);
  }

  /** Opens the line and listens until {@link stop}. */
  async start(): Promise<void> {
    await this.#states.load([this.#options.meter.meterId]);
    await this.#cipher.load(this.#options.journal);
    this.#watchSilence();
    await this.#open();
  }

  /** Stores what waits and closes the line. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of [this.#sampleTimer, this.#silenceTimer, this.#reopenTimer]) timer?.cancel();
    for (const driver of this.#drivers) driver.close();
    await this.#listener?.close();
    for (const readout of this.#sampler.rest()) this.#store(readout);
    await this.#tail;
  }

  async #open(): Promise<void> {
    const { link, health, line } = this.#options;
    try {
      if (link.kind === 'listener') this.#listener = await link.listen((duplex) => this.#attach(duplex));
      else this.#attach(await link.open());
      health.state(`line ${line}`, 'ok', 'Listening.');
    } catch (error) {
      this.#reopenLater(error);
    }
  }

  #reopenLater(error: unknown): void {
    if (this.#stopped) return;
    const { env, health, line } = this.#options;
    health.count('reader_line_failures');
    health.state(`line ${line}`, 'failed', `The line cannot be used and is tried again: ${reasonOf(error)}`);
    env.log.warn('reader.line-failed', { line, reason: reasonOf(error), retryMs: this.#reopenMs });
    this.#reopenTimer = env.timers.after(this.#reopenMs, () => void this.#open());
    this.#reopenMs = Math.min(REOPEN_MAX_MS, this.#reopenMs * 2);
  }

  #attach(duplex: ByteDuplex): void {
    const { env, link } = this.#options;
    const driver = new LineDriver(duplex, env);
    this.#drivers.add(driver);
    const running = driver.run(
      this.#machine(),
      (events) => {
        for (const event of events) this.#hear(event);
      },
      (reason) => {
        this.#drivers.delete(driver);
        if (link.kind === 'line') this.#reopenLater(reason ?? new Error('the line ended'));
      },
    );
    running.kick();
  }

  #machine(): Machine<TransportEvent> {
    const { framing, gapMs, reassemblyMs } = this.#options.link;
    if (framing === 'wrapper') return new WrapperServer({ gapMs });
    return new PushMachine({ framing, gapMs, ...(reassemblyMs === undefined ? {} : { reassemblyMs }) });
  }

  #hear(event: TransportEvent): void {
    if (event.kind === 'discarded') this.#discarded(event.code, event.octets.length);
    else if (event.kind === 'unsolicited' || event.kind === 'apdu') this.#message(event.apdu);
  }

  #discarded(code: string, octets: number): void {
    this.#options.health.count(`reader_discarded_${code.toLowerCase()}`);
    this.#noiseOctets += octets;
    if (this.#noiseOctets < BABBLE_OCTETS) return;
    const sentence = `${this.#noiseOctets} octets came in a row that belong to no frame; look at cabling, baud rate and parity.`;
    this.#noiseOctets = 0;
    this.#seen('babbling', sentence);
  }

  #message(octets: Uint8Array): void {
    const { health, meter, env } = this.#options;
    try {
      const { apdu, verified } = this.#cipher.open(octets);
      if (apdu.apdu !== 'data-notification') {
        health.count(`reader_push_${apdu.apdu.replaceAll('-', '_')}`);
        this.#seen('garbled', `The port sends ${apdu.apdu}, which cannot be read here: is the port ciphered?`);
        return;
      }
      const context = { meterId: meter.meterId, timeZone: meter.timeZone, nowMs: env.clock.nowMs() };
      const readout = readPush(meter.profile, apdu, context);
      if (!verified) health.count('reader_push_unverified');
      this.#take(verified ? readout : unverified(readout));
    } catch (error) {
      const code = error instanceof DeltawattError ? error.code : 'READER_CRASHED';
      this.#discarded(code, octets.length);
    }
  }

  #take(readout: PushReadout): void {
    const { health, env, meter } = this.#options;
    health.count('reader_pushes');
    for (const { sentence } of readout.problems) {
      health.count('reader_problems');
      env.log.warn('reader.push-problem', { meterId: meter.meterId, sentence });
    }
    if (readout.unknown.length > 0) health.count('reader_push_unknown_values', readout.unknown.length);
    if (readout.list === null) {
      this.#seen('garbled', readout.problems[0]?.sentence ?? 'The port sends a list that its profile does not know.');
      return;
    }
    this.#noiseOctets = 0;
    this.#reopenMs = REOPEN_MIN_MS;
    this.#watchSilence();
    this.#seen('listening', 'The port sends what its profile expects.');
    const due = this.#sampler.offer(readout.list.name, readout, env.clock.monotonicMs());
    if (due !== null) this.#store(due);
    this.#armSampler();
  }

  #armSampler(): void {
    this.#sampleTimer?.cancel();
    const dueAtMs = this.#sampler.dueAtMs();
    if (dueAtMs === null || this.#stopped) return;
    const { clock, timers } = this.#options.env;
    this.#sampleTimer = timers.after(Math.max(0, dueAtMs - clock.monotonicMs()), () => {
      for (const readout of this.#sampler.due(clock.monotonicMs())) this.#store(readout);
      this.#armSampler();
    });
  }

  #watchSilence(): void {
    this.#silenceTimer?.cancel();
    this.#silenceTimer = this.#options.env.timers.after(PUSH_SILENT_MS, () => {
      const hours = PUSH_SILENT_MS / 3_600_000;
      // Silence of hours is no single lost answer: it counts at once.
      for (let time = 0; time < 2; time++) this.#seen('silent', `Nothing that can be read came for ${hours} hours.`);
      this.#watchSilence();
    });
  }

  #seen(state: MeterStateName, sentence: string): void {
    const { meter, env } = this.#options;
    const change = this.#states.seen(meter.meterId, state, sentence, env.clock.nowMs());
    if (change.records.length > 0) this.#queue(() => Promise.resolve(change));
  }

  #store(readout: PushReadout): void {
    const { env, health } = this.#options;
    this.#queue(async () => {
      // Texts come again with every push, readings do not: they are stored whatever becomes of the texts.
      const { records, keep } = await this.#attributes.changed(readout.attributes).catch((error: unknown) => {
        health.count('reader_push_texts_skipped');
        env.log.warn('reader.push-texts-skipped', { reason: reasonOf(error) });
        return NO_TEXTS;
      });
      return { groups: readout.groups, records, keep: [...keep, ...this.#cipher.takeKeep()] };
    });
  }

  #queue(part: () => Promise<Partial<Entry>>): void {
    const { line, stage, env, health } = this.#options;
    const readAtMs = env.clock.nowMs();
    this.#tail = this.#tail
      .then(async () => {
        const entry = { line, groups: [], records: [], watermarks: [], keep: [], readAtMs };
        await stage.add({ ...entry, ...(await part()), isOnlyCopy: true });
      })
      .catch((error: unknown) => {
        // The stage has it and tries again.
        health.count('reader_push_store_delayed');
        env.log.warn('reader.push-store-delayed', { line, reason: reasonOf(error) });
      });
  }
}
