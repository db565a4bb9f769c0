/** Counters, gauges and states of the edge in memory: what `/health`, `/metrics` and the console show. */
import { assert } from '../../base/errors.ts';
import { HEALTH_NAMES_MAX, HEALTH_SUBJECTS_MAX, STATUS_FACTS_MAX } from '../limits.ts';
import type { Health } from '../ports.ts';

/** How a subject is. */
export type HealthState = 'ok' | 'degraded' | 'failed';

/** A subject with its sentence. */
export interface Subject {
  readonly name: string;
  readonly state: HealthState;
  readonly sentence: string;
  /** UTC ms by the edge's clock. */
  readonly sinceMs: number;
}

const ORDER: readonly HealthState[] = ['ok', 'degraded', 'failed'];

/** See the head of the file. */
export class EdgeHealth implements Health {
  readonly #counters = new Map<string, number>();
  readonly #gauges = new Map<string, number>();
  readonly #subjects = new Map<string, Subject>();

  constructor(private readonly nowMs: () => number) {}

  count(name: string, by = 1): void {
    assert(
      this.#counters.has(name) || this.#counters.size < HEALTH_NAMES_MAX,
      `no id in the name of a counter: ${name}`,
    );
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + by);
  }

  gauge(name: string, value: number): void {
    assert(this.#gauges.has(name) || this.#gauges.size < HEALTH_NAMES_MAX, `no id in the name of a gauge: ${name}`);
    this.#gauges.set(name, value);
  }

  state(subject: string, state: HealthState, sentence: string): void {
    const before = this.#subjects.get(subject);
    if (before?.state === state && before.sentence === sentence) return;
    if (before === undefined && this.#subjects.size >= HEALTH_SUBJECTS_MAX) return;
    const sinceMs = before?.state === state ? before.sinceMs : this.nowMs();
    this.#subjects.set(subject, { name: subject, state, sentence, sinceMs });
  }

  /** The value of a counter, 0 when it never counted. */
  counter(name: string): number {
    return this.#counters.get(name) ?? 0;
  }

  /** All counters, in order of their names. */
  counters(): readonly (readonly [string, number])[] {
    return sorted(this.#counters);
  }

  /** All gauges, in order of their names. */
  gauges(): readonly (readonly [string, number])[] {
    return sorted(this.#gauges);
  }

  /** All subjects, worst first. */
  subjects(): readonly Subject[] {
    return [...this.#subjects.values()].sort(
      (a, b) => ORDER.indexOf(b.state) - ORDER.indexOf(a.state) || (a.name < b.name ? -1 : 1),
    );
  }

  /** The worst state of those that the whole edge stands on: its journal and its uplink. */
  overall(): HealthState {
    const own = ['journal', 'uplink'].map((name) => this.#subjects.get(name)?.state ?? 'ok');
    return own.includes('failed') ? 'failed' : this.subjects().some(({ state }) => state !== 'ok') ? 'degraded' : 'ok';
  }

  /** What the console should show: everything that is not well. */
  facts(): readonly Pick<Subject, 'name' | 'state' | 'sentence'>[] {
    return this.subjects()
      .filter(({ state }) => state !== 'ok')
      .slice(0, STATUS_FACTS_MAX)
      .map(({ name, state, sentence }) => ({ name, state, sentence }));
  }
}

function sorted(map: ReadonlyMap<string, number>): readonly (readonly [string, number])[] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}
