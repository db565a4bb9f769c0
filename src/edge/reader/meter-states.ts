/**
 * The state of each meter in words: kept over restarts, told to the collector when it changes.
 *
 * One lost answer is no state: a meter that was reachable is called silent or garbled at the second failure in a row, and
 * silent no earlier than meters hold an association of which they heard no end, as after a power cut of ours: until then
 * some let nobody in. A refusal counts at once, as trying again may lock the meter; so does whatever needs a person and does
 * not pass by itself. Silence of a day is a permanent failure. One meter that only ever answers with noise, on a line whose
 * others answer well, shares its address with another one, or hangs on a bad branch.
 */
import { isWell, METER_STATES, type MeterEvent, type MeterState, type MeterStateName } from '../../model/event.ts';
import type { MeterId } from '../../model/ids.ts';
import { METER_INACTIVITY_MS, PERMANENT_AFTER_MS } from '../limits.ts';
import type { Entry, Health, Journal } from '../ports.ts';

const PREFIX = 'meter-state/';
const FAILURES_TO_TELL = 2;
/** Garbled so often in a row before its address is suspected. */
const GARBLED_TO_SUSPECT = 3;
const AT_ONCE: ReadonlySet<MeterStateName> = new Set([
  'refused',
  'reconfigured',
  'permanent-failure',
  'other-meter',
  'address-conflict',
  'wrong-profile',
  'no-key',
  'clock-wrong',
  'buffer-cleared',
]);
/** Nothing that could be read came. */
const UNHEARD: ReadonlySet<MeterStateName> = new Set(['silent', 'garbled', 'babbling', 'permanent-failure']);
/** First code of the events that tell of states; the index of the state is added. */
const EVENT_CODE_FIRST = 100;

interface Known {
  readonly state: MeterStateName;
  readonly sinceMs: number;
  failures: number;
  /** When the first of them was, UTC ms. */
  failingSinceMs: number;
  /** Garbled answers since it was reachable last. */
  garbled: number;
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
    private readonly permanentAfterMs = PERMANENT_AFTER_MS,
  ) {}

  /** Reads what was known before the restart. */
  async load(meterIds: readonly MeterId[]): Promise<void> {
    for (const meterId of meterIds) {
      const kept = parseKept(await this.journal.kept(PREFIX + meterId));
      if (kept !== null) this.#known.set(meterId, { ...kept, failures: 0, garbled: 0 });
    }
  }

  /** The meter was talked to, or could not be; gives what has to be stored. */
  seen(meterId: MeterId, said: MeterStateName, words: string, nowMs: number): StateChange {
    const good = isWell(said);
    const before = this.#known.get(meterId);
    const failures = good ? 0 : (before?.failures ?? 0) + 1;
    const goesOn = before !== undefined && UNHEARD.has(before.state) && UNHEARD.has(said);
    const failingSinceMs = goesOn || failures > 1 ? (before?.failingSinceMs ?? nowMs) : nowMs;
    const garbled = UNHEARD.has(said) ? (before?.garbled ?? 0) + (said === 'garbled' ? 1 : 0) : 0;
    const counts = { failures, failingSinceMs, garbled };
    if (before !== undefined) Object.assign(before, counts);
    const { state, sentence } = this.#judged(meterId, said, words, nowMs - failingSinceMs, garbled);
    if (before?.state === state) return NO_CHANGE;
    const wasGood = before !== undefined && isWell(before.state);
    if (wasGood && !good && !AT_ONCE.has(state) && failures < FAILURES_TO_TELL) return NO_CHANGE;
    if (before?.state === 'reachable' && state === 'silent' && nowMs - failingSinceMs < METER_INACTIVITY_MS)
      return NO_CHANGE;
    this.#known.set(meterId, { state, sinceMs: nowMs, ...counts });
    this.health.state(`meter ${meterId}`, good ? 'ok' : 'degraded', sentence);
    const told: MeterState = { meterId, state, sentence, sinceMs: nowMs };
    const value = new TextEncoder().encode(JSON.stringify({ state, sinceMs: nowMs, failingSinceMs }));
    const event = AT_ONCE.has(state) ? [{ kind: 'event', event: eventOf(told) } as const] : [];
    return { records: [{ kind: 'meter-state', state: told }, ...event], keep: [{ key: PREFIX + meterId, value }] };
  }

  /** What is said of a meter, seen with its past and the others of its line. */
  #judged(meterId: MeterId, state: MeterStateName, sentence: string, failedMs: number, garbled: number) {
    if (UNHEARD.has(state) && failedMs >= this.permanentAfterMs) {
      const hours = Math.round(this.permanentAfterMs / 3_600_000);
      const told = `Nothing that can be read came for ${hours} hours; the meter is only called once an hour now. ${sentence}`;
      return { state: 'permanent-failure', sentence: told } as const;
    }
    const known = this.#known.get(meterId)?.state;
    const isSuspected = UNHEARD.has(state) && garbled >= GARBLED_TO_SUSPECT && this.#othersAnswer(meterId);
    if (isSuspected || (known === 'address-conflict' && state === 'garbled'))
      return { state: 'address-conflict', sentence: `${CONFLICT} ${sentence}` } as const;
    return { state, sentence };
  }

  /** Whether there are others, and all of them answer. */
  #othersAnswer(meterId: MeterId): boolean {
    const others = [...this.#known].filter(([each]) => each !== meterId);
    return others.length > 0 && others.every(([, { state, failures }]) => isWell(state) && failures === 0);
  }

  /** How many meters are in a state other than reachable or listening. */
  troubled(): number {
    let count = 0;
    for (const { state } of this.#known.values()) if (!isWell(state)) count++;
    return count;
  }
}

const CONFLICT =
  'Only this address is answered with noise, the others of the line answer well: two meters may have it, or its branch is damaged. Take one of them off, or give it another address.';

function eventOf({ meterId, state, sentence, sinceMs }: MeterState): MeterEvent {
  const severity = state === 'buffer-cleared' || state === 'clock-wrong' ? 'warning' : 'alarm';
  const code = EVENT_CODE_FIRST + METER_STATES.indexOf(state);
  return { meterId, log: 'edge', code, name: `meter-${state}`, sentence, atMs: sinceMs, severity };
}

type Kept = Pick<Known, 'state' | 'sinceMs' | 'failingSinceMs'>;

function parseKept(octets: Uint8Array | undefined): Kept | null {
  if (octets === undefined) return null;
  try {
    const { state, sinceMs, failingSinceMs } = JSON.parse(new TextDecoder().decode(octets)) as Record<string, unknown>;
    const known = METER_STATES.find((each) => each === state);
    if (known === undefined || typeof sinceMs !== 'number') return null;
    return { state: known, sinceMs, failingSinceMs: typeof failingSinceMs === 'number' ? failingSinceMs : sinceMs };
  } catch {
    return null;
  }
}
