/** A journal in memory for tests of the actors around it: sequences, acknowledgements and kept values, no formats. */
import type { Entry, Journal, LaneSpan, Reread, StoredBlock } from '../../../src/edge/ports.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import { LANE_ORDER, type Lane } from '../../../src/wire/lanes.ts';

interface FakeLane {
  blocks: StoredBlock[];
  last: number;
  acked: number;
}

export class FakeJournal implements Journal {
  readonly epoch = '0102030405060708';
  readonly entries: Entry[] = [];
  readonly acknowledged: string[] = [];
  readonly rewound: string[] = [];
  /** What should be read again. */
  lost: readonly Reread[] = [];
  readonly dictionaries = new Map<string, Uint8Array>();
  /** Set to make the next append fail. */
  failure: Error | null = null;
  readonly #lanes = LANE_ORDER.map((): FakeLane => ({ blocks: [], last: 0, acked: 0 }));
  readonly #marks = new Map<string, number>();
  readonly #kept = new Map<string, Uint8Array>();
  readonly #listeners: ((lanes: readonly Lane[]) => void)[] = [];

  /** Adds `count` blocks of `octets` octets each to a lane, as an append would. */
  grow(lane: Lane, count: number, octets = 1000): void {
    const held = this.#lane(lane);
    for (let n = 0; n < count; n++) {
      held.last++;
      const block = new Uint8Array(octets).fill(held.last);
      held.blocks.push({ lane, sequence: held.last, octets: block, appendedAtMs: 0 });
    }
    for (const listener of this.#listeners) listener([lane]);
  }

  /** Deletes what is below `first`. */
  forgetBelow(lane: Lane, first: number): void {
    const held = this.#lane(lane);
    held.blocks = held.blocks.filter((block) => block.sequence >= first);
  }

  #lane(lane: Lane): FakeLane {
    return this.#lanes[lane] as FakeLane;
  }

  append(entry: Entry): Promise<readonly { readonly lane: Lane; readonly sequence: number }[]> {
    if (this.failure !== null) {
      const failure = this.failure;
      this.failure = null;
      return Promise.reject(failure);
    }
    this.entries.push(entry);
    for (const mark of entry.watermarks) this.#marks.set(`${mark.meterId} ${mark.key}`, mark.atMs);
    for (const { key, value } of entry.keep) {
      if (value === undefined) this.#kept.delete(key);
      else this.#kept.set(key, value);
    }
    const lanes = new Set<Lane>();
    for (const group of entry.groups) if (group.rows.length > 0) lanes.add(group.valueClass === 'billing' ? 2 : 4);
    for (const record of entry.records) lanes.add(record.kind === 'command' ? 1 : 0);
    for (const lane of lanes) this.grow(lane, 1);
    return Promise.resolve([...lanes].map((lane) => ({ lane, sequence: this.#lane(lane).last })));
  }

  watermark(meterId: MeterId, key: string): number | null {
    return this.#marks.get(`${meterId} ${key}`) ?? null;
  }

  kept(key: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#kept.get(key));
  }

  keptUnder(prefix: string): Promise<readonly (readonly [string, Uint8Array])[]> {
    const found = [...this.#kept].filter(([key]) => key.startsWith(prefix));
    return Promise.resolve(found.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  lanes(): readonly LaneSpan[] {
    return LANE_ORDER.map((lane) => {
      const held = this.#lane(lane);
      const pending = held.blocks.filter((block) => block.sequence > held.acked);
      return {
        lane,
        first: held.blocks[0]?.sequence ?? held.last + 1,
        last: held.last,
        lastKeyframe: held.last === 0 ? 0 : 1,
        ackedUpTo: held.acked,
        pendingOctets: pending.reduce((sum, block) => sum + block.octets.length, 0),
        pendingBlocks: pending.length,
        oldestPendingMs: pending.length > 0 ? 0 : null,
      };
    });
  }

  read(lane: Lane, from: number, maxOctets: number): Promise<readonly StoredBlock[]> {
    const found: StoredBlock[] = [];
    let octets = 0;
    for (const block of this.#lane(lane).blocks) {
      if (block.sequence < from) continue;
      octets += block.octets.length;
      if (found.length > 0 && octets > maxOctets) break;
      found.push(block);
    }
    return Promise.resolve(found);
  }

  acknowledge(lane: Lane, upTo: number): Promise<void> {
    const held = this.#lane(lane);
    held.acked = Math.max(held.acked, upTo);
    this.acknowledged.push(`${lane}:${upTo}`);
    return Promise.resolve();
  }

  rewind(lane: Lane, upTo: number): void {
    this.#lane(lane).acked = Math.min(this.#lane(lane).acked, upTo);
    this.rewound.push(`${lane}:${upTo}`);
  }

  dictionary(hash: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.dictionaries.get(hash));
  }

  onAppend(listener: (lanes: readonly Lane[]) => void): void {
    this.#listeners.push(listener);
  }

  rereads(): readonly Reread[] {
    return this.lost;
  }

  confirmedAtMs(): null {
    return null;
  }

  rereadDone(reread: Reread): Promise<void> {
    this.lost = this.lost.filter((each) => each !== reread);
    return Promise.resolve();
  }

  room() {
    return { quotaOctets: 1, pendingOctets: 0, octetsPerHour: null, autonomyHours: null };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
