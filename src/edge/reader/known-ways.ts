/**
 * How a meter is to be asked, as far as it was found out, over restarts of the edge: the object list of a meter that goes by
 * short names, which takes a block for every few objects, and the length of information fields that its line bears.
 *
 * Neither is believed for having been kept. A name is used in an association only after the object behind it has said its
 * logical name there, and one that says another is forgotten with its whole list; a length is agreed on with the meter each time, and
 * grows again when the line is quiet. Another profile or another firmware of the meter forgets the lists.
 *
 * What logical names are asked by stands in the profile, so there is no list to keep; units have a record of their own.
 */

import { fromHex, sameOctets, toHex } from '../../base/bytes.ts';
import type { Env } from '../../base/env.ts';
import { reasonOf } from '../../base/errors.ts';
import { obisFromOctets, obisToOctets } from '../../dlms/cosem/obis.ts';
import type { NamedObject } from '../../dlms/cosem/short-names.ts';
import type { MeterId } from '../../model/ids.ts';
import { entryWith } from '../entry.ts';
import { recordIn, recordOctets } from '../kept-record.ts';
import { KNOWN_WAYS_MAX_OCTETS } from '../limits.ts';
import type { Journal, Meter, ReadingStage } from '../ports.ts';

/** What is known of one meter. */
export interface KnownWay {
  /** Length of information fields where it is not the profile's, octets; null = the profile's. */
  readonly fieldOctets: number | null;
  /** Objects and their base names, by client that was shown them. */
  readonly lists: ReadonlyMap<number, readonly NamedObject[]>;
}

/** What is around it. */
export interface WaysSurroundings {
  readonly journal: Pick<Journal, 'kept'>;
  readonly stage: Pick<ReadingStage, 'add'>;
  readonly env: Pick<Env, 'clock' | 'log'>;
}

type AskedMeter = Pick<Meter, 'meterId' | 'line' | 'profile'>;

interface Held {
  way: KnownWay;
  /** As it is kept. */
  octets: Uint8Array | null;
}

const PREFIX = 'way/';
const VERSION = 1;
const NOTHING: KnownWay = { fieldOctets: null, lists: new Map() };
/** Octets of one object: base name, class, version, OBIS. */
const OBJECT_OCTETS = 11;

/** The ways to all meters of this edge. */
export class KnownWays {
  readonly #around: WaysSurroundings;
  readonly #held = new Map<MeterId, Held>();

  constructor(around: WaysSurroundings) {
    this.#around = around;
  }

  /** What was found out before the restart, or since. Never rejects: what cannot be read is found out anew. */
  async of(meter: AskedMeter): Promise<KnownWay> {
    const { meterId, profile } = meter;
    const held = this.#held.get(meterId);
    if (held !== undefined) return held.way;
    const { journal, env } = this.#around;
    const octets = await journal.kept(PREFIX + meterId).catch((error: unknown) => {
      env.log.warn('reader.way-not-read', { meterId, reason: reasonOf(error) });
    });
    const way = octets === undefined ? null : wayIn(octets, profile.key);
    if (octets !== undefined && way === null) env.log.warn('reader.way-unusable', { meterId, octets: octets.length });
    const loaded = this.#held.get(meterId) ?? { way: way ?? NOTHING, octets: way === null ? null : (octets ?? null) };
    this.#held.set(meterId, loaded);
    return loaded.way;
  }

  /** The meter showed its objects to a client; null = what it showed before is wrong. */
  sawList(meter: AskedMeter, client: number, objects: readonly NamedObject[] | null): void {
    const { fieldOctets, lists } = this.#wayOf(meter);
    const others = [...lists].filter(([each]) => each !== client);
    this.#keep(meter, { fieldOctets, lists: new Map(objects === null ? others : [...others, [client, objects]]) });
  }

  /** The length of fields for the association that begins; null = the profile's. */
  sawField(meter: AskedMeter, fieldOctets: number | null): void {
    this.#keep(meter, { ...this.#wayOf(meter), fieldOctets });
  }

  #wayOf({ meterId }: AskedMeter): KnownWay {
    return this.#held.get(meterId)?.way ?? NOTHING;
  }

  #keep(meter: AskedMeter, way: KnownWay): void {
    const { meterId, line, profile } = meter;
    const octets = wayOctets(profile.key, way);
    const before = this.#held.get(meterId)?.octets ?? null;
    this.#held.set(meterId, { way, octets });
    const isNothing = way.fieldOctets === null && way.lists.size === 0;
    const isSame = octets !== null && before !== null && sameOctets(octets, before);
    if (isSame || (isNothing && before === null)) return;
    const { stage, env } = this.#around;
    const value = octets === null || isNothing ? undefined : octets;
    if (value === undefined) this.#held.set(meterId, { way, octets: null });
    const keep = [{ key: PREFIX + meterId, value }];
    stage
      .add(entryWith(env.clock.nowMs(), { line, keep }))
      .catch((error: unknown) => env.log.warn('reader.way-not-kept', { meterId, reason: reasonOf(error) }));
  }
}

/** The record: see kept-record.ts; JSON `[profile, fieldOctets or 0, [[client, objects in hex], ...]]`. Null when it is too long. */
export function wayOctets(profile: string, { fieldOctets, lists }: KnownWay): Uint8Array | null {
  const rows = [...lists]
    .sort(([a], [b]) => a - b)
    .map(([client, objects]) => [client, objects.map(objectHex).join('')]);
  return recordOctets(VERSION, [profile, fieldOctets ?? 0, rows], KNOWN_WAYS_MAX_OCTETS);
}

/** The way back; null for another version, damage, or another profile. */
export function wayIn(octets: Uint8Array, profile: string): KnownWay | null {
  const value = recordIn(octets, VERSION, KNOWN_WAYS_MAX_OCTETS);
  if (value === undefined) return null;
  const [of, fieldOctets, rows] = value as [string, number, [number, string][]];
  if (of !== profile) return null;
  const lists = new Map(rows.map(([client, hex]) => [client, objectsIn(fromHex(hex))]));
  return { fieldOctets: fieldOctets === 0 ? null : fieldOctets, lists };
}

function objectHex({ baseName, classId, version, obis }: NamedObject): string {
  return toHex(
    Uint8Array.of(baseName >> 8, baseName & 0xff, classId >> 8, classId & 0xff, version, ...obisToOctets(obis)),
  );
}

function objectsIn(octets: Uint8Array): readonly NamedObject[] {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  return Array.from({ length: Math.floor(octets.length / OBJECT_OCTETS) }, (_, number) => {
    const at = number * OBJECT_OCTETS;
    return {
      baseName: view.getUint16(at),
      classId: view.getUint16(at + 2),
      version: view.getUint8(at + 4),
      obis: obisFromOctets(octets.subarray(at + 5, at + OBJECT_OCTETS)),
    };
  });
}
