/**
 * The state of each meter in words: kept over restarts, told to the collector when it changes.
 *
 * One lost answer is no state: a meter that was reachable is called silent or garbled at the second failure in a row, and
 * silent no earlier than meters hold an association of which they heard no end, as after a power cut of ours: until then
 * some let nobody in. A refusal counts at once, as trying again may lock the meter; so does a buffer that was set up anew.
 */
import { METER_STATES, type MeterState, type MeterStateName } from '../../model/event.ts';
import type { MeterId } from '../../model/ids.ts';
import { METER_INACTIVITY_MS } from '../limits.ts';
import type { Entry, Health, Journal } from '../ports.ts';

const PREFIX = 'meter-state/';
const FAILURES_TO_TELL = 2;
const AT_ONCE: ReadonlySet<MeterStateName> = new Set(['refused', 'reconfigured']);

interface Known {
  readonly state: MeterStateName;
  readonly sinceMs: number;
  failures: number;
  /** When the first of them was, UTC ms. */
  failingSinceMs: number;
}

/** What must be stored because a state changed. */
export type StateChange = Pick<Entry, 'records' | 'keep'>;

const NO_CHANGE: StateChange = { records: [], keep: [] };

/** States of the meters of one line. */
export class MeterStates {
  readonly #known = new Map<MeterId, Known>();

  constructor(
    private readonly journal: Pick<Journal, 'kept'>,
    private readonly health: Health,
  ) {}

  /** Reads what was known before the restart. */
  async load(meterIds: readonly MeterId[]): Promise<void> {
    for (const meterId of meterIds) {
      const kept = parseKept(await this.journal.kept(PREFIX + meterId));
      if (kept !== null) this.#known.set(meterId, { ...kept, failures: 0, failingSinceMs: 0 });
    }
  }

  /** The meter was talked to, or could not be; gives what has to be stored. */
  seen(meterId: MeterId, state: MeterStateName, sentence: string, nowMs: number): StateChange {
    const good = state === 'reachable' || state === 'listening';
    const before = this.#known.get(meterId);
    const failures = good ? 0 : (before?.failures ?? 0) + 1;
    const failingSinceMs = failures > 1 ? (before?.failingSinceMs ?? nowMs) : nowMs;
    if (before !== undefined) Object.assign(before, { failures, failingSinceMs });
    if (before?.state === state) return NO_CHANGE;
    const wasGood = before?.state === 'reachable' || before?.state === 'listening';
    if (wasGood && !good && !AT_ONCE.has(state) && failures < FAILURES_TO_TELL) return NO_CHANGE;
    if (before?.state === 'reachable' && state === 'silent' && nowMs - failingSinceMs < METER_INACTIVITY_MS)
      return NO_CHANGE;
    this.#known.set(meterId, { state, sinceMs: nowMs, failures, failingSinceMs });
    this.health.state(`meter ${meterId}`, good ? 'ok' : 'degraded', sentence);
    const told: MeterState = { meterId, state, sentence, sinceMs: nowMs };
    const value = new TextEncoder().encode(JSON.stringify({ state, sinceMs: nowMs }));
    return { records: [{ kind: 'meter-state', state: told }], keep: [{ key: PREFIX + meterId, value }] };
  }

  /** How many meters are in a state other than reachable or listening. */
  troubled(): number {
    let count = 0;
    for (const { state } of this.#known.values()) if (state !== 'reachable' && state !== 'listening') count++;
    return count;
  }
}

function parseKept(octets: Uint8Array | undefined): { state: MeterStateName; sinceMs: number } | null {
  if (octets === undefined) return null;
  try {
    const { state, sinceMs } = JSON.parse(new TextDecoder().decode(octets)) as Record<string, unknown>;
    const known = METER_STATES.find((each) => each === state);
    return known !== undefined && typeof sinceMs === 'number' ? { state: known, sinceMs } : null;
  } catch {
    return null;
  }
}
