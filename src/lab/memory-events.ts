/** Events and attributes in maps: the part of the memory model for what is not a reading. */
import type { Page, QueryStore } from '../collector/ports.ts';
import { pageOf, parseCursor } from '../collector/store/pages.ts';
import type { MeterAttribute, MeterEvent } from '../model/event.ts';
import type { EdgeId, MeterId } from '../model/ids.ts';

type StoredEvent = MeterEvent & { readonly edgeId: EdgeId; readonly knownAtMs: number };

/** Events by (subject, edge, log, time, code), attributes by (meter, edge, object, name). */
export class MemoryEvents {
  readonly #events = new Map<string, StoredEvent>();
  readonly #attributes = new Map<string, MeterAttribute & { readonly edgeId: EdgeId }>();

  constructor(private readonly isPlaced: (meterId: MeterId, edgeId: EdgeId) => boolean) {}

  /** Keeps an event; false when it was there. */
  save(edgeId: EdgeId, event: MeterEvent, knownAtMs: number): boolean {
    const key = [event.meterId ?? '@', edgeId, event.log, event.atMs, event.code].join(' ');
    if (this.#events.has(key)) return false;
    this.#events.set(key, { ...event, edgeId, knownAtMs });
    return true;
  }

  /** Keeps the attribute unless a later reading of it is there. */
  saveAttribute(edgeId: EdgeId, attribute: MeterAttribute): void {
    const key = `${attribute.meterId} ${edgeId} ${attribute.obis} ${attribute.name}`;
    if ((this.#attributes.get(key)?.readAtMs ?? Number.NEGATIVE_INFINITY) > attribute.readAtMs) return;
    this.#attributes.set(key, { ...attribute, edgeId });
  }

  attributes(meterId: MeterId): MeterAttribute[] {
    const newest = new Map<string, MeterAttribute>();
    for (const { edgeId, ...attribute } of this.#attributes.values()) {
      if (attribute.meterId !== meterId || !this.isPlaced(meterId, edgeId)) continue;
      const key = `${attribute.obis} ${attribute.name}`;
      if ((newest.get(key)?.readAtMs ?? Number.NEGATIVE_INFINITY) < attribute.readAtMs) newest.set(key, attribute);
    }
    return [...newest.keys()].sort().flatMap((key) => newest.get(key) ?? []);
  }

  events(query: Parameters<QueryStore['events']>[0]): Page<StoredEvent> {
    const after = parseCursor(query.cursor, 4);
    const found = [...this.#events.values()]
      .filter((event) => query.fromMs <= event.atMs && event.atMs < query.toMs)
      .filter((event) => query.meterId === undefined || event.meterId === query.meterId)
      .filter((event) => event.meterId === null || this.isPlaced(event.meterId, event.edgeId))
      .filter((event) => after[0] === null || compareKeys(keyOf(event), after) < 0)
      .sort((a, b) => compareKeys(keyOf(b), keyOf(a)));
    // Two edges may have read the same entry of a meter's log.
    const once = found.filter((event, at) => {
      const before = found[at - 1];
      return before === undefined || compareKeys(keyOf(before), keyOf(event)) !== 0;
    });
    return pageOf(once, query.limit, keyOf);
  }
}

function keyOf(event: StoredEvent) {
  return [event.atMs, event.meterId ?? `@${event.edgeId}`, event.log, event.code] as const;
}

/** Compares sort keys part by part; texts by code unit. */
function compareKeys(a: readonly unknown[], b: readonly unknown[]): number {
  for (const [at, part] of a.entries()) {
    const other = b[at];
    if (part === other) continue;
    return (part as number | string) < (other as number | string) ? -1 : 1;
  }
  return 0;
}
