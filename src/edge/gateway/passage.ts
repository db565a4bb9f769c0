/** One association that passes through the gateway, from its AARQ to its end: the line is lent for it, for a bounded time. */
import type { Timer } from '../../base/env.ts';
import type { MeterId } from '../../model/ids.ts';
import { edgeError } from '../errors.ts';
import { GATEWAY_REACH_MS, GATEWAY_WAITING_MAX } from '../limits.ts';
import type { MeterWire } from '../ports.ts';
import type { GatewayOptions } from './options.ts';

/** What a passage is made of. */
export interface PassageOptions extends GatewayOptions {
  readonly duplex: { readonly peer: string };
  readonly meterId: MeterId;
  /** Client address that the caller uses. */
  readonly client: number;
  /** Carries an APDU of the meter back. */
  readonly answer: (apdu: Uint8Array) => void;
  /** Tells the caller that nothing comes of it, and why, in the log. */
  readonly refuse: (sentence: string) => void;
  /** The association is over: the meter is free for the next one, which waits until the line is given back. */
  readonly ended: () => void;
}

const RLRE_TAG = 0x63;

/** See the head of the file. */
export class Passage {
  /** Resolves when the line is given back. */
  readonly over: Promise<void>;
  readonly #options: PassageOptions;
  readonly #startMs: number;
  #waiting: Uint8Array[] = [];
  #wire: MeterWire | null = null;
  #done: ((sentence: string) => void) | null = null;
  #why: string | null = null;
  #idle: Timer | null = null;
  #octets = 0;
  #apdus = 0;

  constructor(options: PassageOptions) {
    this.#options = options;
    this.#startMs = options.env.clock.monotonicMs();
    this.over = this.#run();
  }

  /** Sends an APDU to the meter, as soon as the line is free; false when too many wait. */
  send(apdu: Uint8Array): boolean {
    this.#apdus++;
    this.#octets += apdu.length;
    if (this.#wire === null) {
      if (this.#waiting.length >= GATEWAY_WAITING_MAX) return false;
      this.#waiting.push(apdu.slice());
      return true;
    }
    this.#wire.send(apdu);
    this.#stillAlive();
    return true;
  }

  /** Gives the line back; the sentence goes into the log. `tell` = the caller may wait for an answer, and is told. */
  end(sentence: string, tell = false): void {
    if (this.#why !== null) return;
    this.#why = sentence;
    if (tell) this.#options.refuse(sentence);
    this.#options.ended();
    this.#done?.(sentence);
  }

  async #run(): Promise<void> {
    const { dispatcher, meterId, client, refuse, ended } = this.#options;
    const isWanted = () =>
      this.#why === null ? Promise.resolve() : Promise.reject(edgeError('SCHEDULER_NOT_REACHED', this.#why));
    const result = await dispatcher.withWire(
      meterId,
      client,
      { timeoutMs: GATEWAY_REACH_MS, started: isWanted },
      (wire) => this.#pass(wire),
    );
    this.#idle?.cancel();
    if (!result.ok && this.#why === null) {
      ended();
      refuse(result.failure.sentence);
    }
    this.#tell(result.ok ? result.result : (this.#why ?? result.failure.sentence));
  }

  /** Carries both ways until the association is over; gives the sentence that says why it ended. */
  #pass(wire: MeterWire): Promise<string> {
    const { settings, env, answer } = this.#options;
    return new Promise((resolve) => {
      const hold = env.timers.after(settings.holdMs, () =>
        this.end('The line was held for as long as it may be.', true),
      );
      this.#done = (sentence) => {
        hold.cancel();
        this.#wire = null;
        resolve(sentence);
      };
      this.#wire = wire;
      wire.listen({
        apdu: (octets) => {
          this.#octets += octets.length;
          answer(octets);
          this.#stillAlive();
          if (octets.at(0) === RLRE_TAG) this.end('The association was released.');
        },
        down: (reason) => this.end(reason?.message ?? 'The link to the meter was closed.', reason !== null),
      });
      for (const apdu of this.#waiting) wire.send(apdu);
      this.#waiting = [];
      this.#stillAlive();
      if (this.#why !== null) this.#done(this.#why);
    });
  }

  #stillAlive(): void {
    const { env, settings } = this.#options;
    this.#idle?.cancel();
    this.#idle = env.timers.after(settings.idleMs, () => this.end('Nothing was said for too long.', true));
  }

  #tell(sentence: string): void {
    const { env, health, duplex, meterId, client } = this.#options;
    health.count('gateway_associations');
    const tookMs = Math.round(env.clock.monotonicMs() - this.#startMs);
    const { peer } = duplex;
    env.log.info('gateway.closed', {
      peer,
      meterId,
      client,
      apdus: this.#apdus,
      octets: this.#octets,
      tookMs,
      sentence,
    });
  }
}
