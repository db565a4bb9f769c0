/** Data values as nodes, each with the octets that it was read from. */

import { toHex } from '../../base/bytes.ts';
import type { Data } from '../axdr/data.ts';
import { DataWalk } from '../axdr/walk.ts';
import { dateTimeText } from '../cosem/datetime.ts';
import { notifiedValue } from '../cosem/notified.ts';
import { obisFromOctets } from '../cosem/obis.ts';
import { shapeOfInteger, shapeOfObis } from './data-shape.ts';
import type { Json } from './json.ts';
import { type ExplainNode, nodeOf } from './node.ts';

/** A walk that keeps where every value was read: the trees of the outermost ones, in order. */
export class TracingWalk extends DataWalk {
  readonly #octets: Uint8Array;
  readonly #base: number;
  readonly #open: ExplainNode[] = [];

  /** `octets` are those that will be read; `base` is their offset in what is explained. */
  constructor(octets: Uint8Array, base: number) {
    super();
    this.#octets = octets;
    this.#base = base;
  }

  /** The outermost values read so far. */
  get nodes(): readonly ExplainNode[] {
    return this.#open;
  }

  override seen(data: Data, start: number, end: number): void {
    const before = this.#open.findLastIndex((inner) => (inner.offset ?? 0) - this.#base < start);
    const inside = this.#open.splice(before + 1);
    const children = inside.length === 0 ? undefined : inside;
    const hex = toHex(this.#octets.subarray(start, end));
    this.#open.push(nodeOf(data.type, this.#base + start, hex, summaryOf(data), children));
  }
}

/** What a value says, in one JSON value; nothing for lists. */
function summaryOf(data: Data): Json | undefined {
  if (data.type === 'octet-string' && data.value.length === 6 && (data.value.at(0) ?? 255) <= 15) {
    return shapeOfObis(obisFromOctets(data.value));
  }
  const value = notifiedValue(data);
  switch (value.kind) {
    case 'number':
      return shapeOfInteger(value.value);
    case 'text':
      return value.text;
    case 'date-time':
      return dateTimeText(value.dateTime);
    case 'octets':
      return toHex(value.octets);
    case 'data':
      return data.type === 'boolean' || data.type === 'bit-string' ? data.value : undefined;
    default:
      return undefined;
  }
}
