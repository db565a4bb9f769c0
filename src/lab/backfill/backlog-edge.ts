/**
 * A concentrator without meters: real stage, journal and uplink, and rows drawn from a seed instead of read.
 *
 * It knows for each append when it was made and which blocks it became, so that a store can tell how long the way was.
 */
import type { Env, KeyValueStore } from '../../base/env.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import { openJournal } from '../../edge/journal/journal.ts';
import { Stage } from '../../edge/journal/stage.ts';
import type { Entry, GroupRows, Journal } from '../../edge/ports.ts';
import { Uplink } from '../../edge/uplink/uplink.ts';
import { wireCodec } from '../../edge/uplink/wire-codec.ts';
import type { EdgeId, MeterId } from '../../model/ids.ts';
import type { DictionaryGroup, Row } from '../../wire/rows.ts';

/** Interval of the load profile. */
export const STEP_MS = 900_000;
/** The edge's default: longest time that what was read waits to be stored. */
export const FLUSH_PERIOD_MS = 60_000;

const NO_STATUS = new Uint8Array(0);
const LINE = 'seeded';
/** Wh of an interval: most households below 250 W, a few cooking. */
const BASE_MAX_WH = 60;
const COOKING_SHARE = 0.05;
const COOKING_MAX_WH = 700;

/** Registers stand anywhere below this when an edge begins. */
const TOTAL_MAX_WH = 20_000_000;

/** The meters of an edge that reads. */
interface Meters {
  readonly groups: readonly DictionaryGroup[];
  readonly totals: number[];
}

/** What is known of one append. */
export interface Appended {
  readonly edgeId: EdgeId;
  readonly kind: 'rows' | 'alarm';
  /** When the rows were read, or the alarm was raised: monotonic ms. */
  readonly raisedAtMs: number;
  /** The last block of each lane that it became. */
  readonly blocks: readonly { readonly lane: number; readonly sequence: number }[];
}

/** What an edge is made of. */
export interface BacklogEdgeOptions {
  readonly env: Env;
  readonly edgeId: EdgeId;
  /** Key of the authenticators, 32 octets. */
  readonly key: Uint8Array;
  readonly store: KeyValueStore;
  readonly meters: number;
  readonly seed: string;
  /** Connection times after a new boot lie within this, ms. */
  readonly spreadMs?: number;
  readonly bootId?: string;
}

/** The edge. */
export class BacklogEdge {
  readonly edgeId: EdgeId;
  readonly journal: Journal;
  /** Appends since {@link connect}, oldest first. */
  readonly appended: Appended[] = [];
  readonly #options: BacklogEdgeOptions;
  readonly #stage: Stage;
  readonly #uplink: Uplink;
  readonly #random: SeededRandom;
  /** Made when they are first read: of a fleet few edges read. */
  #meters: Meters | null = null;
  #connected = false;
  #failure: unknown = null;
  /** Since when the oldest staged rows wait, monotonic ms. */
  #rowsSinceMs: number | null = null;
  #alarmSinceMs: number | null = null;
  #alarms = 0;

