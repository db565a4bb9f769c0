/** The wrapper of IEC 62056-47 clause 4.3: `00 01 | source wPort | destination wPort | length | APDU`, all big-endian. */
import { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { assert } from '../../base/errors.ts';
import { APDU_MAX_BYTES } from './limits.ts';
import type { FrameRule, Verdict } from './scanner.ts';

/** One message; ports 0-65,535, the APDU has 1-65,535 octets. */
export interface WrapperMessage {
  readonly source: number;
  readonly destination: number;
  readonly apdu: Uint8Array;
}

const VERSION = 1;
const HEADER_BYTES = 8;

/** Octets of a message. */
export function encodeWrapper(message: WrapperMessage): Uint8Array {
  assert(
    message.apdu.length > 0 && message.apdu.length <= APDU_MAX_BYTES,
    `a wrapper carries no APDU of ${message.apdu.length} octets`,
  );
  const writer = new ByteWriter(HEADER_BYTES + message.apdu.length);
  writer.u16(VERSION).u16(message.source).u16(message.destination).u16(message.apdu.length);
  return writer.bytes(message.apdu).finish();
}

/** Recognises messages of at most `apduMaxBytes`; a longer one is refused before any of it is kept. */
export function wrapperRule(apduMaxBytes: number = APDU_MAX_BYTES): FrameRule<WrapperMessage> {
  return { start: 0, examine: (view) => examine(view, apduMaxBytes) };
}

function examine(view: Uint8Array, apduMaxBytes: number): Verdict<WrapperMessage> {
  const reader = new ByteReader(view);
  if (reader.remaining < 2) return { kind: 'more', total: 2 };
  if (reader.u16() !== VERSION) return { kind: 'reject', code: 'WRAPPER_VERSION', extent: 1 };
  if (view.length < HEADER_BYTES) return { kind: 'more', total: HEADER_BYTES };
  const source = reader.u16();
  const destination = reader.u16();
  const length = reader.u16();
  if (length === 0 || length > apduMaxBytes) return { kind: 'reject', code: 'WRAPPER_LENGTH', extent: HEADER_BYTES };
  const total = HEADER_BYTES + length;
  if (view.length < total) return { kind: 'more', total };
  return { kind: 'accept', frame: { source, destination, apdu: reader.slice(length).slice() }, used: total, shared: 0 };
}
