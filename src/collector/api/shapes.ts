/** Small shapes that requests and answers share. */
import Type from 'typebox';
import { TEXT_MAX_CHARS } from './limits.ts';

/** Unknown keys are refused. */
export const STRICT = { additionalProperties: false } as const;
/** Text form of an OBIS code. */
export const OBIS = '^\\d{1,3}-\\d{1,3}:\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\*\\d{1,3}$';

/** One of some words. */
export const words = (values: readonly string[], description?: string) =>
  Type.Union(
    values.map((value) => Type.Literal(value)),
    description === undefined ? {} : { description },
  );
/** A time in UTC milliseconds. */
export const instant = (description: string) => Type.Integer({ description: `${description}, UTC ms since 1970` });
/** May be left out. */
export const optional = Type.Optional;

/** A time as people and programs write it; read by `time.ts`. */
export const Time = (description: string) =>
  Type.String({
    maxLength: 40,
    description: `${description}: ISO 8601 with zone, a date (midnight UTC), or UTC ms since 1970`,
  });
/** Continues a page. */
export const Cursor = Type.String({ maxLength: TEXT_MAX_CHARS, description: 'Continues the page before; opaque' });
/** Items of a page. */
export const Limit = (most: number) => Type.Integer({ minimum: 1, maximum: most });
/** Id of a meter. */
export const MeterIdText = Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$', description: 'Id of a meter' });
/** Id of a concentrator. */
export const EdgeIdText = Type.String({ pattern: '^[A-Za-z0-9_-]{1,32}$', description: 'Id of a concentrator' });
/** An OBIS code. */
export const ObisText = Type.String({ pattern: OBIS, description: 'A-B:C.D.E*F' });
