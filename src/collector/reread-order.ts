/** What a concentrator is told of an entry of the re-read list: by ingest after its hello, and by the desk in between. */
import type { RereadOrder } from '../model/reread.ts';
import type { RereadRecord } from './ports.ts';

/** The order of an entry; none of one for all meters, which is taken apart first. */
export function orderOf({ id, meterId, intervalS, obis, fromMs, toMs }: RereadRecord): RereadOrder[] {
  return meterId === null ? [] : [{ id, meterId, intervalS, obis, fromMs, toMs }];
}
