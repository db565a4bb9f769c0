/**
 * How a simulated network over the power line is: every trait has a name and is off unless it is wanted.
 *
 * `FIELD` is a network as it is met: repeaters, a modem with five buffers, losses that grow in the evening, answers that come
 * late or twice. Its delays lie so that a GET takes 1 to 4 s and sometimes 9. The protocol has no negative answer, so that nothing of
 * this is ever told to the concentrator.
 */
import type { OptionTable, OptionValues } from '../../link/options.ts';

/** A range to draw from, both ends included. */
export type Span = readonly [least: number, most: number];

/** Traits; absent = off. */
export interface PlcHabits {
  /** Share of messages that are lost on one hop, 0 to 1: requests and answers alike. */
  readonly loss?: number;
  /** Hours of the day (UTC, `to` not included) in which so many times as much is lost. */
  readonly evening?: { readonly fromHour: number; readonly toHour: number; readonly times: number };
  /** Meters repeat for others: longest way to one, hops (1-6). A repeater that leaves takes those behind it along. */
  readonly levels?: number;
  /** What a hop adds to a request and its answer together, ms. */
  readonly hopMs?: Span;
  /** What a meter needs to answer, ms; one in twenty needs four times as long. */
  readonly answerMs?: Span;
  /** Requests that the modem holds, the one on its way included; one more is dropped in silence. Absent = endless. */
  readonly queue?: number;
  /** Share of requests whose confirmation is missing: the queue stands still for so long. */
  readonly stall?: { readonly share: number; readonly forMs: number };
  /** Share of answers that come twice, the second one so much later. */
  readonly twice?: { readonly share: number; readonly afterMs: Span };
  /** Share of answers that come so much later than they should. */
  readonly late?: { readonly share: number; readonly byMs: Span };
  /** After a start of the base node a meter joins within so long, ms. */
  readonly joinMs?: Span;
  /** A meter whose repeater has left joins again within so long, ms. */
  readonly rejoinMs?: Span;
  /** After a restart the base node takes no connection for so long, ms. */
  readonly bootMs?: number;
  /** Device ids before the first one comes again, and may go to another meter. */
  readonly ids?: number;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/** Device ids of the bridge that is described (facts 3.1). */
export const DEVICE_IDS = 1_999;

/** A network as it is met in the field (facts 3.7 and 5.4). */
export const FIELD: Required<PlcHabits> = {
  loss: 0.003,
  evening: { fromHour: 18, toHour: 22, times: 5 },
  levels: 6,
  hopMs: [150, 400],
  answerMs: [400, 1_600],
  queue: 5,
  stall: { share: 0.000_5, forMs: 40 * SECOND_MS },
  twice: { share: 0.002, afterMs: [500, 5 * SECOND_MS] },
  late: { share: 0.001, byMs: [20 * SECOND_MS, 50 * SECOND_MS] },
  joinMs: [5 * SECOND_MS, 15 * MINUTE_MS],
  rejoinMs: [20 * SECOND_MS, 2 * MINUTE_MS],
  bootMs: 45 * SECOND_MS,
  ids: 400,
};

/** Spread of what is drawn around a mean that an address names. */
const SPREAD = 0.45;
const HOUR_MS = 60 * MINUTE_MS;

/** Traits in the address of a place to listen at. */
export const PLC_OPTIONS = {
  network: {
    kind: 'choice',
    about: 'Traits that are not named: none, or those of a network as it is met',
    default: 'plain',
    of: ['plain', 'field'],
  },
  seed: { kind: 'number', about: 'What is drawn', unit: '', default: 0, min: 0, max: 999_999_999 },
  loss: {
    kind: 'number',
    about: 'Messages of hundred that are lost on a hop of the power line, requests as often as answers',
    unit: '%',
    default: 0,
    min: 0,
    max: 100,
  },
  evening: {
    kind: 'number',
    about: 'How many times as much is lost from 18 to 22 h UTC',
    unit: 'times',
    default: 1,
    min: 1,
    max: 100,
  },
  levels: { kind: 'number', about: 'Longest way to a meter, over repeaters', unit: 'hops', default: 1, min: 1, max: 6 },
  hop: { kind: 'number', about: 'What a hop adds to a request', unit: 'ms', default: 0, min: 0, max: 10_000 },
  answer: { kind: 'number', about: 'What a meter needs to answer', unit: 'ms', default: 0, min: 0, max: 60_000 },
  queue: {
    kind: 'number',
    about: 'Requests that the modem holds before it drops them in silence; 0 = endless',
    unit: 'requests',
    default: 0,
    min: 0,
    max: 1_000,
  },
  stall: {
    kind: 'number',
    about: 'Requests of thousand after which the modem stands still for 40 s',
    unit: 'per mille',
    default: 0,
    min: 0,
    max: 1_000,
  },
  twice: {
    kind: 'number',
    about: 'Answers of thousand that come twice',
    unit: 'per mille',
    default: 0,
    min: 0,
    max: 1_000,
  },
  late: {
    kind: 'number',
    about: 'Answers of thousand that come 20 to 50 s late',
    unit: 'per mille',
    default: 0,
    min: 0,
    max: 1_000,
  },
  join: { kind: 'number', about: 'Time in which meters join after a start', unit: 's', default: 0, min: 0, max: 3_600 },
  churn: { kind: 'flag', about: 'Meters leave and join again as on the day that was recorded', default: false },
  reboot: {
    kind: 'number',
    about: 'The base node starts anew after so long, again and again; 0 = never',
    unit: 'h',
    default: 0,
    min: 0,
    max: 720,
  },
} as const satisfies OptionTable;

/** What an address says of the network. */
export interface PlcPlan {
  readonly habits: PlcHabits;
  readonly seed: number;
  readonly churn: boolean;
  /** Ms between restarts; null = never. */
  readonly rebootMs: number | null;
}

/** Traits as an address names them; what it does not name is as its `network` has it. */
export function planOf(values: OptionValues<typeof PLC_OPTIONS>, isNamed: (option: string) => boolean): PlcPlan {
  const base: PlcHabits = values.network === 'field' ? FIELD : {};
  const share = (name: 'stall' | 'twice' | 'late') => values[name] / 1_000;
  const { stall, twice, late, evening } = FIELD;
  const named: { readonly [Name in keyof typeof PLC_OPTIONS]?: PlcHabits } = {
    loss: { loss: values.loss / 100 },
    evening: { evening: { ...evening, times: values.evening } },
    levels: { levels: values.levels },
    hop: { hopMs: around(values.hop) },
    answer: { answerMs: around(values.answer) },
    queue: { queue: values.queue === 0 ? Number.POSITIVE_INFINITY : values.queue },
    stall: { stall: { ...stall, share: share('stall') } },
    twice: { twice: { ...twice, share: share('twice') } },
    late: { late: { ...late, share: share('late') } },
    join: { joinMs: [0, values.join * SECOND_MS] },
  };
  const traits = Object.entries(named).filter(([option]) => isNamed(option));
  const habits: PlcHabits = Object.assign({}, base, ...traits.map(([, trait]) => trait));
  const { seed, churn, reboot } = values;
  return { habits, seed, churn, rebootMs: reboot === 0 ? null : reboot * HOUR_MS };
}

function around(mean: number): Span {
  return [Math.round(mean * (1 - SPREAD)), Math.round(mean * (1 + SPREAD))];
}
