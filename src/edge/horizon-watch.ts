/**
 * Tells before rows are lost in a meter: when 60 % and when 80 % of a buffer have filled since the newest row that is held, and when
 * it is read again. Looked at by the hour, whether or not the meter answers. In memory: a restart tells again.
 */

import type { Env, Timer } from '../base/env.ts';
import { reasonOf } from '../base/errors.ts';
import type { MeterEvent } from '../model/event.ts';
import { planJobs, type ReadJob } from '../profile/plan.ts';
import { entryWith } from './entry.ts';
import { horizonShare } from './horizon.ts';
import { HORIZON_LOOK_MS, HORIZON_URGENT_SHARE, HORIZON_WARN_SHARE } from './limits.ts';
import type { Health, Meter, ReadingStage } from './ports.ts';

/** What the watch works with. */
export interface HorizonOptions {
  readonly env: Pick<Env, 'timers' | 'clock' | 'log'>;
  readonly meters: readonly Meter[];
  readonly stage: Pick<ReadingStage, 'add' | 'watermark'>;
  readonly health: Health;
  /** UTC ms, null while the clock is not set. */
  readonly nowMs: () => number | null;
}

const EVENTS = [
  { code: 11, name: 'buffer-read-again', severity: 'info' },
  { code: 12, name: 'buffer-fills', severity: 'warning' },
  { code: 13, name: 'buffer-nearly-full', severity: 'alarm' },
] as const;
const SUBJECT = 'unread buffers';

/** See the head of the file. */
export class HorizonWatch {
  readonly #options: HorizonOptions;
  readonly #jobs: readonly { readonly meter: Meter; readonly job: ReadJob & { readonly kind: 'buffer' } }[];
  readonly #levels = new Map<string, number>();
  #timer: Timer | null = null;

  constructor(options: HorizonOptions) {
    this.#options = options;
    this.#jobs = options.meters.flatMap((meter) =>
      planJobs(meter.profile).flatMap((job) => (job.kind === 'buffer' ? [{ meter, job }] : [])),
    );
  }

  /** Looks now and by the hour. */
  start(): void {
    this.#look();
    this.#timer = this.#options.env.timers.after(HORIZON_LOOK_MS, () => this.start());
  }

  /** Looks no more. */
  stop(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    const { nowMs: now, stage, health } = this.#options;
    const nowMs = now();
    if (nowMs === null) return;
    for (const { meter, job } of this.#jobs) {
      const share = horizonShare(job, stage.watermark(meter.meterId, job.key), nowMs) ?? 0;
      const level = share > HORIZON_URGENT_SHARE ? 2 : share > HORIZON_WARN_SHARE ? 1 : 0;
      const key = `${meter.meterId} ${job.key}`;
      if ((this.#levels.get(key) ?? 0) === level) continue;
      this.#levels.set(key, level);
      this.#tell(meter, job, level, share, nowMs);
    }
    const filling = [...this.#levels.values()].filter((level) => level > 0).length;
    health.gauge('buffers_unread', filling);
    if (filling === 0) health.state(SUBJECT, 'ok', 'The buffers of all meters are read in time.');
    else health.state(SUBJECT, 'degraded', `${filling} buffers of meters fill unread; their oldest rows will be lost.`);
  }

  #tell(
    meter: Meter,
    { rule }: ReadJob & { readonly kind: 'buffer' },
    level: number,
    share: number,
    atMs: number,
  ): void {
    const told = EVENTS[level] ?? EVENTS[0];
    const percent = Math.round(share * 100);
    const sentence =
      level === 0
        ? `The buffer ${rule.obis} is read again.`
        : `${percent} % of the buffer ${rule.obis} are filled and not read; when it is full, its oldest rows are lost.`;
    const event: MeterEvent = { meterId: meter.meterId, log: 'edge', ...told, sentence, atMs };
    const { stage, env } = this.#options;
    stage
      .add(entryWith(atMs, { line: meter.line, records: [{ kind: 'event', event }] }))
      .catch((error: unknown) =>
        env.log.warn('horizon.event-not-stored', { meterId: meter.meterId, reason: reasonOf(error) }),
      );
  }
}
