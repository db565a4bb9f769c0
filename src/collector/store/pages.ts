/** Page cursors: the sort key of the last item of a page, as opaque text. */
import { fromHex, toHex } from '../../base/bytes.ts';
import type { Page } from '../ports.ts';
import { storeError } from './errors.ts';

/** Values of a sort key. */
export type CursorKey = readonly (string | number)[];

/** The sort key inside a cursor, or nulls at the first page; throws STORE_CURSOR. */
export function parseCursor(cursor: string | undefined, length: number): readonly (string | number | null)[] {
  if (cursor === undefined) return Array.from({ length }, () => null);
  try {
    const key: unknown = JSON.parse(new TextDecoder().decode(fromHex(cursor)));
    if (
      Array.isArray(key) &&
      key.length === length &&
      key.every((part) => typeof part === 'string' || Number.isSafeInteger(part))
    ) {
      return key as (string | number)[];
    }
  } catch (error) {
    throw storeError('STORE_CURSOR', '', error);
  }
  throw storeError('STORE_CURSOR');
}

/** The page out of `limit` + 1 items asked for: one more than the page tells that there is a next one. */
export function pageOf<Item>(items: readonly Item[], limit: number, keyOf: (item: Item) => CursorKey): Page<Item> {
  const page = items.slice(0, limit);
  const last = page.at(-1);
  if (items.length <= limit || last === undefined) return { items: page };
  return { items: page, cursor: toHex(new TextEncoder().encode(JSON.stringify(keyOf(last)))) };
}
