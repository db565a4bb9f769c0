/** Orders to read intervals again and their results: octets <-> model. Every received number and text is checked here. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { parseMeterId } from '../model/ids.ts';
import { REREAD_OUTCOMES, type RereadOrder, type RereadResult } from '../model/reread.ts';
import { wireError } from './errors.ts';
import { indexOf, memberAt, timeFromWire } from './fields.ts';
import type { RereadOrders, RereadOrdersSchema, RereadResults, RereadResultsSchema } from './gen/deltawatt_pb.ts';
import { GROUP_MAX_COLUMNS, REREAD_ID_MAX_CHARACTERS, REREADS_MAX } from './limits.ts';

/** Characters of an OBIS code, `255-255:255.255.255*255`. */
const OBIS_MAX_CHARACTERS = 23;

/** Orders as the message that carries them; throws WIRE_VALUE for none or too many. */
export function rereadOrdersInit(orders: readonly RereadOrder[]): MessageInitShape<typeof RereadOrdersSchema> {
  if (!isCount(orders.length)) throw wireError('WIRE_VALUE', `${orders.length} orders`);
  return {
    orders: orders.map(({ id, meterId, intervalS, obis, fromMs, toMs }) => ({
      id,
      meterId,
      intervalS,
      obis: [...obis],
      fromMs: BigInt(fromMs),
      toMs: BigInt(toMs),
    })),
  };
}

/** Received orders; throws WIRE_MALFORMED. */
export function rereadOrdersFrom({ orders }: RereadOrders): RereadOrder[] {
  if (!isCount(orders.length)) throw wireError('WIRE_MALFORMED', `${orders.length} orders`);
  return orders.map((order) => {
    const meterId = parseMeterId(order.meterId);
    const [fromMs, toMs] = [timeFromWire(order.fromMs), timeFromWire(order.toMs)];
    const areColumns =
      order.obis.length > 0 &&
      order.obis.length <= GROUP_MAX_COLUMNS &&
      order.obis.every(({ length }) => length > 0 && length <= OBIS_MAX_CHARACTERS);
    if (meterId === null || !isId(order.id) || order.intervalS === 0 || fromMs > toMs || !areColumns)
      throw wireError('WIRE_MALFORMED', `order '${order.id.slice(0, 40)}'`);
    return { id: order.id, meterId, intervalS: order.intervalS, obis: order.obis, fromMs, toMs };
  });
}

/** Results as the message that carries them; throws WIRE_VALUE for none or too many. */
export function rereadResultsInit(results: readonly RereadResult[]): MessageInitShape<typeof RereadResultsSchema> {
  if (!isCount(results.length)) throw wireError('WIRE_VALUE', `${results.length} results`);
  return {
    results: results.map(({ id, outcome, rows }) => ({ id, outcome: indexOf(REREAD_OUTCOMES, outcome), rows })),
  };
}

/** Received results; throws WIRE_MALFORMED. */
export function rereadResultsFrom({ results }: RereadResults): RereadResult[] {
  if (!isCount(results.length)) throw wireError('WIRE_MALFORMED', `${results.length} results`);
  return results.map(({ id, outcome, rows }) => {
    if (!isId(id)) throw wireError('WIRE_MALFORMED', `result of '${id.slice(0, 40)}'`);
    return { id, outcome: memberAt(REREAD_OUTCOMES, outcome, 'outcome'), rows };
  });
}

function isCount(count: number): boolean {
  return count > 0 && count <= REREADS_MAX;
}

function isId(id: string): boolean {
  return id.length > 0 && id.length <= REREAD_ID_MAX_CHARACTERS;
}
