/** A file of SML as a meter pushes it (SML 1.03, chapter 5): open, one list of values, close. The other half of `parseSmlTelegram`. */
import { ByteWriter, concat } from '../../base/bytes.ts';
import { crc16X25 } from '../../base/crc.ts';
import { type ObisCode, obisToOctets } from '../cosem/obis.ts';
import type { ScalerUnit } from '../cosem/units.ts';
import { smlFrame } from '../frame/sml-frame.ts';
import { type SmlValue, writeSmlValues } from './sml-node.ts';

/** A time as meters tell it: seconds since it began to count, or since 1970. */
export interface SmlTime {
  readonly kind: 'seconds-index' | 'timestamp';
  /** 0 to 2^32 - 1. */
  readonly s: number;
}

/** A value of the list. */
export interface SmlEntry {
  readonly obis: ObisCode;
  readonly value: SmlValue;
  /** Absent = it is said neither. */
  readonly scalerUnit?: ScalerUnit;
  /** Absent = none. */
  readonly status?: SmlValue;
}

/** What a file tells. */
export interface SmlList {
  /** Number of the file, 0 to 2^32 - 4: its messages are numbered from it. */
  readonly number: number;
  /** Up to 10 octets. */
  readonly serverId: Uint8Array;
  /** null = no time. */
  readonly time: SmlTime | null;
  readonly entries: readonly SmlEntry[];
}

const ABSENT: SmlValue = { kind: 'octets', value: new Uint8Array(0) };
const TAGS = { open: 0x0101, list: 0x0701, close: 0x0201 } as const;
const MESSAGE_HEAD = 0x76;

/** The octets from the first escape to the check. */
export function smlFile({ number, serverId, time, entries }: SmlList): Uint8Array {
  const id: SmlValue = { kind: 'octets', value: serverId };
  const at = time === null ? ABSENT : timeOf(time);
  const values: SmlValue = { kind: 'list', items: entries.map(entryOf) };
  const fileId: SmlValue = { kind: 'octets', value: new ByteWriter(4).u32(number).finish() };
  return smlFrame(
    concat([
      message(number, TAGS.open, [ABSENT, ABSENT, fileId, id, ABSENT, ABSENT]),
      message(number + 1, TAGS.list, [ABSENT, id, ABSENT, at, values, ABSENT, ABSENT]),
      message(number + 2, TAGS.close, [ABSENT]),
    ]),
  );
}

/** Transaction, group, what to do when it fails, body, check (low octet first), end. */
function message(transaction: number, tag: number, body: readonly SmlValue[]): Uint8Array {
  const head = concat([
    Uint8Array.of(MESSAGE_HEAD),
    writeSmlValues([
      { kind: 'octets', value: new ByteWriter(4).u32(transaction).finish() },
      unsigned(0, 1),
      unsigned(0, 1),
      { kind: 'list', items: [unsigned(tag, 2), { kind: 'list', items: body }] },
    ]),
  ]);
  const crc = crc16X25(head);
  return concat([head, writeSmlValues([unsigned(((crc & 0xff) << 8) | (crc >>> 8), 2), { kind: 'end' }])]);
}

function entryOf({ obis, value, scalerUnit, status }: SmlEntry): SmlValue {
  const unit = scalerUnit === undefined ? ABSENT : unsigned(scalerUnit.unit, 1);
  const scaler: SmlValue =
    scalerUnit === undefined ? ABSENT : { kind: 'integer', value: BigInt(scalerUnit.scaler), octets: 1 };
  const name: SmlValue = { kind: 'octets', value: obisToOctets(obis) };
  return { kind: 'list', items: [name, status ?? ABSENT, ABSENT, unit, scaler, value, ABSENT] };
}

function timeOf({ kind, s }: SmlTime): SmlValue {
  return { kind: 'list', items: [unsigned(kind === 'timestamp' ? 2 : 1, 1), unsigned(s, 4)] };
}

function unsigned(value: number, octets: number): SmlValue {
  return { kind: 'unsigned', value: BigInt(value), octets };
}
