/**
 * Who has joined a simulated network over the power line, and behind whom.
 *
 * A meter joins behind one that repeats for it, or at the base node itself, and gets the next device id; ids come again after
 * a while, and then belong to somebody else. A repeater that leaves takes the meters behind it along: they join again by themselves,
 * each under a new id. Those who join late look for their way among those who have been there longest, as a base node promotes nodes that last.
 */
import type { Env, Timer } from '../../base/env.ts';
import type { SeededRandom } from '../../base/seeded-random.ts';
import { DEVICE_IDS, type PlcHabits, type Span } from './habits.ts';

/** A meter that may be in the network. */
export interface PlcMeter {
  /** DLMS id, 1 to 16 printable characters. */
  readonly serial: string;
  /** Its wPort on the line that the base node makes of a connection. */
  readonly address: number;
}

/** A meter that has joined. */
export interface PlcNode {
  readonly meter: PlcMeter;
  /** 1 to {@link DEVICE_IDS}. */
  readonly deviceId: number;
  /** Who repeats for it; null = the base node hears it. */
  readonly behind: PlcNode | null;
  /** Hops to it, 1 to 6. */
  readonly hops: number;
}

/** Hears who comes and goes. */
export interface PlcWatcher {
  joined(node: PlcNode): void;
  left(node: PlcNode): void;
}

/** Of those who could repeat for it, a meter takes one of the oldest half. */
const OLDEST_SHARE = 0.5;

/** See the head of the file. */
export class PlcNetwork {
  readonly #nodes = new Map<number, PlcNode>();
  /** Meters that are under way into the network. */
  readonly #joining = new Map<PlcMeter, Timer>();
  /** Meters that have no supply, or do not hear anybody. */
  readonly #away = new Set<PlcMeter>();
  readonly #watchers: PlcWatcher[] = [];
  #lastId = 0;

  constructor(
    readonly meters: readonly PlcMeter[],
    private readonly habits: PlcHabits,
    private readonly env: Pick<Env, 'timers'>,
    private readonly random: SeededRandom,
  ) {
    this.#joinAll(habits.joinMs);
  }

  watch(watcher: PlcWatcher): void {
    this.#watchers.push(watcher);
  }

  /** Who has joined, by device id, in the order of joining. */
  get nodes(): ReadonlyMap<number, PlcNode> {
    return this.#nodes;
  }

  /** The node of a meter, or undefined. */
  nodeOf(meter: PlcMeter): PlcNode | undefined {
    for (const node of this.#nodes.values()) if (node.meter === meter) return node;
    return undefined;
  }

  /** The meter goes away until {@link join}, with those behind it; these come back by themselves. */
  leave(meter: PlcMeter): void {
    this.#away.add(meter);
    this.#cancel(meter);
    const node = this.nodeOf(meter);
    if (node !== undefined) this.#remove(node);
  }

  /** It is back: under the next device id, or under that of somebody who has left. */
  join(meter: PlcMeter, deviceId?: number): void {
    this.#away.delete(meter);
    this.#cancel(meter);
    const before = this.nodeOf(meter);
    if (before !== undefined) this.#remove(before);
    const behind = this.#repeaterFor();
    const node = { meter, deviceId: deviceId ?? this.#nextId(), behind, hops: (behind?.hops ?? 0) + 1 };
    this.#nodes.set(node.deviceId, node);
    for (const watcher of this.#watchers) watcher.joined(node);
  }

  /** The id of a node goes over to another meter, and the messages that would say so are lost. */
  handOver(deviceId: number, meter: PlcMeter): void {
    const node = this.#nodes.get(deviceId);
    const before = this.nodeOf(meter);
    if (node === undefined || before === undefined) return;
    this.#nodes.delete(before.deviceId);
    this.#nodes.set(deviceId, { ...node, meter });
  }

  /** The registration of a meter ends, as when the base node is told to; it joins again by itself. */
  release(meter: PlcMeter): void {
    const node = this.nodeOf(meter);
    if (node === undefined) return;
    this.#remove(node);
    this.#joinLater(meter, this.habits.rejoinMs);
  }

  /** The base node was started anew: it knows nobody, and tells nobody of it. */
  restart(): void {
    this.#nodes.clear();
    this.#joinAll(this.habits.joinMs);
  }

  #joinAll(span: Span | undefined): void {
    for (const meter of this.meters) if (!this.#away.has(meter)) this.#joinLater(meter, span);
  }

  #joinLater(meter: PlcMeter, span: Span | undefined): void {
    this.#cancel(meter);
    if (span === undefined) {
      this.join(meter);
      return;
    }
    const [least, most] = span;
    const waitMs = least + this.random.unit() * (most - least);
    this.#joining.set(
      meter,
      this.env.timers.after(waitMs, () => this.join(meter)),
    );
  }

  #cancel(meter: PlcMeter): void {
    this.#joining.get(meter)?.cancel();
    this.#joining.delete(meter);
  }

  #remove(node: PlcNode): void {
    this.#nodes.delete(node.deviceId);
    for (const watcher of this.#watchers) watcher.left(node);
    for (const other of [...this.#nodes.values()]) {
      if (other.behind !== node) continue;
      this.#remove(other);
      this.#joinLater(other.meter, this.habits.rejoinMs);
    }
  }

  #repeaterFor(): PlcNode | null {
    const { levels = 1 } = this.habits;
    if (levels === 1) return null;
    const able = [...this.#nodes.values()].filter(({ hops }) => hops < levels);
    // The base node itself is one of those who may be heard.
    const at = this.random.below(Math.ceil(able.length * OLDEST_SHARE) + 1);
    return at === 0 ? null : (able[at - 1] ?? null);
  }

  #nextId(): number {
    const { ids = DEVICE_IDS } = this.habits;
    const most = Math.max(ids, this.meters.length);
    do this.#lastId = (this.#lastId % most) + 1;
    while (this.#nodes.has(this.#lastId));
    return this.#lastId;
  }
}
