/**
 * Telegrams of a P1 customer port (DSMR 5.0.2 P1, chapter 6): `/XXXn` identification, lines of data, `!`, from DSMR 4 on four
 * hexadecimal digits of CRC-16/ARC over everything from `/` to `!`, and a line end.
 *
 * Neither `/` nor `!` can stand inside a telegram, so one that was cut short ends where the next begins. Known weak point:
 * without a CRC (DSMR 2.2 and 3) only parity guards a telegram, so a switch has to ask for it.
 */
import { crc16Arc } from '../../base/crc.ts';
import { P1_TELEGRAM_MAX_BYTES } from './limits.ts';
import type { FrameRule, Verdict } from './scanner.ts';

const START = 0x2f;
const END = 0x21;
const CR = 0x0d;
const LF = 0x0a;
/** `/` and three letters of the maker. */
const HEAD_BYTES = 4;
const CRC_DIGITS = 4;
const LINE_END_BYTES = 2;

/** Recognises telegrams; `isChecked` = they carry a CRC. A frame is the octets from `/` to the line end. */
export function p1Rule(isChecked: boolean): FrameRule<Uint8Array> {
  return { start: START, examine: (view) => examine(view, isChecked) };
}

/** A telegram of `text`, which goes from `/` to `!`, with its CRC when it `isChecked`, and the line end. */
export function p1Telegram(text: string, isChecked: boolean): Uint8Array {
  const encoder = new TextEncoder();
  return encoder.encode(`${text}${isChecked ? crcText(encoder.encode(text)) : ''}\r\n`);
}

function examine(view: Uint8Array, isChecked: boolean): Verdict<Uint8Array> {
  const text = view.subarray(0, P1_TELEGRAM_MAX_BYTES);
  // The first octet that decides does so whatever follows it: any split of the stream is judged alike.
  const at = text.findIndex((octet, index) => index > 0 && !isInside(octet, index));
  if (at < 0) {
    return text.length < P1_TELEGRAM_MAX_BYTES
      ? { kind: 'more', total: Math.max(HEAD_BYTES, text.length + 1) }
      : reject('P1_FORMAT', text.length);
  }
  if (at < HEAD_BYTES || text.at(at) !== END) return reject('P1_FORMAT', at);
  return ending(view, at + 1, isChecked);
}

/** Judges what stands behind the `!`, as early as its octets allow. */
function ending(view: Uint8Array, end: number, isChecked: boolean): Verdict<Uint8Array> {
  const digits = isChecked ? CRC_DIGITS : 0;
  const total = end + digits + LINE_END_BYTES;
  const expected = new TextEncoder().encode(`${isChecked ? crcText(view.subarray(0, end)) : ''}\r\n`);
  const behind = view.subarray(end, total);
  const wrong = behind.findIndex((octet, at) => upperCase(octet) !== expected.at(at));
  if (wrong >= 0) return reject(wrong < digits ? 'P1_CRC_MISMATCH' : 'P1_FORMAT', end + wrong);
  if (view.length < total) return { kind: 'more', total };
  return { kind: 'accept', frame: view.slice(0, total), used: total, shared: 0 };
}

function reject(code: 'P1_FORMAT' | 'P1_CRC_MISMATCH', extent: number): Verdict<Uint8Array> {
  return { kind: 'reject', code, extent };
}

function crcText(octets: Uint8Array): string {
  return crc16Arc(octets).toString(16).toUpperCase().padStart(CRC_DIGITS, '0');
}

/** Some meters write the digits of their CRC in small letters. */
function upperCase(octet: number): number {
  return octet >= 0x61 && octet <= 0x66 ? octet - 0x20 : octet;
}

function isLetter(octet: number): boolean {
  return (octet >= 0x41 && octet <= 0x5a) || (octet >= 0x61 && octet <= 0x7a);
}

/** Whether an octet can stand there in front of the `!`. */
function isInside(octet: number, index: number): boolean {
  if (index < HEAD_BYTES) return isLetter(octet);
  return ((octet >= 0x20 && octet < 0x7f) || octet === CR || octet === LF) && octet !== START && octet !== END;
}
