/** Meters, placements and versions in maps: the part of the memory model that answers questions about readings. */
import type {
  ChannelRecord,
  Gap,
  ImportView,
  ListedMeter,
  MeterRecord,
  QueryStore,
  ReadingQuery,
  RegistryStore,
  RereadRecord,
  StoredReading,
} from '../collector/ports.ts';
import { mergeVersions, settle, type Version } from '../collector/store/blocks/versions.ts';
import { storeError } from '../collector/store/errors.ts';
import { type EdgeKnowledge, findGaps, rereadsOfChannel } from '../collector/store/gaps.ts';
import type { ChannelVersion } from '../collector/store/lane-decoder.ts';
import { answerOf, inRange, storedReading } from '../collector/store/reading-pages.ts';
import type { MeterState } from '../model/event.ts';
import type { EdgeId, MeterId } from '../model/ids.ts';
import type { GapNotice } from '../wire/records.ts';

interface Placement {
  readonly edgeId: EdgeId;
  readonly fromMs: number;
  toMs: number | null;
}

interface KeptMeter {
  base: Parameters<RegistryStore['saveMeter']>[0] & Pick<ListedMeter, 'line' | 'address'>;
  placements: Placement[];
}

interface KeptChannel {
  readonly obis: string;
  readonly intervalS: number;
  /** In order of time and version. */
  versions: readonly Version[];
  /** Arrivals that are not in `versions` yet. */
  fresh: Version[];
}

/** A meter as a list has it, at its place of this time. */
function listedOf({ base, placements }: KeptMeter, atMs: number): ListedMeter {
  const { tenantId: _tenant, ...listed } = base;
  const now = placements.findLast(({ fromMs, toMs }) => fromMs <= atMs && (toMs === null || toMs > atMs));
  return { ...listed, ...(now === undefined ? {} : { edgeId: now.edgeId }) };
}

/** Versions of readings and where their meters are placed. What is visible follows from both, each time it is asked. */
export class MemoryReadings {
  readonly #meters = new Map<MeterId, KeptMeter>();
  readonly #channels = new Map<MeterId, Map<string, KeptChannel>>();
  readonly #states = new Map<string, MeterState>();
  readonly #notices: (GapNotice & { readonly edgeId: EdgeId })[] = [];

  /** Takes a version of whatever meter. */
  add({ meterId, obis, intervalS, version }: ChannelVersion): void {
    const channels = this.#channels.get(meterId) ?? new Map<string, KeptChannel>();
    this.#channels.set(meterId, channels);
    const key = `${obis} ${intervalS}`;
    const kept = channels.get(key) ?? { obis, intervalS, versions: [], fresh: [] };
    channels.set(key, kept);
    kept.fresh.push(version);
  }

