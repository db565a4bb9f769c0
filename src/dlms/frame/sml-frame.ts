/**
 * Files of SML in version 1 of its transport, as meters with an optical data port push them (SML 1.03, chapter 8; BSI TR-03109-1):
 * `1B1B1B1B 01010101`, messages, 0 to 3 octets of fill, `1B1B1B1B 1A`, count of fill, CRC-16/X.25 over everything before it, low
 * octet first. Four octets 1B among the messages are sent twice.
 *
 * Four octets 1B that are followed by nothing of these are content: some meters double only what stands at a multiple of four. Known weak
 * point: meters of one maker (Holley) compute the check without the two inversions, which is taken as well, so a file is guarded by
 * one of two values of 65,536.
 */
import { ByteWriter } from '../../base/bytes.ts';
import { crc16Kermit, crc16X25 } from '../../base/crc.ts';
import { SML_FILE_MAX_BYTES } from './limits.ts';
import type { FrameRule, Verdict } from './scanner.ts';

const ESCAPE = 0x1b;
const VERSION = 0x01;
const END = 0x1a;
const RUN_BYTES = 4;
const HEAD_BYTES = 2 * RUN_BYTES;
const FILL_MAX = 3;
const CRC_BYTES = 2;
const FILE_MULTIPLE = 4;
/** What a usual file takes. */
const WRITER_BYTES = 1024;

/** Recognises files of SML. A frame is the octets from the first escape to the check. */
export const SML_RULE: FrameRule<Uint8Array> = { start: ESCAPE, examine };

function examine(view: Uint8Array): Verdict<Uint8Array> {
  const head = view.subarray(0, HEAD_BYTES).findIndex((octet, at) => octet !== (at < RUN_BYTES ? ESCAPE : VERSION));
  if (head >= 0) return reject('SML_FORMAT', head);
  const found = endOf(view.subarray(0, SML_FILE_MAX_BYTES));
  if (found.kind === 'none')
    return view.length < SML_FILE_MAX_BYTES
      ? { kind: 'more', total: Math.max(HEAD_BYTES, view.length + 1) }
      : reject('SML_FORMAT', SML_FILE_MAX_BYTES);
  if (found.kind === 'broken') return reject('SML_FORMAT', found.at);
  const total = found.at + RUN_BYTES + 2 + CRC_BYTES;
  const told = (view.at(total - 2) ?? 0) | ((view.at(total - 1) ?? 0) << 8);
  const checked = view.subarray(0, total - CRC_BYTES);
  if (told !== crc16X25(checked) && told !== crc16Kermit(checked)) return reject('SML_CRC_MISMATCH', total);
  return { kind: 'accept', frame: view.slice(0, total), used: total, shared: 0 };
}

function reject(code: 'SML_FORMAT' | 'SML_CRC_MISMATCH', extent: number): Verdict<Uint8Array> {
  return { kind: 'reject', code, extent };
}

/** Where the escape of the end stands, or where the file is none; `none` = its octets do not say yet. */
function endOf(view: Uint8Array): { readonly kind: 'end' | 'broken'; readonly at: number } | { readonly kind: 'none' } {
  for (let at = HEAD_BYTES; ; ) {
    const run = nextEscape(view, at);
    if (run < 0 || run + HEAD_BYTES > view.length) return { kind: 'none' };
    const behind = view.subarray(run + RUN_BYTES, run + HEAD_BYTES);
    if (behind.at(0) === END) return { kind: (behind.at(1) ?? 0) > FILL_MAX ? 'broken' : 'end', at: run };
    // Another file begins: this one was cut short.
    if (isRun(behind, VERSION)) return { kind: 'broken', at: run };
    at = isRun(behind, ESCAPE) ? run + HEAD_BYTES : run + 1;
  }
}

/** The first of four octets 1B in a row, -1 = there are none. */
function nextEscape(view: Uint8Array, from: number): number {
  for (let at = view.indexOf(ESCAPE, from); at >= 0; at = view.indexOf(ESCAPE, at + 1))
    if (isRun(view.subarray(at, at + RUN_BYTES), ESCAPE)) return at;
  return -1;
}

function isRun(octets: Uint8Array, of: number): boolean {
  return octets.length === RUN_BYTES && octets.every((octet) => octet === of);
}

/** The messages of a frame of {@link SML_RULE}, escapes undone, without fill. */
export function smlContent(frame: Uint8Array): Uint8Array {
  const end = frame.length - CRC_BYTES - 2 - RUN_BYTES;
  const fill = frame.at(end + RUN_BYTES + 1) ?? 0;
  const coded = frame.subarray(HEAD_BYTES, end);
  const content = new ByteWriter(WRITER_BYTES, SML_FILE_MAX_BYTES);
  let at = 0;
  for (let run = nextEscape(coded, 0); run >= 0; run = nextEscape(coded, at)) {
    const isDoubled = isRun(coded.subarray(run + RUN_BYTES, run + HEAD_BYTES), ESCAPE);
    const taken = isDoubled ? RUN_BYTES : 1;
    content.bytes(coded.subarray(at, run + taken));
    at = isDoubled ? run + HEAD_BYTES : run + 1;
  }
  const octets = content.bytes(coded.subarray(at)).finish();
  return octets.subarray(0, Math.max(0, octets.length - fill));
}

/** The frame of messages. */
export function smlFrame(content: Uint8Array): Uint8Array {
  const writer = new ByteWriter(WRITER_BYTES, 2 * SML_FILE_MAX_BYTES);
  for (const octet of [ESCAPE, VERSION]) writer.bytes(new Uint8Array(RUN_BYTES).fill(octet));
  let at = 0;
  for (let run = nextEscape(content, 0); run >= 0; run = nextEscape(content, at)) {
    writer.bytes(content.subarray(at, run)).bytes(new Uint8Array(HEAD_BYTES).fill(ESCAPE));
    at = run + RUN_BYTES;
  }
  writer.bytes(content.subarray(at));
  const fill = (FILE_MULTIPLE - (writer.length % FILE_MULTIPLE)) % FILE_MULTIPLE;
  writer.bytes(new Uint8Array(fill)).bytes(new Uint8Array(RUN_BYTES).fill(ESCAPE)).u8(END).u8(fill);
  return writer.u16LE(crc16X25(writer.written())).finish();
}
