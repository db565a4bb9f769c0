/**
 * What the joined blocks of a long list hold: the same octets as the list part of the short form
 * (GET: count and results; SET and ACTION requests: count and values; ACTION answers: count and results).
 */
import { ByteReader, ByteWriter } from '../../base/bytes.ts';
import type { Data } from '../axdr/data.ts';
import { writeTagged } from '../axdr/decode.ts';
import { DataWalk } from '../axdr/walk.ts';
import { dlmsError, guarded } from '../errors.ts';
import { APDU_ENCODED_MAX } from '../limits.ts';
import { readDataList, readItems, writeItems } from '../xdlms/form.ts';
import {
  type ActionResult,
  type GetDataResult,
  readActionResult,
  readGetDataResult,
  writeActionResult,
  writeGetDataResult,
} from '../xdlms/service.ts';
import { type ReadResult, readReadResult, writeReadResult } from '../xdlms/short-name.ts';

function whole<Value>(octets: Uint8Array, read: (reader: ByteReader, walk: DataWalk) => Value): Value {
  return guarded(() => {
    const reader = new ByteReader(octets);
    const value = read(reader, new DataWalk());
    if (reader.remaining > 0) throw dlmsError('DLMS_TRAILING', `offset ${reader.offset}: ${reader.remaining} octets`);
    return value;
  });
}

function written(write: (writer: ByteWriter) => void): Uint8Array {
  return guarded(() => {
    const writer = new ByteWriter(256, APDU_ENCODED_MAX);
    write(writer);
    return writer.finish();
  });
}

/** Results of a long GET with list. */
export function getResultsFromOctets(octets: Uint8Array): GetDataResult[] {
  return whole(octets, (reader, walk) => readItems(reader, () => readGetDataResult(reader, walk)));
}

/** The reverse. */
export function getResultsToOctets(results: readonly GetDataResult[]): Uint8Array {
  return written((writer) => writeItems(writer, results, writeGetDataResult));
}

/** Results of a long READ. */
export function readResultsFromOctets(octets: Uint8Array): ReadResult[] {
  return whole(octets, (reader, walk) => readItems(reader, () => readReadResult(reader, walk)));
}

/** The reverse. */
export function readResultsToOctets(results: readonly ReadResult[]): Uint8Array {
  return written((writer) => writeItems(writer, results, writeReadResult));
}

/** Values of a long SET or ACTION with list. */
export function valuesFromOctets(octets: Uint8Array): Data[] {
  return whole(octets, readDataList);
}

/** The reverse. */
export function valuesToOctets(values: readonly Data[]): Uint8Array {
  return written((writer) => writeItems(writer, values, writeTagged));
}

/** Results of a long ACTION answer: of a list, or of one method. */
export function actionResultsFromOctets(octets: Uint8Array, list: boolean): ActionResult[] {
  return whole(octets, (reader, walk) =>
    list ? readItems(reader, () => readActionResult(reader, walk)) : [readActionResult(reader, walk)],
  );
}

/** The reverse. */
export function actionResultsToOctets(results: readonly ActionResult[], list: boolean): Uint8Array {
  return written((writer) => {
    if (list) writeItems(writer, results, writeActionResult);
    else for (const result of results) writeActionResult(writer, result);
  });
}
