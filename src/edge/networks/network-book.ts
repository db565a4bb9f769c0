/**
 * Who was in a network over the power line, hour by hour, for each meter and for all: what `/networks` shows, and what goes up.
 *
 * A network of a hundred meters tells of a thousand comings and goings a day (facts 5.4). So they go up as one event an hour, and
 * only when there is something to tell; each of them goes up only where the line is told to (`tell=each`), and then
 * up to a bound an hour. Hours are those of the edge's clock in UTC; one that jumps begins its hour anew.
 */
import type { Env, Timer } from '../../base/env.ts';
import { isoText } from '../../base/time.ts';
import { isNamed, type NodeChange } from '../../link/link.ts';
import type { MeterEvent } from '../../model/event.ts';
import type { MeterId } from '../../model/ids.ts';
import { NETWORK_EVENTS_PER_HOUR, NETWORK_HOURS_KEPT, NETWORK_NAMED_MAX } from '../limits.ts';
import type { NetworkHour } from '../ports.ts';

/** What a book is made of. */
export interface NetworkBookOptions {
  readonly env: Pick<Env, 'clock' | 'timers'>;
  readonly line: string;
  readonly meters: readonly { readonly meterId: MeterId; readonly name?: string }[];
  /** Whether every change goes up. */
  readonly tellsEach: boolean;
  /** Takes what goes up. */
  readonly told: (event: MeterEvent) => void;
}

const HOUR_MS = 3_600_000;
/** Codes of the log. */
const HOUR = { code: 1, name: 'network-hour', severity: 'info' } as const;
const JOINED = { code: 2, name: 'network-joined', severity: 'info' } as const;
const LEFT = { code: 3, name: 'network-left', severity: 'info' } as const;

interface Presence {
  readonly meterId: MeterId;
  readonly name: string;
  isThere: boolean;
  thereMs: number;
  joins: number;
}

/** See the head of the file. */
export class NetworkBook {
  readonly #options: NetworkBookOptions;
  readonly #meters: readonly Presence[];
  readonly #hours: NetworkHour[] = [];
  #fromMs: number;
  /** Until when presence has been counted, UTC ms. */
  #atMs: number;
  #leaves = 0;
  #lost = 0;
  #toldOfEach = 0;
  #timer: Timer | null = null;

