/** The next runs of a whole site: what `deltawatt edge --plan` and the page `/plan` show. */
import { planJobs } from '../profile/plan.ts';
import { PLAN_RUNS_SHOWN } from './limits.ts';
import { jobWord } from './plan-settings.ts';
import { nextRuns, type PlannedRun, type TimedJob } from './scheduler/runs.ts';
import { SessionTiming } from './scheduler/timing.ts';
import type { EdgeSettings } from './settings.ts';

/** The next ten runs after `nowMs`; ports that push are not asked and have none. */
export function runsOf({ lines, plan }: Pick<EdgeSettings, 'lines' | 'plan'>, nowMs: number): readonly PlannedRun[] {
  const jobs = lines
    .filter(({ link }) => link.purpose === 'ask')
    .flatMap(({ meters }) => meters)
    .flatMap((meter) =>
      planJobs(meter.profile).map((job): TimedJob => {
        const { meterId, line, timeZone } = meter;
        const timing = plan.timingOf(meter, job);
        const sessions = timing instanceof SessionTiming ? timing.sessions.map(({ name }) => name) : [];
        return { meterId, line, timeZone, what: jobWord(job), sessions, timing };
      }),
    );
  return nextRuns(jobs, nowMs, PLAN_RUNS_SHOWN);
}
