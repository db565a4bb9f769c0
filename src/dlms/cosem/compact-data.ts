/**
 * Compact data (class 62): values without tags in `compact_buffer`, their types once in `template_description`.
 *
 * The description is the one of a compact-array whose elements are structures with a field for each capture object, so both
 * attributes together are a compact-array that was cut in two, and the codec of compact-arrays does the work with all its
 * bounds. A field described as null-data takes no octets. The template id is a value like any other: it is there when it is
 * captured. The weak point: no public buffer with its template was found to check this against.
 */

import { ByteWriter, concat, sameOctets } from '../../base/bytes.ts';
import type { CompactArrayData, Data, TypeDescription } from '../axdr/data.ts';
import { compactContents, dataFromOctets, dataToOctets } from '../axdr/decode.ts';
import { writeOctets } from '../axdr/length.ts';
import { dlmsError } from '../errors.ts';
import { APDU_ENCODED_MAX } from '../limits.ts';

const COMPACT_ARRAY_TAG = 0x13;

/** A compact data object's two attributes. */
export interface CompactData {
  /** Attribute 5. */
  readonly template: Uint8Array;
  /** Attribute 2. */
  readonly buffer: Uint8Array;
}

/**
 * The rows of a buffer, each with a value for each capture object. Throws `DLMS_SHAPE` when the template is not the
 * description of one structure, else the errors of data.
 */
export function compactRowsOf({ template, buffer }: CompactData): readonly (readonly Data[])[] {
  const body = new ByteWriter(64, APDU_ENCODED_MAX);
  writeOctets(body, buffer);
  const data = dataFromOctets(concat([Uint8Array.of(COMPACT_ARRAY_TAG), template, body.finish()]));
  // Octets behind the description would be read as the length of the buffer.
  if (data.type !== 'compact-array' || data.of.type !== 'structure' || !sameOctets(templateOf(data.of), template)) {
    throw dlmsError('DLMS_SHAPE', 'the template of compact data describes one structure');
  }
  return data.value.map((row) => (row.type === 'structure' ? row.value : []));
}

/**
 * Template and buffer of rows; the first row gives the types. Throws `DLMS_VALUE` when there is none, when another one
 * differs in types, lengths of arrays or number of values, or when rows have no octets (null-data alone).
 */
export function compactDataOf(rows: readonly (readonly Data[])[]): CompactData {
  const [first] = rows;
  if (first === undefined) throw dlmsError('DLMS_VALUE', 'compact data without a row has no types');
  const of = describe({ type: 'structure', value: first });
  const data: CompactArrayData = {
    type: 'compact-array',
    of,
    value: rows.map((value) => ({ type: 'structure', value })),
  };
  const buffer = compactContents(data);
  if (buffer.length === 0) throw dlmsError('DLMS_VALUE', 'rows of compact data without octets cannot be counted');
  return { template: templateOf(of), buffer };
}

/** An empty compact-array is its tag, the description, and a length of one octet. */
function templateOf(of: TypeDescription): Uint8Array {
  return dataToOctets({ type: 'compact-array', of, value: [] }).slice(1, -1);
}

function describe(data: Data): TypeDescription {
  switch (data.type) {
    case 'structure':
      return { type: data.type, of: data.value.map(describe) };
    case 'array': {
      const [first] = data.value;
      return {
        type: data.type,
        count: data.value.length,
        of: first === undefined ? { type: 'null-data' } : describe(first),
      };
    }
    case 'compact-array':
      throw dlmsError('DLMS_VALUE', 'compact data holds no compact-array');
    default:
      return { type: data.type };
  }
}
