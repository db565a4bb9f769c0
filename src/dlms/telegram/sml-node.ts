/**
 * The binary form of SML (SML 1.03, chapter 6): each element begins with type and length. Octet: bit 7 = another octet of length
 * follows, bits 6 to 4 type (0 octets, 4 boolean, 5 integer, 6 unsigned, 7 list), bits 3 to 0 length, high nibble first. The length of a list
 * counts its elements, any other counts its octets together with those of the length. `01` is an element that is not there,
 * `00` the end of a message.
 */
import { ByteReader, ByteWriter, TruncatedError } from '../../base/bytes.ts';
import { dlmsError } from '../errors.ts';
import { SML_DEPTH_MAX, SML_ELEMENTS_MAX } from '../limits.ts';

/** What an element is. */
export type SmlValue =
  /** Empty = the element is not there. */
  | { readonly kind: 'octets'; readonly value: Uint8Array }
  | { readonly kind: 'boolean'; readonly value: boolean }
  /** `octets` of 1 to 8; leading ones may be left out, as meters do. */
  | { readonly kind: 'integer' | 'unsigned'; readonly value: bigint; readonly octets: number }
  | { readonly kind: 'list'; readonly items: readonly SmlValue[] }
  | { readonly kind: 'end' };

/** An element that was read. */
export type SmlNode =
  | (Exclude<SmlValue, { readonly kind: 'list' }> & { readonly offset: number })
  | { readonly kind: 'list'; readonly items: readonly SmlNode[]; readonly offset: number };

const TYPES = { octets: 0, boolean: 4, integer: 5, unsigned: 6, list: 7 } as const;
const MORE = 0x80;
const LENGTH_OCTETS_MAX = 4;
const NUMBER_OCTETS_MAX = 8;

/** The error of this form: `offset N: reason`. */
export function smlError(offset: number, reason: string, cause?: unknown): Error {
  return dlmsError('DLMS_SML', `offset ${offset}: ${reason}`, cause);
}

/** The elements of some octets, one after the other; throws `DLMS_SML` with the offset of the element that is none. */
export function readSmlNodes(octets: Uint8Array): SmlNode[] {
  const decoder = new SmlDecoder(octets);
  try {
    return decoder.all();
  } catch (error) {
    if (error instanceof TruncatedError)
      throw smlError(error.offset, `the octets end, ${error.needed} were wanted and ${error.left} are left`, error);
    throw error;
  }
}

class SmlDecoder {
  readonly #reader: ByteReader;
  #elements = 0;

  constructor(octets: Uint8Array) {
    this.#reader = new ByteReader(octets);
  }

  all(): SmlNode[] {
    const nodes: SmlNode[] = [];
    while (this.#reader.remaining > 0) nodes.push(this.#node(0));
    return nodes;
  }

  #node(depth: number): SmlNode {
    const { offset } = this.#reader;
    if (++this.#elements > SML_ELEMENTS_MAX) throw smlError(offset, `more than ${SML_ELEMENTS_MAX} elements`);
    const { type, length, head } = this.#head(offset);
    if (type === TYPES.list) return { kind: 'list', items: this.#items(length, depth, offset), offset };
    if (type === TYPES.octets && head === 1 && length === 0) return { kind: 'end', offset };
    if (length < head) throw smlError(offset, `a length of ${length} has no room for itself`);
    const value = this.#reader.slice(length - head);
    if (type === TYPES.octets) return { kind: 'octets', value: value.slice(), offset };
    if (type === TYPES.boolean) {
      if (value.length !== 1) throw smlError(offset, `a boolean of ${value.length} octets`);
      return { kind: 'boolean', value: value.at(0) !== 0, offset };
    }
    if (type !== TYPES.integer && type !== TYPES.unsigned) throw smlError(offset, `type ${type} does not exist`);
    if (value.length < 1 || value.length > NUMBER_OCTETS_MAX)
      throw smlError(offset, `a number of ${value.length} octets`);
    const isSigned = type === TYPES.integer;
    return {
      kind: isSigned ? 'integer' : 'unsigned',
      value: numberOf(value, isSigned),
      octets: value.length,
      offset,
    };
  }

  #head(offset: number): { readonly type: number; readonly length: number; readonly head: number } {
    let octet = this.#reader.u8();
    const type = (octet >> 4) & 0x07;
    let length = octet & 0x0f;
    let head = 1;
    while ((octet & MORE) !== 0) {
      if (++head > LENGTH_OCTETS_MAX) throw smlError(offset, `a length of more than ${LENGTH_OCTETS_MAX} octets`);
      octet = this.#reader.u8();
      length = length * 16 + (octet & 0x0f);
    }
    return { type, length, head };
  }

  #items(count: number, depth: number, offset: number): SmlNode[] {
    if (depth >= SML_DEPTH_MAX) throw smlError(offset, `lists are nested deeper than ${SML_DEPTH_MAX}`);
    if (count > this.#reader.remaining) throw smlError(offset, `a list of ${count} elements has no room`);
    const items: SmlNode[] = [];
    while (items.length < count) items.push(this.#node(depth + 1));
    return items;
  }
}

function numberOf(octets: Uint8Array, isSigned: boolean): bigint {
  const value = octets.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n);
  return isSigned ? BigInt.asIntN(8 * octets.length, value) : value;
}

/** Elements as they are sent; throws a RangeError for a number that its octets cannot hold. */
export function writeSmlValues(values: readonly SmlValue[]): Uint8Array {
  const writer = new ByteWriter();
  for (const value of values) writeValue(writer, value);
  return writer.finish();
}

function writeValue(writer: ByteWriter, node: SmlValue): void {
  switch (node.kind) {
    case 'end':
      writer.u8(0);
      return;
    case 'list':
      writeHead(writer, TYPES.list, () => node.items.length);
      for (const item of node.items) writeValue(writer, item);
      return;
    case 'octets':
      writeHead(writer, TYPES.octets, (head) => node.value.length + head);
      writer.bytes(node.value);
      return;
    case 'boolean':
      writeHead(writer, TYPES.boolean, (head) => 1 + head);
      writer.u8(node.value ? 1 : 0);
      return;
    case 'integer':
    case 'unsigned': {
      const { kind, value, octets } = node;
      const cut = kind === 'integer' ? BigInt.asIntN(8 * octets, value) : BigInt.asUintN(8 * octets, value);
      if (cut !== value) throw new RangeError(`${value} does not fit ${octets} octets`);
      writeHead(writer, TYPES[kind], (head) => octets + head);
      for (let at = octets - 1; at >= 0; at--) writer.u8(Number((BigInt.asUintN(64, value) >> BigInt(8 * at)) & 0xffn));
      return;
    }
  }
}

/** The shortest head of which the length is what `lengthIn` says of its own octets. */
function writeHead(writer: ByteWriter, type: number, lengthIn: (head: number) => number): void {
  let head = 1;
  while (lengthIn(head) >= 16 ** head) head++;
  const length = lengthIn(head);
  for (let at = head - 1; at >= 0; at--) {
    const nibble = Math.floor(length / 16 ** at) % 16;
    const kind = at === head - 1 ? type << 4 : 0;
    writer.u8((at > 0 ? MORE : 0) | kind | nibble);
  }
}
