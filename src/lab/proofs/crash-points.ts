/**
 * Named points at which a program of a proof ends itself with SIGKILL, and the ports that know them.
 *
 * No program has a branch for this: the ports that the rooms are joined with are wrapped, here, and the wrapped port ends the
 * process before, during or after the call that a point names. A program that runs through its point `passes` times dies
 * there; without such a call it lives on, and the proof ends it from outside.
 */
import type { Env, KeyValueStore, MqttConnection, StoreWrite } from '../../base/env.ts';
import type { CollectorStore } from '../../collector/ports.ts';
import { KEY } from '../../edge/journal/keys.ts';
import { LEAVES } from '../../wire/topics.ts';

/** Every point: whose it is, the call, and where in it. */
export const CRASH_POINTS = {
  'after-read': { program: 'edge', call: 'block', when: 'before', what: 'rows were read, no batch was written' },
  'in-batch': { program: 'edge', call: 'block', when: 'during', what: 'the synced batch is on its way' },
  'after-batch': { program: 'edge', call: 'block', when: 'after', what: 'the batch is stored, nothing was published' },
  'after-publish': {
    program: 'edge',
    call: 'publish',
    when: 'after',
    what: 'it left for the broker, no acknowledgement',
  },
  'before-ack-write': { program: 'edge', call: 'ack', when: 'before', what: 'acknowledged, not noted' },
  'after-ack-write': { program: 'edge', call: 'ack', when: 'after', what: 'noted, nothing deleted' },
  'in-compaction': { program: 'edge', call: 'compaction', when: 'during', what: 'the store is being compacted' },
  'before-reservation': { program: 'edge', call: 'counter', when: 'before', what: 'counters wanted, not reserved' },
  'in-reservation': { program: 'edge', call: 'counter', when: 'during', what: 'the reservation is on its way' },
  'after-reservation': { program: 'edge', call: 'counter', when: 'after', what: 'counters reserved, none used' },
  'before-commit': { program: 'collector', call: 'commit', when: 'before', what: 'a block came, nothing is written' },
  'in-cursor-write': { program: 'collector', call: 'commit', when: 'during', what: 'block and cursor on their way' },
  'after-commit': { program: 'collector', call: 'commit', when: 'after', what: 'committed, not acknowledged' },
  'after-ack': { program: 'collector', call: 'publish', when: 'after', what: 'acknowledged' },
  'before-fold': { program: 'collector', call: 'fold', when: 'before', what: 'a fold was about to begin' },
  'in-fold': { program: 'collector', call: 'fold', when: 'during', what: 'a fold is being written' },
  'after-fold': { program: 'collector', call: 'fold', when: 'after', what: 'a fold was committed' },
} as const satisfies Readonly<Record<string, Point>>;

interface Point {
  readonly program: 'edge' | 'collector';
  readonly call: Call;
  readonly when: 'before' | 'during' | 'after';
  readonly what: string;
}

/** The name of a point. */
export type CrashPoint = keyof typeof CRASH_POINTS;

type Call = 'block' | 'ack' | 'counter' | 'compaction' | 'publish' | 'commit' | 'fold';

/** The points of a program. */
export function pointsOf(program: Point['program']): readonly CrashPoint[] {
  return (Object.keys(CRASH_POINTS) as CrashPoint[]).filter((name) => CRASH_POINTS[name].program === program);
}

/** Burns down by one with each call that its point names; at the end the process is gone. */
export class Fuse {
  readonly #point: Point;

  /** `die` does not return; `lagMs` is how long after its begin a call is interrupted. */
  constructor(
    point: CrashPoint,
    private passes: number,
    private readonly lagMs: number,
    private readonly die: () => void,
  ) {
    this.#point = CRASH_POINTS[point];
  }

  /** Runs a call, unless the process ends. */
  async around<Result>(call: Call, run: () => Promise<Result>): Promise<Result> {
    if (call !== this.#point.call) return run();
    const last = --this.passes === 0;
    if (last && this.#point.when === 'before') this.die();
    const running = run();
    if (last && this.#point.when === 'during') setTimeout(this.die, this.lagMs);
    const result = await running;
    if (last && this.#point.when === 'after') this.die();
    return result;
  }

  /** Whether the point lies in a compaction, which nobody asks for in a short run. */
  get wantsCompaction(): boolean {
    return this.#point.call === 'compaction';
  }
}

/** An environment whose store and broker connection know the points. */
export function crashingEnv(env: Env, fuse: Fuse, leaf: 'blocks' | 'controlDown'): Env {
  return {
    ...env,
    disk: { ...env.disk, openStore: async (path, kind) => crashingStore(await env.disk.openStore(path, kind), fuse) },
    mqtt: {
      connect: async (options, listener) =>
        crashingConnection(await env.mqtt.connect(options, listener), fuse, LEAVES[leaf]),
    },
  };
}

function callOf(writes: readonly StoreWrite[]): Call | null {
  let call: Call | null = null;
  for (const { kind, key } of writes) {
    const letter = String.fromCharCode(key[0] ?? 0);
    if (kind === 'put' && letter === KEY.block) return 'block';
    if (letter === KEY.acked) call = 'ack';
    if (letter === KEY.kept && new TextDecoder().decode(key.subarray(1)).startsWith('counter:')) call = 'counter';
  }
  return call;
}

function crashingStore(store: KeyValueStore, fuse: Fuse): KeyValueStore {
  const compact = () => fuse.around('compaction', () => store.compact());
  return {
    get: (key) => store.get(key),
    scan: (range) => store.scan(range),
    close: () => store.close(),
    compact,
    batch: async (writes, options) => {
      const call = callOf(writes);
      const run = () => store.batch(writes, options);
      await (call === null ? run() : fuse.around(call, run));
      if (call === 'block' && fuse.wantsCompaction) await compact();
    },
  };
}

function crashingConnection(connection: MqttConnection, fuse: Fuse, leaf: string): MqttConnection {
  return {
    publish: (topic, payload, delivery) => {
      const run = () => connection.publish(topic, payload, delivery);
      return topic.endsWith(`/${leaf}`) ? fuse.around('publish', run) : run();
    },
    subscribe: (filters) => connection.subscribe(filters),
    bufferedOctets: () => connection.bufferedOctets(),
    trafficOctets: () => connection.trafficOctets(),
    close: () => connection.close(),
  };
}

/** A collector's store that knows the points. */
export function crashingCollectorStore(store: CollectorStore, fuse: Fuse): CollectorStore {
  const wrapped: Pick<CollectorStore, 'append' | 'fold'> = {
    append: (...args) => fuse.around('commit', () => store.append(...args)),
    fold: (...args) => fuse.around('fold', () => store.fold(...args)),
  };
  return { ...store, ...wrapped };
}
