/** Branded identifiers: texts that cannot be mistaken for one another. */

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** A meter: the id that the operator imported, 1-64 of `A-Z a-z 0-9 . _ -`. */
export type MeterId = Branded<'MeterId'>;
/** A concentrator: equals its MQTT user, its certificate's CN and its topic segment; 1-32 of `A-Z a-z 0-9 _ -`. */
export type EdgeId = Branded<'EdgeId'>;
/** A tenant of a collector; `default` on a fresh one. */
export type TenantId = Branded<'TenantId'>;
/** A command: a UUID in lower case. */
export type CommandId = Branded<'CommandId'>;

const METER_ID = /^[A-Za-z0-9._-]{1,64}$/;
const EDGE_ID = /^[A-Za-z0-9_-]{1,32}$/;
const COMMAND_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The text as a meter id, or null when it is not one. */
export function parseMeterId(text: string): MeterId | null {
  return METER_ID.test(text) ? (text as MeterId) : null;
}

/** The text as a concentrator id, or null when it is not one. */
export function parseEdgeId(text: string): EdgeId | null {
  return EDGE_ID.test(text) ? (text as EdgeId) : null;
}

/** The text as a command id, or null when it is not one. */
export function parseCommandId(text: string): CommandId | null {
  return COMMAND_ID.test(text) ? (text as CommandId) : null;
}

/** The tenant of a fresh collector. */
export const DEFAULT_TENANT = 'default' as TenantId;
