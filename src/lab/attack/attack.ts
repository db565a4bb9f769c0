/** What an attack is, and how a list of them is run and told. */
import { reasonOf } from '../../base/errors.ts';
import { alignedText } from '../text-table.ts';

/** held = the attacked did right; fell = it did not; not-applicable = the attack could not be tried, the sentence says why. */
export type Verdict = 'held' | 'fell' | 'not-applicable';

/** What came of an attack. */
export interface AttackOutcome {
  readonly verdict: Verdict;
  /** What was seen, for people. */
  readonly sentence: string;
}

/** An attack on a victim of some kind. */
export interface Attack<Victim> {
  /** Short and stable: what `--only` takes. */
  readonly name: string;
  /** What is tried, in one line. */
  readonly title: string;
  /** Whether it may change the meter: run only when that is allowed. */
  readonly intrusive?: true;
  run(victim: Victim): Promise<AttackOutcome>;
}

/** An outcome with the attack's name. */
export interface AttackReport extends AttackOutcome {
  readonly name: string;
  readonly title: string;
}

/** The victim did what is right. */
export const held = (sentence: string): AttackOutcome => ({ verdict: 'held', sentence });
/** The attack succeeded. */
export const fell = (sentence: string): AttackOutcome => ({ verdict: 'fell', sentence });
/** It could not be tried. */
export const notApplicable = (sentence: string): AttackOutcome => ({ verdict: 'not-applicable', sentence });

/** How a list of attacks is run. */
export interface AttackOptions {
  /** Whether attacks that may change the victim are run too. */
  readonly intrusive: boolean;
  /** Told each outcome, at once; afterwards the next attack begins. */
  readonly after: (report: AttackReport) => void;
}

/** Runs attacks one after the other. What goes wrong on the way to an attack makes it not applicable, and is told. */
export async function runAttacks<Victim>(
  attacks: readonly Attack<Victim>[],
  victim: Victim,
  options: AttackOptions,
): Promise<AttackReport[]> {
  const reports: AttackReport[] = [];
  for (const attack of attacks) {
    const { name, title } = attack;
    const report = { name, title, ...(await outcomeOf(attack, victim, options.intrusive)) };
    options.after(report);
    reports.push(report);
  }
  return reports;
}

async function outcomeOf<Victim>(attack: Attack<Victim>, victim: Victim, intrusive: boolean): Promise<AttackOutcome> {
  if (attack.intrusive === true && !intrusive)
    return notApplicable('It may change the meter; allow it with --intrusive.');
  try {
    return await attack.run(victim);
  } catch (error) {
    return notApplicable(`It could not be tried: ${reasonOf(error)}`);
  }
}

/** The reports as a table for people. */
export function attacksText(reports: readonly AttackReport[]): string {
  return alignedText({
    columns: ['attack', 'verdict', 'what was seen'],
    rows: reports.map(({ name, verdict, sentence }) => [name, verdict, sentence]),
  });
}