  private constructor(options: BacklogEdgeOptions, journal: Journal) {
    this.#options = options;
    this.edgeId = options.edgeId;
    this.journal = journal;
    this.#random = new SeededRandom(options.seed);
    this.#stage = new Stage({
      journal: { append: (entry) => this.#append(entry), watermark: (id, key) => journal.watermark(id, key) },
      timers: options.env.timers,
      clock: options.env.clock,
      flushAfterMs: FLUSH_PERIOD_MS,
      failed: (error) => {
        this.#failure ??= error;
      },
    });
    this.#uplink = this.#makeUplink();
  }

  /** Opens the journal on its store. */
  static async open(options: BacklogEdgeOptions): Promise<BacklogEdge> {
    const { env, store } = options;
    const { clock, random, crypto } = env;
    const journal = await openJournal({ store, clock, random, sha256: crypto.sha256, clockQuality: () => 'ntp' });
    return new BacklogEdge(options, journal);
  }

  #metersMade(): Meters {
    const { edgeId, meters } = this.#options;
    this.#meters ??= {
      totals: Array.from({ length: meters }, () => this.#random.below(TOTAL_MAX_WH)),
      groups: Array.from({ length: meters }, (_, meter) => ({
        meterId: meterIdOf(edgeId, meter),
        intervalS: STEP_MS / 1000,
        source: 0,
        timeZone: 'UTC',
        columns: [{ obis: '1-0:1.8.0*255', exponent: 0, unit: 'Wh' }],
      })),
    };
    return this.#meters;
  }

  #makeUplink(): Uplink {
    const { env, edgeId, key, spreadMs = 0, bootId } = this.#options;
    const identity = {
      edgeId,
      key,
      epoch: this.journal.epoch,
      bootId: bootId ?? '0011223344556677',
      software: 'deltawatt backlog',
      clockQuality: () => 'ntp' as const,
    };
    return new Uplink({
      env,
      journal: this.journal,
      health: { count: () => {}, gauge: () => {}, state: () => {} },
      codec: wireCodec(identity, env.crypto),
      broker: { url: 'mqtt://memory', clientId: edgeId },
      spreadMs,
      bootId,
      facts: () => [],
    });
  }

  /** What went wrong while nobody waited, or null. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Octets that wait to be acknowledged. */
  get pendingOctets(): number {
    return this.journal.lanes().reduce((sum, span) => sum + span.pendingOctets, 0);
  }

  /** Octets of blocks that left the edge, those that left twice counted twice. */
  get sentOctets(): number {
    return this.#uplink.state().payloadOctets;
  }

  /** Reads so many intervals of every meter, the last of which ends at `atMs`, and lets the stage have them. */
  async read(atMs: number, intervals = 1): Promise<void> {
    const { groups: meters, totals } = this.#metersMade();
    const groups: GroupRows[] = meters.map((group, meter) => ({
      group,
      valueClass: 'billing',
      rows: Array.from({ length: intervals }, (_, at) =>
        this.#row(totals, meter, atMs - (intervals - 1 - at) * STEP_MS),
      ),
    }));
    const watermarks = meters.map(({ meterId }) => ({ meterId: meterId as MeterId, key: 'load', atMs }));
    // Each meter's rows come by themselves, as from readers.
    for (const [meter, group] of groups.entries()) {
      this.#rowsSinceMs ??= this.#options.env.clock.monotonicMs();
      const mark = watermarks.slice(meter, meter + 1);
      await this.#stage.add({ line: LINE, groups: [group], records: [], watermarks: mark, keep: [], readAtMs: atMs });
    }
  }

  /** Stores what is staged, whatever its age. */
  flush(): Promise<void> {
    return this.#stage.flush();
  }

  /** Something happens that a person must know. */
  raiseAlarm(): Promise<void> {
    const { clock } = this.#options.env;
    this.#alarmSinceMs ??= clock.monotonicMs();
    const atMs = clock.nowMs();
    const event = {
      meterId: meterIdOf(this.edgeId, 0),
      log: '0-0:99.98.1*255',
      code: 40 + (this.#alarms++ % 2),
      name: 'cover-opened',
      sentence: 'The terminal cover was opened.',
      atMs,
      severity: 'alarm' as const,
    };
    return this.#stage.add({
      line: LINE,
      groups: [],
      records: [{ kind: 'event', event }],
      watermarks: [],
      keep: [],
      readAtMs: atMs,
    });
  }

  /** Connects and stays connected. */
  async connect(): Promise<void> {
    this.#connected = true;
    await this.#uplink.start({
      command: async () => {},
      image: () => {},
      rereads: () => Promise.resolve(),
      opened: () => {},
    });
  }

  /** Ends; what waits stays in the store. */
  async stop(): Promise<void> {
    await this.#uplink.stop();
    await this.journal.close();
  }

  #row(totals: number[], meter: number, atMs: number): Omit<Row, 'group'> {
    const most = this.#random.chance(COOKING_SHARE) ? COOKING_MAX_WH : BASE_MAX_WH;
    const total = (totals[meter] ?? 0) + this.#random.below(most);
    totals[meter] = total;
    return { atMs, status: NO_STATUS, quality: 'good', deviationMin: null, values: [total] };
  }

  async #append(entry: Entry): ReturnType<Journal['append']> {
    const [rowsSinceMs, alarmSinceMs] = [this.#rowsSinceMs, this.#alarmSinceMs];
    this.#rowsSinceMs = null;
    this.#alarmSinceMs = null;
    const blocks = await this.journal.append(entry);
    if (!this.#connected) return blocks;
    const { edgeId } = this;
    const ofRows = blocks.filter(({ lane }) => lane > 1);
    const ofAlarm = blocks.filter(({ lane }) => lane === 0);
    if (rowsSinceMs !== null && ofRows.length > 0)
      this.appended.push({ edgeId, kind: 'rows', raisedAtMs: rowsSinceMs, blocks: ofRows });
    if (alarmSinceMs !== null && ofAlarm.length > 0)
      this.appended.push({ edgeId, kind: 'alarm', raisedAtMs: alarmSinceMs, blocks: ofAlarm });
    return blocks;
  }
}

function meterIdOf(edgeId: EdgeId, meter: number): MeterId {
  return `${edgeId}-m${meter}` as MeterId;
}