  constructor(options: NetworkBookOptions) {
    this.#options = options;
    this.#meters = options.meters.map(({ meterId, name = '' }) => ({
      meterId,
      name,
      isThere: false,
      thereMs: 0,
      joins: 0,
    }));
    this.#fromMs = options.env.clock.nowMs();
    this.#atMs = this.#fromMs;
    this.#arm();
  }

  get line(): string {
    return this.#options.line;
  }

  /** How many meters are in the network, and how many there are. */
  get presence(): { readonly there: number; readonly all: number } {
    return { there: this.#meters.filter(({ isThere }) => isThere).length, all: this.#meters.length };
  }

  /** Hours that are over, oldest first, then the present one. */
  hours(): readonly NetworkHour[] {
    this.#count();
    return [...this.#hours, this.#present()];
  }

  /** The link says that something has changed. */
  changed(change: NodeChange): void {
    this.#count();
    if (change.kind === 'lost') {
      this.#lost++;
      for (const meter of this.#meters) meter.isThere = false;
    }
    if (!('name' in change) || change.kind === 'late') return;
    const meter = this.#meters.find(({ name }) => isNamed(change, name));
    if (meter === undefined) return;
    const isThere = change.kind === 'joined';
    if (isThere) meter.joins++;
    else this.#leaves++;
    meter.isThere = isThere;
    this.#tellOne(meter.meterId, isThere);
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #tellOne(meterId: MeterId, isThere: boolean): void {
    const { tellsEach, told, line } = this.#options;
    if (!tellsEach || this.#toldOfEach >= NETWORK_EVENTS_PER_HOUR) return;
    this.#toldOfEach++;
    const sentence = isThere ? 'The meter joined its network.' : 'The meter left its network.';
    told({ meterId, log: `network ${line}`, atMs: this.#atMs, sentence, ...(isThere ? JOINED : LEFT) });
  }

  /** Counts presence up to now; hours that are over are closed. */
  #count(): void {
    const nowMs = this.#options.env.clock.nowMs();
    if (nowMs < this.#fromMs || nowMs - this.#atMs > 2 * HOUR_MS) {
      this.#begin(nowMs);
      return;
    }
    for (let endMs = hourEndOf(this.#fromMs); nowMs >= endMs; endMs = hourEndOf(this.#fromMs)) {
      this.#pass(endMs);
      this.#close();
      this.#begin(endMs);
    }
    this.#pass(nowMs);
  }

  #pass(untilMs: number): void {
    const passedMs = Math.max(0, untilMs - this.#atMs);
    for (const meter of this.#meters) if (meter.isThere) meter.thereMs += passedMs;
    this.#atMs = Math.max(this.#atMs, untilMs);
  }

  #close(): void {
    const hour = this.#present();
    this.#hours.push(hour);
    if (this.#hours.length > NETWORK_HOURS_KEPT) this.#hours.shift();
    const { told, line } = this.#options;
    const isQuiet = hour.joins + hour.leaves + hour.lost === 0 && hour.therePercent === 100;
    if (isQuiet || hour.meters.length === 0) return;
    told({ meterId: null, log: `network ${line}`, atMs: this.#atMs, sentence: sentenceOf(line, hour), ...HOUR });
  }

  #begin(fromMs: number): void {
    this.#fromMs = fromMs;
    this.#atMs = fromMs;
    this.#leaves = 0;
    this.#lost = 0;
    this.#toldOfEach = 0;
    for (const meter of this.#meters) Object.assign(meter, { thereMs: 0, joins: 0 });
    this.#arm();
  }

  #present(): NetworkHour {
    const passedMs = this.#atMs - this.#fromMs;
    const percent = (thereMs: number, ofMs: number) => (ofMs === 0 ? 0 : Math.round((1_000 * thereMs) / ofMs) / 10);
    const meters = this.#meters.map(({ meterId, thereMs, joins }) => ({
      meterId,
      therePercent: percent(thereMs, passedMs),
      joins,
    }));
    const thereMs = this.#meters.reduce((sum, meter) => sum + meter.thereMs, 0);
    return {
      fromMs: this.#fromMs,
      therePercent: percent(thereMs, passedMs * meters.length),
      joins: meters.reduce((sum, { joins }) => sum + joins, 0),
      leaves: this.#leaves,
      lost: this.#lost,
      meters,
    };
  }

  /** The end of an hour in which nothing changes must be noticed too. */
  #arm(): void {
    const { timers, clock } = this.#options.env;
    this.#timer?.cancel();
    const waitMs = Math.max(1, hourEndOf(this.#fromMs) - clock.nowMs());
    this.#timer = timers.after(Math.min(waitMs, HOUR_MS), () => {
      this.#count();
      this.#arm();
    });
  }
}

function hourEndOf(atMs: number): number {
  return (Math.floor(atMs / HOUR_MS) + 1) * HOUR_MS;
}

function sentenceOf(line: string, { fromMs, therePercent, joins, leaves, lost, meters }: NetworkHour): string {
  const least = meters
    .filter((meter) => meter.therePercent < 100)
    .sort((a, b) => a.therePercent - b.therePercent || (a.meterId < b.meterId ? -1 : 1));
  const named = least.slice(0, NETWORK_NAMED_MAX).map(({ meterId, therePercent: own }) => `${meterId} ${own} %`);
  const others = least.length > named.length ? ` and ${least.length - named.length} others` : '';
  const who = named.length === 0 ? '' : ` Least: ${named.join(', ')}${others}.`;
  return `In the hour from ${isoText(fromMs)} the ${meters.length} meters of line ${line} were in their network for ${therePercent} % of the time: ${joins} joins, ${leaves} leaves, ${lost} lost connections.${who}`;
}
