/**
 * The answer of a meter to REQ_UD2 (EN 13757-3, RSP_UD with variable data structure): a header with identity, access number and
 * status, data records, and behind a DIF of 0F or 1F what only the maker can read. 1F also says that more telegrams follow.
 *
 * Header of CI 72: number (4, BCD), maker (2), version, device type, access number, status, configuration (2); of CI 7A the last
 * four octets of it; CI 78 has none. Telegrams with an encrypted part (configuration not 0) are refused, never guessed at.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { mbusError } from './errors.ts';
import { INFORMATION } from './frame.ts';
import { IDENTIFICATION_DIGITS, type MbusIdentity } from './identity.ts';
import { guardedRecords, type MbusRecord, readRecord, writeRecord } from './record.ts';

/** A telegram. */
export interface MbusTelegram {
  /** Who sent it; null where its header does not say (CI 7A, 78). */
  readonly identity: MbusIdentity | null;
  /** Counted up with each telegram; null without a header. */
  readonly accessNumber: number | null;
  /** Status octet; null without a header. */
  readonly status: number | null;
  readonly records: readonly MbusRecord[];
  /** Octets behind a DIF of 0F or 1F, null when there is no such DIF. */
  readonly makersData: Uint8Array | null;
  /** The rest of the read-out is in another telegram. */
  readonly moreFollows: boolean;
}

const MAKERS_DATA = 0x0f;
const MAKERS_DATA_MORE = 0x1f;
const IDLE = 0x2f;
const SPECIAL = 0x0f;

/** A record and where it stands. */
export interface PlacedRecord {
  readonly record: MbusRecord;
  /** Octets from the start of the data behind CI. */
  readonly from: number;
  readonly to: number;
}

/** Octets of the header by CI; absent = no telegram with records. */
export const HEADER_OCTETS: Readonly<Record<number, number>> = {
  [INFORMATION.longHeader]: 12,
  [INFORMATION.shortHeader]: 4,
  [INFORMATION.noHeader]: 0,
};

/** Reads a telegram from the CI field and the data behind it; throws MBUS_DATA. */
export function decodeTelegram(information: number, data: Uint8Array): MbusTelegram {
  const { records, ...telegram } = placedTelegram(information, data);
  return { ...telegram, records: records.map(({ record }) => record) };
}

/** As {@link decodeTelegram}, with the places of the records. */
export function placedTelegram(
  information: number,
  data: Uint8Array,
): Omit<MbusTelegram, 'records'> & { readonly records: readonly PlacedRecord[] } {
  return guardedRecords(() => {
    const reader = new ByteReader(data);
    const octets = HEADER_OCTETS[information];
    if (octets === undefined) throw mbusError('MBUS_DATA', `offset 0: CI ${information.toString(16)} has no records`);
    const identity = information === INFORMATION.longHeader ? readIdentity(reader) : null;
    const head = octets === 0 ? null : { accessNumber: reader.u8(), status: reader.u8() };
    if (head !== null && reader.u16LE() !== 0)
      throw mbusError('MBUS_DATA', `offset ${octets - 2}: the telegram is encrypted`);
    const body = readBody(reader);
    return { identity, accessNumber: head?.accessNumber ?? null, status: head?.status ?? null, ...body };
  });
}

/** The data behind a CI of 72 (or 78 without identity). */
export function encodeTelegram(telegram: MbusTelegram): { readonly information: number; readonly data: Uint8Array } {
  const { identity, accessNumber, status, records, makersData, moreFollows } = telegram;
  const writer = new ByteWriter();
  if (identity !== null) writeIdentity(writer, identity);
  if (accessNumber !== null)
    writer
      .u8(accessNumber)
      .u8(status ?? 0)
      .u16LE(0);
  for (const record of records) writeRecord(writer, record);
  if (moreFollows || makersData !== null)
    writer.u8(moreFollows ? MAKERS_DATA_MORE : MAKERS_DATA).bytes(makersData ?? new Uint8Array(0));
  const short = accessNumber === null ? INFORMATION.noHeader : INFORMATION.shortHeader;
  return { information: identity === null ? short : INFORMATION.longHeader, data: writer.finish() };
}

/** The 8 octets by which a meter is known: number, maker, version, device type. */
export function readIdentity(reader: ByteReader): MbusIdentity {
  const number = reader.u32LE().toString(16).toUpperCase().padStart(IDENTIFICATION_DIGITS, '0');
  return { number, manufacturer: reader.u16LE(), version: reader.u8(), deviceType: reader.u8() };
}

/** The way back; a number may have F for digits that may be any. */
export function writeIdentity(writer: ByteWriter, { number, manufacturer, version, deviceType }: MbusIdentity): void {
  writer.u32LE(Number.parseInt(number, 16)).u16LE(manufacturer).u8(version).u8(deviceType);
}

function readBody(reader: ByteReader) {
  const records: PlacedRecord[] = [];
  while (reader.remaining > 0) {
    const from = reader.offset;
    const dif = reader.u8();
    if (dif === IDLE) continue;
    if (dif === MAKERS_DATA || dif === MAKERS_DATA_MORE)
      return { records, makersData: reader.rest().slice(), moreFollows: dif === MAKERS_DATA_MORE };
    if ((dif & 0x0f) === SPECIAL)
      throw mbusError('MBUS_DATA', `offset ${from}: DIF ${dif.toString(16)} is reserved in an answer`);
    records.push({ record: readRecord(reader, dif), from, to: reader.offset });
  }
  return { records, makersData: null, moreFollows: false };
}