  /** Keeps the newest state of a meter as one edge sees it; false when it is older. */
  saveState(edgeId: EdgeId, state: MeterState): boolean {
    const key = `${state.meterId} ${edgeId}`;
    if ((this.#states.get(key)?.sinceMs ?? Number.NEGATIVE_INFINITY) > state.sinceMs) return false;
    this.#states.set(key, state);
    return true;
  }

  saveNotice(edgeId: EdgeId, gap: GapNotice): void {
    this.#notices.push({ ...gap, edgeId });
  }

  saveMeter(meter: Parameters<RegistryStore['saveMeter']>[0]): void {
    const known = this.#meters.get(meter.meterId);
    const { profile: _profile, name: _name, timeZone: _zone, ...kept } = known?.base ?? meter;
    this.#meters.set(meter.meterId, { base: { ...kept, ...meter }, placements: known?.placements ?? [] });
  }

  /** What a list sees of the registry, and how it changes it. */
  readonly importView: ImportView = {
    known: async (meters, atMs) => {
      const all = [...this.#meters.values()].map((meter) => listedOf(meter, atMs));
      return all.filter((known) =>
        meters.some(
          ({ meterId, serial, title, address, edgeId }) =>
            known.meterId === meterId ||
            (serial !== undefined && known.serial === serial) ||
            (title !== undefined && known.title === title) ||
            (address !== undefined && known.address === address && known.edgeId === edgeId),
        ),
      );
    },
    write: async (meters, { tenantId, atMs }) => {
      for (const { edgeId, placedFromMs = atMs, ...said } of meters) {
        const known = this.#meters.get(said.meterId);
        const meter = { base: { tenantId, ...known?.base, ...said }, placements: known?.placements ?? [] };
        this.#meters.set(said.meterId, meter);
        const isPlaced = listedOf(meter, atMs).edgeId !== undefined;
        const ended = meter.placements.map(({ toMs }) => toMs ?? 0).filter((toMs) => toMs <= atMs);
        if (edgeId !== undefined && !isPlaced) this.place(said.meterId, edgeId, Math.max(placedFromMs, ...ended));
      }
    },
  };

  place(meterId: MeterId, edgeId: EdgeId, fromMs: number): void {
    const meter = this.#meters.get(meterId);
    if (meter === undefined) throw storeError('STORE_UNKNOWN_METER', meterId);
    const others = meter.placements.filter((placement) => placement.fromMs !== fromMs);
    const later = others.filter((placement) => placement.fromMs > fromMs).map((placement) => placement.fromMs);
    for (const placement of others) {
      const covers = placement.fromMs < fromMs && (placement.toMs === null || placement.toMs > fromMs);
      if (covers) placement.toMs = fromMs;
    }
    const toMs = later.length === 0 ? null : Math.min(...later);
    meter.placements = [...others, { edgeId, fromMs, toMs }].sort((a, b) => a.fromMs - b.fromMs);
  }

  endPlacement(meterId: MeterId, toMs: number): void {
    for (const placement of this.#meters.get(meterId)?.placements ?? []) {
      const covers = placement.fromMs < toMs && (placement.toMs === null || placement.toMs > toMs);
      if (covers) placement.toMs = toMs;
    }
  }

  /** Whether the meter is or was placed on the edge. */
  isPlaced(meterId: MeterId, edgeId: EdgeId): boolean {
    return this.#meters.get(meterId)?.placements.some((placement) => placement.edgeId === edgeId) ?? false;
  }

  #covers(meterId: MeterId, intervalS: number, version: Version): boolean {
    const placements = this.#meters.get(meterId)?.placements ?? [];
    return placements.some(
      ({ edgeId, fromMs, toMs }) =>
        edgeId === version.visit.edgeId &&
        inRange(intervalS, { fromMs, toMs: toMs ?? Number.POSITIVE_INFINITY }, version.atMs),
    );
  }

  /** All versions of a channel, sorted. */
  #sorted(kept: KeptChannel): readonly Version[] {
    if (kept.fresh.length > 0) kept.versions = mergeVersions(kept.versions, kept.fresh);
    kept.fresh = [];
    return kept.versions;
  }

  #visible(meterId: MeterId, kept: KeptChannel): readonly Version[] {
    return this.#sorted(kept).filter((version) => this.#covers(meterId, kept.intervalS, version));
  }

