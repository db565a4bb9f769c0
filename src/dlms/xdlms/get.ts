/** GET: read attributes (tags C0 and C4). */

import type { ByteWriter } from '../../base/bytes.ts';
import { ByteReader } from '../../base/bytes.ts';
import { readOctets, writeOctets } from '../axdr/length.ts';
import type { ApduForm } from './form.ts';
import { badChoice, form, readItems, writeItems } from './form.ts';
import type { AttributeAccess, AttributeDescriptor, GetDataResult, Invocation, SelectiveAccess } from './service.ts';
import {
  readAccess,
  readAttribute,
  readAttributeAccess,
  readGetDataResult,
  readInvocation,
  writeAccess,
  writeAttribute,
  writeAttributeAccess,
  writeBlockNumber,
  writeGetDataResult,
  writeInvocation,
  writeResult,
} from './service.ts';

/** Asks for one attribute. */
export interface GetRequestNormal extends Invocation {
  readonly apdu: 'get-request-normal';
  readonly attribute: AttributeDescriptor;
  readonly access: SelectiveAccess | null;
}
/** Asks for the block after `blockNumber`, which it acknowledges. */
export interface GetRequestNext extends Invocation {
  readonly apdu: 'get-request-next';
  readonly blockNumber: number;
}
/** Asks for several attributes. */
export interface GetRequestWithList extends Invocation {
  readonly apdu: 'get-request-with-list';
  readonly attributes: readonly AttributeAccess[];
}
/** Answers with one value or the reason why not. */
export interface GetResponseNormal extends Invocation {
  readonly apdu: 'get-response-normal';
  readonly result: GetDataResult;
}
/** Answers with a part of a long value, or ends the transfer with a reason. */
export interface GetResponseWithDatablock extends Invocation {
  readonly apdu: 'get-response-with-datablock';
  readonly lastBlock: boolean;
  readonly blockNumber: number;
  readonly block: { readonly rawData: Uint8Array } | { readonly dataAccessResult: number };
}
/** Answers several attributes in the order asked. */
export interface GetResponseWithList extends Invocation {
  readonly apdu: 'get-response-with-list';
  readonly results: readonly GetDataResult[];
}
/** Every form of GET. */
export type GetApdu =
  | GetRequestNormal
  | GetRequestNext
  | GetRequestWithList
  | GetResponseNormal
  | GetResponseWithDatablock
  | GetResponseWithList;

/** The forms of GET. */
export const GET_FORMS: readonly ApduForm[] = [
  form<GetRequestNormal>(
    0xc0,
    1,
    'get-request-normal',
    (reader, walk) => ({
      ...readInvocation(reader),
      attribute: readAttribute(reader),
      access: readAccess(reader, walk),
    }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeAttribute(writer, apdu.attribute);
      writeAccess(writer, apdu.access);
    },
  ),
  form<GetRequestNext>(
    0xc0,
    2,
    'get-request-next',
    (reader) => ({ ...readInvocation(reader), blockNumber: reader.u32() }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeBlockNumber(writer, apdu);
    },
  ),
  form<GetRequestWithList>(
    0xc0,
    3,
    'get-request-with-list',
    (reader, walk) => ({
      ...readInvocation(reader),
      attributes: readItems(reader, () => readAttributeAccess(reader, walk)),
    }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeItems(writer, apdu.attributes, writeAttributeAccess);
    },
  ),
  form<GetResponseNormal>(
    0xc4,
    1,
    'get-response-normal',
    (reader, walk) => ({ ...readInvocation(reader), result: readGetDataResult(reader, walk) }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeGetDataResult(writer, apdu.result);
    },
  ),
  form<GetResponseWithDatablock>(0xc4, 2, 'get-response-with-datablock', readDatablockResponse, writeDatablockResponse),
  form<GetResponseWithList>(
    0xc4,
    3,
    'get-response-with-list',
    (reader, walk) => ({
      ...readInvocation(reader),
      results: readItems(reader, () => readGetDataResult(reader, walk)),
    }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeItems(writer, apdu.results, writeGetDataResult);
    },
  ),
];

function readDatablockResponse(reader: ByteReader): Omit<GetResponseWithDatablock, 'apdu'> {
  const invocation = readInvocation(reader);
  const lastBlock = reader.u8() !== 0;
  const blockNumber = reader.u32();
  const choice = reader.u8();
  if (choice > 1) throw badChoice(reader, 'datablock result', choice);
  const block = choice === 0 ? { rawData: readOctets(reader) } : { dataAccessResult: reader.u8() };
  return { ...invocation, lastBlock, blockNumber, block };
}

function writeDatablockResponse(writer: ByteWriter, apdu: GetResponseWithDatablock): void {
  writeInvocation(writer, apdu);
  writer.u8(apdu.lastBlock ? 1 : 0);
  writeBlockNumber(writer, apdu);
  if ('rawData' in apdu.block) {
    writer.u8(0);
    writeOctets(writer, apdu.block.rawData);
  } else {
    writer.u8(1);
    writeResult(writer, apdu.block.dataAccessResult);
  }
}

const RESPONSE_TAG = 0xc4;
const NORMAL = 1;
const HAS_DATA = 0;

/**
 * The octets of the one value inside a get-response-normal, as a view and not decoded, for readers that know its shape
 * (profile rows). Null when the octets are anything else: then `decodeApdu` tells what they are.
 */
export function rawDataOfGetResponse(octets: Uint8Array): Uint8Array | null {
  const reader = new ByteReader(octets);
  if (reader.remaining < 5 || reader.u8() !== RESPONSE_TAG || reader.u8() !== NORMAL) return null;
  reader.skip(1);
  return reader.u8() === HAS_DATA ? reader.rest() : null;
}
