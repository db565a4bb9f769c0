/**
 * Text with octets in it: what xxd, hexdump -C, tcpdump -x and -X and terminals print, or octets in hex with or without
 * times before them. Offsets, times, the readable column and direction arrows are passed over.
 *
 * A dump of packets (offsets that begin at 0 again) gives each packet; anything else gives the octets of each line, in order.
 */
import { ByteReader, fromHex } from '../../../base/bytes.ts';

/** What a text holds. */
export interface HexDump {
  /** `packets` = raw IP, each from offset 0 on; `octets` = one stream of octets. */
  readonly kind: 'packets' | 'octets';
  readonly parts: readonly Uint8Array[];
}

/** `0x0010:`, `00000010:`, `00000010  ` and what follows. */
const OFFSET = /^\s*(?:0x)?([0-9a-f]{4,8})(?::|\s{2,}|\s*\|)\s*(.*)$/i;
const END_OFFSET = /^[0-9a-f]{7,8}\s*$/i;
/** Dates and times at the start of a line, in brackets or not. */
const TIME = /^\s*\[?(?:\d{4}-\d\d-\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d+)?Z?\]?\s*/;
const ARROW = /^\s*(?:TX|RX|SEND|RECV|>>|<<|>|<|->|<-)\s*:?\s*/i;
const OCTETS = /^(?:0x)?(?:[0-9a-f]{2})+$/i;

/** The octets in a text, or null when it holds none. */
export function readHexDump(text: string): HexDump | null {
  const parts: Uint8Array[] = [];
  let open: string[] = [];
  let packets = 0;
  const close = () => {
    if (open.length > 0) parts.push(fromHex(open.join('')));
    open = [];
  };
  for (const line of text.split(/\r?\n/)) {
    const dumped = OFFSET.exec(line);
    const [, offset = '', rest = ''] = dumped ?? [];
    if (dumped !== null && TIME.exec(line) === null) {
      if (Number.parseInt(offset, 16) === 0) {
        close();
        packets++;
      }
      open.push(dumpedHex(rest));
      continue;
    }
    // The last line of hexdump says only where the octets end.
    if (open.length > 0 && END_OFFSET.test(line)) continue;
    const hex = plainHex(line);
    if (hex === '') continue;
    close();
    parts.push(fromHex(hex));
  }
  close();
  if (parts.length === 0) return null;
  return { kind: packets > 1 || isIpPacket(parts) ? 'packets' : 'octets', parts };
}

/** Octets before the readable column, which two spaces or a bar set apart. */
function dumpedHex(rest: string): string {
  const [columns = ''] = rest.split(/\s*\|/);
  const words: string[] = [];
  for (const [at, piece] of columns.split(/(\s+)/).entries()) {
    if (at % 2 === 1) {
      // hexdump -C has a wider gap in the middle of its sixteen octets.
      if (piece.length > 1 && words.join('').length !== HALF_LINE_DIGITS) break;
      continue;
    }
    if (!/^(?:[0-9a-f]{2})+$/i.test(piece)) break;
    words.push(piece);
  }
  return words.join('');
}

const HALF_LINE_DIGITS = 16;

function plainHex(line: string): string {
  const bare = line.replace(TIME, '').replace(ARROW, '').trim();
  const words = bare.split(/[\s:,-]+/).filter((word) => word !== '');
  return words.every((word) => OCTETS.test(word)) ? words.map((word) => word.replace(/^0x/i, '')).join('') : '';
}

/** One packet alone: an IP header that says its own length. */
function isIpPacket(parts: readonly Uint8Array[]): boolean {
  const [only] = parts;
  if (parts.length !== 1 || only === undefined || only.length < IP_HEADER_BYTES) return false;
  const head = new ByteReader(only).u32();
  return head >>> 24 === IPV4_PLAIN && (head & 0xff_ff) === only.length;
}

const IP_HEADER_BYTES = 20;
const IPV4_PLAIN = 0x45;
