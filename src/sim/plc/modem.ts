/**
 * The modem of a simulated base node and the line behind it: one request on its way, a few that wait, and what the power line
 * does to them and to their answers.
 *
 * A request holds the modem until its confirmation has come. Where that is missing the modem stands still, and nobody can
 * tell whether the request was heard; one that finds no buffer free is dropped in silence. Answers take their own way: given up are collisions
 * of answers with requests, which the real network avoids by time slots.
 */
import type { Env } from '../../base/env.ts';
import type { SeededRandom } from '../../base/seeded-random.ts';
import type { PlcHabits, Span } from './habits.ts';

/** What has happened since the start. */
export interface ModemCounts {
  /** Requests that a meter heard. */
  heard: number;
  /** Requests that were lost on the line. */
  lostRequests: number;
  lostAnswers: number;
  /** Requests that found no buffer free. */
  dropped: number;
  stalled: number;
  late: number;
  twice: number;
  /** Most requests that the modem held at once. */
  heldMost: number;
}

/** One meter in twenty answers is slow, so many times. */
const SLOW_SHARE = 0.05;
const SLOW_TIMES = 4;
const HOUR_MS = 3_600_000;
const HOURS = 24;

/** What came of a request, as far as a modem can know; `stalled`: nothing ever confirmed it. */
export type AskOutcome = 'sent' | 'lost' | 'stalled';

interface Request {
  readonly hops: number;
  readonly heard: () => void;
  readonly done: (outcome: AskOutcome, isFreed: boolean) => void;
}

/** See the head of the file. */
export class PlcModem {
  readonly counts: ModemCounts = {
    heard: 0,
    lostRequests: 0,
    lostAnswers: 0,
    dropped: 0,
    stalled: 0,
    late: 0,
    twice: 0,
    heldMost: 0,
  };
  #held: Request[] = [];
  #isSending = false;
  /** Counts restarts: what was on its way before one is gone. */
  #life = 0;

  constructor(
    private readonly env: Pick<Env, 'clock' | 'timers'>,
    private readonly random: SeededRandom,
    private readonly habits: PlcHabits,
  ) {}

  /** Whether one more request would find no buffer free. */
  get isFull(): boolean {
    return this.#held.length >= (this.habits.queue ?? Number.POSITIVE_INFINITY);
  }

  /**
   * Takes a request for a meter so many hops away; `heard` is called when it gets there, `done` when the modem turns to the next one, with
   * `isFreed` when it was full until then.
   */
  ask(hops: number, heard: () => void, done: Request['done'] = () => {}): void {
    if (this.isFull) {
      this.counts.dropped++;
      return;
    }
    this.#held.push({ hops, heard, done });
    this.counts.heldMost = Math.max(this.counts.heldMost, this.#held.length);
    this.#send();
  }

  /** Takes an answer of a meter so many hops away; `heard` is called when it gets here, perhaps twice. */
  answer(hops: number, heard: () => void): void {
    if (this.#isLost(hops)) {
      this.counts.lostAnswers++;
      return;
    }
    const { answerMs, late, twice } = this.habits;
    const slow = answerMs !== undefined && this.random.chance(SLOW_SHARE) ? SLOW_TIMES : 1;
    let ms = this.#draw(answerMs) * slow + this.#hopsMs(hops) / 2;
    if (this.#happens(late?.share)) {
      this.counts.late++;
      ms += this.#draw(late?.byMs);
    }
    this.#after(ms, heard);
    if (!this.#happens(twice?.share)) return;
    this.counts.twice++;
    this.#after(ms + this.#draw(twice?.afterMs), heard);
  }

  /** Forgets everything: the modem was started anew. */
  restart(): void {
    this.#life++;
    this.#held = [];
    this.#isSending = false;
  }

  #send(): void {
    // Without delays one request follows the other in the same turn: no recursion.
    while (!this.#isSending) {
      const [request] = this.#held;
      if (request === undefined) return;
      this.#isSending = true;
      this.#carry(request);
    }
  }

  #carry({ hops, heard, done }: Request): void {
    const ms = this.#hopsMs(hops) / 2;
    const { stall } = this.habits;
    const isStalled = this.#happens(stall?.share);
    const isLost = isStalled ? this.random.chance(0.5) : this.#isLost(hops);
    if (isStalled) this.counts.stalled++;
    if (isLost) this.counts.lostRequests++;
    else
      this.#after(ms, () => {
        this.counts.heard++;
        heard();
      });
    this.#after(isStalled ? (stall?.forMs ?? ms) : ms, () => {
      const wasFull = this.isFull;
      this.#held.shift();
      this.#isSending = false;
      done(isStalled ? 'stalled' : isLost ? 'lost' : 'sent', wasFull);
      this.#send();
    });
  }

  #isLost(hops: number): boolean {
    const { loss = 0, evening } = this.habits;
    const hour = Math.floor(this.env.clock.nowMs() / HOUR_MS) % HOURS;
    const isEvening = evening !== undefined && hour >= evening.fromHour && hour < evening.toHour;
    const onHop = Math.min(1, isEvening ? loss * evening.times : loss);
    return onHop > 0 && this.random.chance(1 - (1 - onHop) ** hops);
  }

  #happens(share = 0): boolean {
    return share > 0 && this.random.chance(share);
  }

  #hopsMs(hops: number): number {
    if (this.habits.hopMs === undefined) return 0;
    let ms = 0;
    for (let hop = 0; hop < hops; hop++) ms += this.#draw(this.habits.hopMs);
    return ms;
  }

  #draw(span: Span | undefined): number {
    if (span === undefined) return 0;
    const [least, most] = span;
    return least + this.random.unit() * (most - least);
  }

  #after(ms: number, run: () => void): void {
    const life = this.#life;
    if (ms <= 0) run();
    else
      this.env.timers.after(ms, () => {
        if (life === this.#life) run();
      });
  }
}
