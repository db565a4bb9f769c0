/**
 * Meters that misbehave, by name: a machine around a meter's machine that spoils what it says. What a bad meter does to a
 * line is so the same in memory, over TCP and on a wire, and the same for the same seed.
 */
import type { Machine } from '../../base/machine.ts';
import type { SeededRandom } from '../../base/seeded-random.ts';

/** Ways to misbehave. */
export const MISBEHAVIOURS = ['silent', 'garbage', 'babble', 'slow', 'refuse', 'drop'] as const;

/**
 * silent = never answers; garbage = answers as long, but random octets; babble = talks all the time without being asked;
 * slow = answers after {@link SLOW_MS}; refuse = knows another password; drop = ends the connection when it should answer.
 */
export type Misbehaviour = (typeof MISBEHAVIOURS)[number];

/** A slow meter thinks for so long: longer than a client on a wire waits, shorter than one on a radio. */
export const SLOW_MS = 8_000;
/** A babbling meter says so many octets so often. */
const BABBLE_OCTETS = 48;
const BABBLE_PERIOD_MS = 200;

/** A machine around another one. */
export class MisbehavingMachine<Event> implements Machine<Event> {
  #held: { readonly atMs: number; readonly octets: Uint8Array }[] = [];
  #nowMs = 0;
  #babbleAtMs: number | null = null;
  #dropped = false;

  constructor(
    private readonly inner: Machine<Event>,
    private readonly how: Misbehaviour,
    private readonly random: SeededRandom,
  ) {
    if (how === 'babble') this.#babbleAtMs = 0;
  }

  /** Whether the meter has hung up: whoever owns the line ends it. */
  get hasDropped(): boolean {
    return this.#dropped;
  }

  receive(chunk: Uint8Array, nowMs: number): Event[] {
    this.#nowMs = nowMs;
    const events = this.inner.receive(chunk, nowMs);
    // Known before the events are told, so that the line ends in the same turn.
    if (this.how === 'drop') this.#dropped ||= this.inner.takeOutput().length > 0;
    return events;
  }

  takeOutput(): Uint8Array[] {
    const said = this.inner.takeOutput();
    switch (this.how) {
      case 'silent':
      case 'drop':
        return [];
      case 'garbage':
        return said.map((octets) => this.random.bytes(octets.length));
      case 'babble':
        return this.#ready();
      case 'slow':
        for (const octets of said) this.#held.push({ atMs: this.#nowMs + SLOW_MS, octets });
        return this.#ready();
      case 'refuse':
        return said;
    }
  }

  #ready(): Uint8Array[] {
    const ready = this.#held.filter((entry) => entry.atMs <= this.#nowMs);
    this.#held = this.#held.filter((entry) => entry.atMs > this.#nowMs);
    return ready.map((entry) => entry.octets);
  }

  deadlineMs(): number | null {
    const due = [this.inner.deadlineMs(), this.#babbleAtMs, this.#held[0]?.atMs ?? null].filter((at) => at !== null);
    return due.length === 0 ? null : Math.min(...due);
  }

  tick(nowMs: number): Event[] {
    this.#nowMs = nowMs;
    if (this.#babbleAtMs !== null && nowMs >= this.#babbleAtMs) {
      this.#held.push({ atMs: nowMs, octets: this.random.bytes(BABBLE_OCTETS) });
      this.#babbleAtMs = nowMs + BABBLE_PERIOD_MS;
    }
    return this.inner.tick(nowMs);
  }
}
