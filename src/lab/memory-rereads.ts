/** The part of the collector's memory model that lists what is to be read again. */
import { REREADS_OPEN_MAX } from '../collector/limits.ts';
import type { RereadPlace, RereadRecord, RereadStore } from '../collector/ports.ts';
import { pageOf, parseCursor } from '../collector/store/pages.ts';
import { rereadIdOf } from '../collector/store/reread-places.ts';
import type { EdgeId } from '../model/ids.ts';
import type { RereadState } from '../model/reread.ts';

interface KeptReread {
  record: RereadRecord;
  dueAtMs: number | null;
}

/** Entries in a map, by their place. */
export class MemoryRereads {
  readonly #kept = new Map<string, KeptReread>();

  /** All entries, oldest first. */
  all(): RereadRecord[] {
    return [...this.#kept.values()].map(({ record }) => record).sort(byAge);
  }

  /** As `insertRereads` of the database. */
  list(places: readonly RereadPlace[], nowMs: number, state: RereadState = 'waiting', dueAtMs = nowMs): void {
    for (const place of places) {
      const { edgeId, epoch, lane, sequence, meterId, intervalS, obis } = place;
      const key = [edgeId, epoch, lane, sequence, meterId ?? '', intervalS, obis[0] ?? ''].join(' ');
      const open = [...this.#kept.values()].filter((kept) => kept.dueAtMs !== null && kept.record.edgeId === edgeId);
      if (this.#kept.has(key) || open.length >= REREADS_OPEN_MAX) continue;
      const record = { ...place, id: rereadIdOf(place, nowMs), state, rows: 0, createdAtMs: nowMs };
      this.#kept.set(key, { record: state === 'ordered' ? { ...record, orderedAtMs: nowMs } : record, dueAtMs });
    }
  }

  /** Takes over what another store had by then. */
  takeFrom(other: MemoryRereads, untilMs: number): void {
    for (const [key, kept] of other.#kept) if (kept.record.createdAtMs <= untilMs) this.#kept.set(key, { ...kept });
  }

  due(nowMs: number, limit: number): RereadRecord[] {
    const due = [...this.#kept.values()].filter(({ dueAtMs }) => dueAtMs !== null && dueAtMs <= nowMs);
    due.sort((a, b) => (a.dueAtMs ?? 0) - (b.dueAtMs ?? 0) || (a.record.id < b.record.id ? -1 : 1));
    return due.slice(0, limit).map(({ record }) => record);
  }

  ordered(edgeId: EdgeId, limit: number): RereadRecord[] {
    return this.all()
      .filter((record) => record.edgeId === edgeId && record.state === 'ordered')
      .slice(0, limit);
  }

  change(
    { edgeId, id, state: before }: Parameters<RereadStore['changeReread']>[0],
    { state, atMs, dueAtMs, rows, span }: Parameters<RereadStore['changeReread']>[1],
  ): boolean {
    const kept = [...this.#kept.values()].find(({ record }) => record.edgeId === edgeId && record.id === id);
    if (kept === undefined || kept.record.state !== before) return false;
    const { orderedAtMs = atMs } = kept.record;
    kept.dueAtMs = dueAtMs;
    kept.record = {
      ...kept.record,
      ...span,
      state,
      ...(rows === undefined ? {} : { rows }),
      ...(state === 'ordered' ? { orderedAtMs } : {}),
      ...(dueAtMs === null ? { endedAtMs: atMs } : {}),
    };
    return true;
  }

  page({ edgeId, meterId, state, limit, cursor }: Parameters<RereadStore['rereads']>[0]) {
    const [beforeMs, beforeId] = parseCursor(cursor, 2);
    const found = this.all()
      .reverse()
      .filter((record) => edgeId === undefined || record.edgeId === edgeId)
      .filter((record) => meterId === undefined || record.meterId === meterId)
      .filter((record) => state === undefined || record.state === state)
      .filter(
        ({ createdAtMs, id }) =>
          beforeMs === null ||
          createdAtMs < Number(beforeMs) ||
          (createdAtMs === Number(beforeMs) && id < String(beforeId)),
      );
    return pageOf(found.slice(0, limit + 1), limit, ({ createdAtMs, id }) => [createdAtMs, id]);
  }
}

function byAge(a: RereadRecord, b: RereadRecord): number {
  return a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1);
}