  /** Channels of a meter that have visible versions, by name. */
  #series(meterId: MeterId): readonly { readonly kept: KeptChannel; readonly versions: readonly Version[] }[] {
    return [...(this.#channels.get(meterId)?.values() ?? [])]
      .map((kept) => ({ kept, versions: this.#visible(meterId, kept) }))
      .filter(({ versions }) => versions.length > 0)
      .sort((a, b) =>
        a.kept.obis < b.kept.obis ? -1 : a.kept.obis > b.kept.obis ? 1 : a.kept.intervalS - b.kept.intervalS,
      );
  }

  readings(query: ReadingQuery): StoredReading[] {
    const { meterId, obis, intervalS } = query.channel;
    const kept = this.#channels.get(meterId)?.get(`${obis} ${intervalS}`);
    return kept === undefined ? [] : answerOf(query, this.#visible(meterId, kept));
  }

  channels(meterId: MeterId): ChannelRecord[] {
    return this.#series(meterId).map(({ kept, versions }) => {
      const newest = versions.at(-1) as Version;
      const { obis, intervalS } = kept;
      const firstAtMs = versions[0]?.atMs ?? newest.atMs;
      return { meterId, obis, intervalS, ...newest.scale, firstAtMs, lastAtMs: newest.atMs };
    });
  }

  latest(meterId: MeterId): StoredReading[] {
    return this.#series(meterId).flatMap(({ kept, versions }) => {
      const settled = settle(versions).at(-1);
      const { obis, intervalS } = kept;
      return settled === undefined ? [] : [storedReading({ meterId, obis, intervalS }, settled)];
    });
  }

  quarantined(): Awaited<ReturnType<QueryStore['quarantined']>> {
    const found = new Map<string, { edgeId: EdgeId; meterId: MeterId; rows: number; sinceMs: number }>();
    for (const [meterId, channels] of this.#channels) {
      for (const kept of channels.values()) {
        for (const version of this.#sorted(kept)) {
          if (this.#covers(meterId, kept.intervalS, version)) continue;
          const { edgeId, knownAtMs } = version.visit;
          const key = `${edgeId} ${meterId}`;
          const sum = found.get(key) ?? { edgeId, meterId, rows: 0, sinceMs: knownAtMs };
          found.set(key, { ...sum, rows: sum.rows + 1, sinceMs: Math.min(sum.sinceMs, knownAtMs) });
        }
      }
    }
    return [...found.keys()].sort().flatMap((key) => found.get(key) ?? []);
  }

  /** All meters, by id. */
  meters(): MeterRecord[] {
    return [...this.#meters.keys()].sort().flatMap((meterId) => {
      const meter = this.#meters.get(meterId);
      return meter === undefined ? [] : [this.#record(meter)];
    });
  }

  #record({ base, placements }: KeptMeter): MeterRecord {
    const placement = placements.at(-1);
    const state = placement === undefined ? undefined : this.#states.get(`${base.meterId} ${placement.edgeId}`);
    const versions = this.#series(base.meterId).flatMap((series) => [...series.versions]);
    const most = (times: number[]) => times.reduce((best, time) => Math.max(best, time), Number.NEGATIVE_INFINITY);
    const lastReadingAtMs = most(versions.map((version) => version.atMs));
    const lastHeardAtMs = most(versions.map((version) => version.visit.readAtMs));
    return {
      ...base,
      ...(placement === undefined ? {} : { edgeId: placement.edgeId, placedFromMs: placement.fromMs }),
      ...(placement?.toMs == null ? {} : { placedToMs: placement.toMs }),
      ...(state === undefined ? {} : { state }),
      ...(Number.isFinite(lastReadingAtMs) ? { lastReadingAtMs, lastHeardAtMs } : {}),
    };
  }

  gaps(
    query: Parameters<QueryStore['gaps']>[0],
    rereads: readonly RereadRecord[],
    edgeOf: (edgeId: EdgeId) => EdgeKnowledge,
  ): Gap[] {
    const { meterId } = query;
    const meter = this.#meters.get(meterId);
    const placements = (meter?.placements ?? []).map(({ edgeId, fromMs, toMs }) => ({
      fromMs,
      toMs,
      edge: edgeOf(edgeId),
    }));
    const current = meter?.placements.at(-1);
    const state = current === undefined ? undefined : this.#states.get(`${meterId} ${current.edgeId}`);
    return this.#series(meterId).flatMap(({ kept, versions }) => {
      const { obis, intervalS } = kept;
      const notices = this.#notices.filter(
        (gap) =>
          gap.meterId === meterId &&
          gap.obis.includes(obis) &&
          gap.intervalS === intervalS &&
          this.isPlaced(meterId, gap.edgeId),
      );
      const presentMs = versions.map((version) => version.atMs);
      const lastAtMs = presentMs.at(-1) ?? 0;
      const channel = { meterId, obis, intervalS };
      const own = rereadsOfChannel(rereads, channel);
      return findGaps({ channel, presentMs, lastAtMs, placements, notices, rereads: own, state }, query);
    });
  }
}
