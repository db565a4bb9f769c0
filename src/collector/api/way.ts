/**
 * How far the way to a meter goes, from what is known already: no order, no octet to the meter. The first part that fails is named,
 * with who can mend it; what lies behind it is not known. Pure.
 *
 * A meter without supply and one with a broken wire look the same from a concentrator. A power failure that the meter told and did
 * not take back tells them apart, and so does it whether the others of its concentrator are heard. The command `ping` asks for real.
 */
import type { MeterStateName } from '../../model/event.ts';

/** The parts of the way, from here to the meter's objects. */
export const RUNGS = ['concentrator', 'power', 'line', 'link', 'association', 'object'] as const;

/** One of {@link RUNGS}. */
export type Rung = (typeof RUNGS)[number];

/** What is known of a meter and around it. */
export interface WayFacts {
  readonly state: MeterStateName;
  /** What its concentrator says of it; empty = nothing. */
  readonly sentence: string;
  /** Whether it is placed on a concentrator. */
  readonly isPlaced: boolean;
  /** Its concentrator was heard lately. */
  readonly isEdgeHeard: boolean;
  /** The newest event of supply that it told is a failure. */
  readonly isPowerDown: boolean;
  /** Other meters of its concentrator, and how many of them are not heard either. */
  readonly others: number;
  readonly othersUnheard: number;
}

/** The answer. */
export interface Way {
  /** The first part that fails, null = none. */
  readonly failing: Rung | null;
  /** Who can mend it; null = nobody needs to. */
  readonly who: string | null;
  readonly sentence: string;
  readonly rungs: readonly { readonly rung: Rung; readonly state: 'ok' | 'failed' | 'unknown' }[];
}

/** Nothing that can be read came from the meter. */
const UNHEARD: ReadonlySet<MeterStateName> = new Set(['silent', 'permanent-failure']);

/** Where the way ends in each of the other states. */
const RUNG_OF: Readonly<Partial<Record<MeterStateName, Rung>>> = {
  garbled: 'link',
  babbling: 'link',
  'address-conflict': 'link',
  refused: 'association',
  'no-key': 'association',
  'other-meter': 'association',
  reconfigured: 'object',
  'wrong-profile': 'object',
  'clock-wrong': 'object',
  'buffer-cleared': 'object',
};

const WHO: Readonly<Record<Rung, string>> = {
  concentrator: 'Whoever looks after the concentrator: its supply, its connection, its placement here.',
  power: 'The grid: the meter told that its supply fails, and has not told that it is back.',
  line: 'Whoever is at the concentrator: cable, adapter, converter or network.',
  link: 'A fitter at the meter: supply, wiring, address, termination.',
  association: 'Whoever keeps keys, passwords and the list of meters.',
  object: 'Whoever keeps the profiles of meters, or sets meters up.',
};

/** Whether a meter is not heard at all. */
export function isUnheard(state: MeterStateName): boolean {
  return UNHEARD.has(state);
}

/** Judges. */
export function wayOf(facts: WayFacts): Way {
  const failing = failingRung(facts);
  const end = failing === null ? RUNGS.length : RUNGS.indexOf(failing);
  const isAsked = facts.state !== 'unknown';
  const rungs = RUNGS.map((rung, at) => ({
    rung,
    state: at === end ? ('failed' as const) : at < end && isAsked ? ('ok' as const) : ('unknown' as const),
  }));
  return { failing, who: failing === null ? null : WHO[failing], sentence: sentenceOf(facts, failing), rungs };
}

function failingRung({ state, isPlaced, isEdgeHeard, isPowerDown, others, othersUnheard }: WayFacts): Rung | null {
  if (!isPlaced || !isEdgeHeard) return 'concentrator';
  if (!UNHEARD.has(state)) return RUNG_OF[state] ?? null;
  if (isPowerDown) return 'power';
  return others > 0 && othersUnheard === others ? 'line' : 'link';
}

function sentenceOf({ state, sentence, isPlaced, others, othersUnheard }: WayFacts, failing: Rung | null): string {
  if (!isPlaced) return 'It is not placed on a concentrator.';
  if (failing === 'concentrator') return 'Its concentrator was not heard lately; what lies behind it is not known.';
  if (failing === null) return state === 'unknown' ? 'It was not called yet.' : 'All of the way answers.';
  if (failing !== 'line' && failing !== 'link') return sentence;
  const rest = others === 0 ? '' : ` ${others - othersUnheard} of ${others} others of its concentrator are heard.`;
  return `${sentence}${rest}`;
}
