/** The site's plan in the settings: calendars and sessions, their checks, and which jobs of a meter they time. */
import { type ConfigOf, list, maybe, section, text, whole } from '../base/config.ts';
import type { Problem } from '../base/problems.ts';
import { DAY_MS, parseIso } from '../base/time.ts';
import type { ReadJob } from '../profile/plan.ts';
import { PLAN_CALENDARS_MAX, PLAN_DATES_MAX, PLAN_SESSIONS_MAX } from './limits.ts';
import type { Meter } from './ports.ts';
import { parseCron } from './scheduler/cron.ts';
import {
  type Calendar,
  type DayWindow,
  periodTiming,
  type SessionRule,
  SessionTiming,
  type Timing,
} from './scheduler/timing.ts';

/** What a session may name besides the OBIS code of a buffer or log. */
export const JOB_WORDS = ['profile', 'daily', 'registers', 'events', 'clock', 'attributes'] as const;

/** One of {@link JOB_WORDS}. */
export type JobWord = (typeof JOB_WORDS)[number];

const NAME = { pattern: '^[a-z0-9][a-z0-9-]{0,31}$', form: '1 to 32 of a-z 0-9 -' } as const;

const CALENDAR = section('A calendar', {
  name: text({ what: 'Name of the calendar', ...NAME, example: 'holidays' }),
  dates: list(text({ what: 'A day, 2026-12-24, or one of every year, 12-25' }), {
    what: 'Its days',
    max: PLAN_DATES_MAX,
    example: ['12-25', '12-26', '2027-03-29'],
  }),
});

const SESSION = section('A session', {
  name: text({ what: 'Name of the session', ...NAME, example: 'night' }),
  cron: text({
    what: 'When, in the time zone of the site: minute hour day-of-month month day-of-week',
    example: '10 0 * * *',
  }),
  jobs: list(text({ what: 'A kind of job' }), {
    what: `What is read: ${JOB_WORDS.join(', ')}, or the OBIS code of a buffer or log. These jobs no longer come as their profile says`,
    max: 32,
    example: ['profile', 'daily'],
  }),
  lines: list(text({ what: 'Id of a line' }), { what: 'Only on these lines; none = all', max: 64 }),
  meters: list(text({ what: 'Id of a meter' }), { what: 'Only at these meters; none = all', max: 1_000 }),
  window: maybe(
    text({
      what: 'Outside of this part of the day nothing of it begins',
      pattern: '^([01]\\d|2[0-3]):[0-5]\\d-([01]\\d|2[0-3]):[0-5]\\d$',
      form: 'HH:MM-HH:MM',
      example: '00:05-06:00',
    }),
  ),
  only: maybe(text({ what: 'Calendar with the only days on which it comes', example: 'billing-days' })),
  except: maybe(text({ what: 'Calendar with the days on which it does not come', example: 'holidays' })),
  spreadS: whole({
    what: 'Meters begin within this time after it, each at its own moment',
    from: 0,
    to: 3_600,
    unit: 'seconds',
    default: 60,
  }),
});

/** The section of the settings. */
export const PLAN = section('When meters are read; jobs that no session names come as the profile of the meter says', {
  calendars: list(CALENDAR, {
    what: 'Days by name',
    max: PLAN_CALENDARS_MAX,
    example: [{ name: 'holidays', dates: ['12-25', '12-26'] }],
  }),
  sessions: list(SESSION, {
    what: 'Sessions',
    max: PLAN_SESSIONS_MAX,
    example: [{ name: 'night', cron: '10 0 * * *', jobs: ['daily'], window: '00:05-06:00' }],
  }),
});

/** A parsed section. */
export type PlanConfig = ConfigOf<typeof PLAN>;

/** What is on the site, to check names against. */
export interface PlanSite {
  readonly lines: ReadonlySet<string>;
  readonly meters: ReadonlySet<string>;
}

