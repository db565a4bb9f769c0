/** What was seen of each rule of the wire, and how it is told. */
import { alignedText } from '../text-table.ts';

/** The rules of docs/formats that can be judged from a collector's side, each in a few words. */
export const CONFORM_RULES = {
  'W-1': 'blocks of rows can be decoded',
  'W-11': 'a block keeps to its bounds',
  'W-12': 'blocks have their layout and continue their chain',
  'W-31': 'the state check of a keyframe is right',
  'W-40': 'topics of its own and no others',
  'W-41': 'a message has consecutive blocks of one lane',
  'W-42': 'envelopes are authentic',
  'W-43': 'control messages have their shape',
  'W-46': 'records can be decoded',
  'W-48': 'a dictionary is canonical',
  'W-52': 'hello after each connect',
  'W-54': 'only the present session and term count',
  'W-55': 'an ack is cumulative',
  'W-57': 'a dictionary that is asked for comes, and the blocks again',
  'W-61': 'a collector without a session gets a hello',
  'W-63': 'client id, user name, clean session',
  'W-64': 'nothing is retained',
  'W-65': 'blocks with QoS 0, the rest with QoS 1',
  'W-66': 'only the ack permits to delete',
  'W-67': 'a message keeps to its bounds',
  'W-68': 'a forged message changes nothing',
  'W-69': 'an unknown message does not end the session',
  'W-70': 'hello again when an ack does not come',
  'W-71': 'each hello has a session of its own',
  'W-72': 'an unanswered hello is said again, not too soon',
  'W-73': 'no block of lanes 2-5 before the answer',
  'W-74': 'credit is kept, and is absolute',
  'W-75': 'the outstanding limit is kept',
  'W-76': 'one answer a session, acks of this epoch',
  'W-77': 'repeated and old acks change nothing',
  'W-78': 'an ack beyond the journal is ignored',
  'W-79': 'after a refusal blocks are kept',
  'W-80': 'all lanes of an ack count',
  'W-81': 'goes on behind upTo, without holes, with the same octets',
  'W-86': 'a keyframe that is asked for comes',
  'W-89': 'a restored collector gets blocks again',
  'W-90': 'blocks have the epoch of the hello',
  'W-91': 'a dictionary comes deflated',
  'W-92': 'an order that is not good is refused',
  'W-96': 'an order to read again is carried out once',
  'W-97': 'an order to read again gets its result, again when it comes again',
  'W-98': 'rows that are read again begin a keyframe group',
} as const;

/** A number of {@link CONFORM_RULES}. */
export type RuleId = keyof typeof CONFORM_RULES;

/** not-seen = nothing happened that shows the rule kept or broken; the sentence says what was missing. */
export type ConformVerdict = 'passed' | 'failed' | 'not-seen';

/** What came of one rule. */
export interface RuleReport {
  readonly id: RuleId;
  readonly rule: string;
  readonly verdict: ConformVerdict;
  /** What was seen, for people. */
  readonly sentence: string;
}

const NOT_SEEN = 'Nothing happened that shows it.';

/** Gathers verdicts: a failure stays whatever comes later, and the first one is told. */
export class Verdicts {
  readonly #seen = new Map<RuleId, { readonly verdict: ConformVerdict; readonly sentence: string }>();

  /** `heard` hears each failure at once. */
  constructor(private readonly heard: (id: RuleId, sentence: string) => void = () => undefined) {}

  /** The rule was kept where it could have been broken. */
  passed(id: RuleId, sentence: string): void {
    if (this.#seen.get(id)?.verdict === 'failed') return;
    this.#seen.set(id, { verdict: 'passed', sentence });
  }

  /** The rule was broken. */
  failed(id: RuleId, sentence: string): void {
    if (this.#seen.get(id)?.verdict === 'failed') return;
    this.#seen.set(id, { verdict: 'failed', sentence });
    this.heard(id, sentence);
  }

  /** Passed or failed by a condition, with a sentence for each. */
  judge(id: RuleId, isKept: boolean, kept: string, broken: string): void {
    if (isKept) this.passed(id, kept);
    else this.failed(id, broken);
  }

  /** Why the rule could not be seen, unless it was. */
  missed(id: RuleId, sentence: string): void {
    if (!this.#seen.has(id)) this.#seen.set(id, { verdict: 'not-seen', sentence });
  }

  /** All rules, in order of their numbers. */
  reports(): RuleReport[] {
    return (Object.keys(CONFORM_RULES) as RuleId[]).map((id) => {
      const { verdict, sentence } = this.#seen.get(id) ?? { verdict: 'not-seen' as const, sentence: NOT_SEEN };
      return { id, rule: CONFORM_RULES[id], verdict, sentence };
    });
  }
}

/** The reports as a table for people, with a line of sums. */
export function conformText(reports: readonly RuleReport[]): string {
  const sum = (wanted: ConformVerdict) => reports.filter(({ verdict }) => verdict === wanted).length;
  const table = alignedText({
    columns: ['rule', 'verdict', 'what it says', 'what was seen'],
    rows: reports.map(({ id, verdict, rule, sentence }) => [id, verdict, rule, sentence]),
  });
  return `${table}\n${sum('passed')} passed, ${sum('failed')} failed, ${sum('not-seen')} not seen\n`;
}