/** Everything wrong with the plan, with the path of each key. */
export function planContradictions(plan: PlanConfig, site: PlanSite): readonly Problem[] {
  const problems: Problem[] = [];
  const note = (path: string, sentence: string) => problems.push({ path: `plan.${path}`, sentence });
  const calendars = new Set<string>();
  for (const [at, { name, dates }] of plan.calendars.entries()) {
    if (calendars.has(name)) note(`calendars[${at}].name`, `${name} is the name of another calendar`);
    calendars.add(name);
    for (const [index, date] of dates.entries())
      if (!isDate(date)) note(`calendars[${at}].dates[${index}]`, `${date} is no day: write 2026-12-24 or 12-25`);
  }
  const sessions = new Set<string>();
  for (const [at, session] of plan.sessions.entries()) {
    const path = `sessions[${at}]`;
    if (sessions.has(session.name)) note(`${path}.name`, `${session.name} is the name of another session`);
    sessions.add(session.name);
    const cron = parseCron(session.cron);
    if (!cron.ok) note(`${path}.cron`, cron.sentence);
    if (session.jobs.length === 0) note(`${path}.jobs`, `is empty: name one of ${JOB_WORDS.join(', ')}`);
    for (const [index, job] of session.jobs.entries())
      if (!isJobName(job)) note(`${path}.jobs[${index}]`, `${job} is none of ${JOB_WORDS.join(', ')} and no OBIS code`);
    for (const [index, line] of session.lines.entries())
      if (!site.lines.has(line)) note(`${path}.lines[${index}]`, `${line} is the id of no line`);
    for (const [index, meter] of session.meters.entries())
      if (!site.meters.has(meter)) note(`${path}.meters[${index}]`, `${meter} is the id of no meter`);
    for (const key of ['only', 'except'] as const) {
      const name = session[key];
      if (name !== undefined && !calendars.has(name)) note(`${path}.${key}`, `${name} is the name of no calendar`);
    }
    if (session.window !== undefined && windowOf(session.window) === null)
      note(`${path}.window`, 'ends when it begins: it would never open, or never close');
  }
  return problems;
}

/** Says when each job of a meter comes. */
export class SitePlan {
  readonly #sessions: readonly (SessionRule & { readonly config: PlanConfig['sessions'][number] })[];
  /** Meters of one zone with the same sessions share one. */
  readonly #timings = new Map<string, Timing>();

  /** The plan must be free of contradictions. */
  constructor(plan: PlanConfig) {
    const calendars = new Map(plan.calendars.map(({ name, dates }) => [name, { name, dates: new Set(dates) }]));
    this.#sessions = plan.sessions.flatMap((config) => {
      const cron = parseCron(config.cron);
      if (!cron.ok) return [];
      const calendar = (name: string | undefined): Calendar | null => calendars.get(name ?? '') ?? null;
      const window = config.window === undefined ? null : windowOf(config.window);
      const days = { only: calendar(config.only), except: calendar(config.except) };
      return [{ name: config.name, cron: cron.cron, ...days, window, spreadMs: config.spreadS * 1000, config }];
    });
  }

  /** When a job of a meter comes. */
  timingOf({ meterId, line, timeZone }: Pick<Meter, 'meterId' | 'line' | 'timeZone'>, job: ReadJob): Timing {
    const sessions = this.#sessions.filter(
      ({ config: { jobs, lines, meters } }) =>
        jobs.some((name) => names(name, job)) &&
        (lines.length === 0 || lines.includes(line)) &&
        (meters.length === 0 || meters.includes(meterId)),
    );
    const key = sessions.length === 0 ? `${job.periodS}` : `${timeZone} ${sessions.map(({ name }) => name).join(' ')}`;
    const known = this.#timings.get(key);
    if (known !== undefined) return known;
    const timing = sessions.length === 0 ? periodTiming(job.periodS) : new SessionTiming(sessions, timeZone);
    this.#timings.set(key, timing);
    return timing;
  }
}

/** The word of the plan for a job. */
export function jobWord(job: ReadJob): JobWord {
  switch (job.kind) {
    case 'buffer':
      return job.rule.intervalS >= DAY_MS / 1000 ? 'daily' : 'profile';
    case 'compact':
      return 'registers';
    default:
      return job.kind;
  }
}

function names(name: string, job: ReadJob): boolean {
  return name === jobWord(job) || name === job.key || `${name}*255` === job.key;
}

function isJobName(name: string): boolean {
  return (
    JOB_WORDS.some((word) => word === name) || /^\d{1,3}-\d{1,3}:\d{1,3}\.\d{1,3}\.\d{1,3}(\*\d{1,3})?$/.test(name)
  );
}

function isDate(text: string): boolean {
  // A leap year, so that 29 February is a day of every year that has it.
  return /^\d\d-\d\d$/.test(text) ? parseIso(`2024-${text}`) !== null : text.length === 10 && parseIso(text) !== null;
}

/** From `HH:MM-HH:MM`; null = both ends are the same. */
function windowOf(text: string): DayWindow | null {
  const [from = '', to = ''] = text.split('-');
  const window = { fromMin: minuteOf(from), toMin: minuteOf(to) };
  return window.fromMin === window.toMin ? null : window;
}

function minuteOf(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return hours * 60 + minutes;
}
