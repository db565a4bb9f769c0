/** SET: write attributes (tags C1 and C5). */

import type { Data } from '../axdr/data.ts';
import { readTagged, writeTagged } from '../axdr/decode.ts';
import type { ApduForm } from './form.ts';
import { form, readDataList, readItems, writeItems } from './form.ts';
import type { AttributeAccess, AttributeDescriptor, DataBlock, Invocation, SelectiveAccess } from './service.ts';
import {
  readAccess,
  readAttribute,
  readAttributeAccess,
  readDataBlock,
  readInvocation,
  writeAccess,
  writeAttribute,
  writeAttributeAccess,
  writeBlockNumber,
  writeDataBlock,
  writeInvocation,
  writeResult,
} from './service.ts';

/** Writes one attribute. */
export interface SetRequestNormal extends Invocation {
  readonly apdu: 'set-request-normal';
  readonly attribute: AttributeDescriptor;
  readonly access: SelectiveAccess | null;
  readonly value: Data;
}
/** Writes one attribute, first part of a long value. */
export interface SetRequestWithFirstDatablock extends Invocation, DataBlock {
  readonly apdu: 'set-request-with-first-datablock';
  readonly attribute: AttributeDescriptor;
  readonly access: SelectiveAccess | null;
}
/** Next part of a long value. */
export interface SetRequestWithDatablock extends Invocation, DataBlock {
  readonly apdu: 'set-request-with-datablock';
}
/** Writes several attributes; `values` in the same order. */
export interface SetRequestWithList extends Invocation {
  readonly apdu: 'set-request-with-list';
  readonly attributes: readonly AttributeAccess[];
  readonly values: readonly Data[];
}
/** Writes several attributes, first part of the long list of values. */
export interface SetRequestWithListAndFirstDatablock extends Invocation, DataBlock {
  readonly apdu: 'set-request-with-list-and-first-datablock';
  readonly attributes: readonly AttributeAccess[];
}
/** Result of one attribute. */
export interface SetResponseNormal extends Invocation {
  readonly apdu: 'set-response-normal';
  readonly result: number;
}
/** Acknowledges a block. */
export interface SetResponseDatablock extends Invocation {
  readonly apdu: 'set-response-datablock';
  readonly blockNumber: number;
}
/** Acknowledges the last block, with the result. */
export interface SetResponseLastDatablock extends Invocation {
  readonly apdu: 'set-response-last-datablock';
  readonly result: number;
  readonly blockNumber: number;
}
/** Acknowledges the last block of a list, with the results. */
export interface SetResponseLastDatablockWithList extends Invocation {
  readonly apdu: 'set-response-last-datablock-with-list';
  readonly results: readonly number[];
  readonly blockNumber: number;
}
/** Results of several attributes. */
export interface SetResponseWithList extends Invocation {
  readonly apdu: 'set-response-with-list';
  readonly results: readonly number[];
}
/** Every form of SET. */
export type SetApdu =
  | SetRequestNormal
  | SetRequestWithFirstDatablock
  | SetRequestWithDatablock
  | SetRequestWithList
  | SetRequestWithListAndFirstDatablock
  | SetResponseNormal
  | SetResponseDatablock
  | SetResponseLastDatablock
  | SetResponseLastDatablockWithList
  | SetResponseWithList;

const REQUESTS: readonly ApduForm[] = [
  form<SetRequestNormal>(
    0xc1,
    1,
    'set-request-normal',
    (reader, walk) => ({
      ...readInvocation(reader),
      attribute: readAttribute(reader),
      access: readAccess(reader, walk),
      value: readTagged(reader, walk),
    }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeAttribute(writer, apdu.attribute);
      writeAccess(writer, apdu.access);
      writeTagged(writer, apdu.value);
    },
  ),
  form<SetRequestWithFirstDatablock>(
    0xc1,
    2,
    'set-request-with-first-datablock',
    (reader, walk) => ({
      ...readInvocation(reader),
      attribute: readAttribute(reader),
      access: readAccess(reader, walk),
      ...readDataBlock(reader),
    }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeAttribute(writer, apdu.attribute);
      writeAccess(writer, apdu.access);
      writeDataBlock(writer, apdu);
    },
  ),
  form<SetRequestWithDatablock>(
    0xc1,
    3,
    'set-request-with-datablock',
    (reader) => ({ ...readInvocation(reader), ...readDataBlock(reader) }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeDataBlock(writer, apdu);
    },
  ),
  form<SetRequestWithList>(
    0xc1,
    4,
    'set-request-with-list',
    (reader, walk) => ({
      ...readInvocation(reader),
      attributes: readItems(reader, () => readAttributeAccess(reader, walk)),
      values: readDataList(reader, walk),
    }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeItems(writer, apdu.attributes, writeAttributeAccess);
      writeItems(writer, apdu.values, writeTagged);
    },
  ),
  form<SetRequestWithListAndFirstDatablock>(
    0xc1,
    5,
    'set-request-with-list-and-first-datablock',
    (reader, walk) => ({
      ...readInvocation(reader),
      attributes: readItems(reader, () => readAttributeAccess(reader, walk)),
      ...readDataBlock(reader),
    }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeItems(writer, apdu.attributes, writeAttributeAccess);
      writeDataBlock(writer, apdu);
    },
  ),
];

const RESPONSES: readonly ApduForm[] = [
  form<SetResponseNormal>(
    0xc5,
    1,
    'set-response-normal',
    (reader) => ({ ...readInvocation(reader), result: reader.u8() }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeResult(writer, apdu.result);
    },
  ),
  form<SetResponseDatablock>(
    0xc5,
    2,
    'set-response-datablock',
    (reader) => ({ ...readInvocation(reader), blockNumber: reader.u32() }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeBlockNumber(writer, apdu);
    },
  ),
  form<SetResponseLastDatablock>(
    0xc5,
    3,
    'set-response-last-datablock',
    (reader) => ({ ...readInvocation(reader), result: reader.u8(), blockNumber: reader.u32() }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeResult(writer, apdu.result);
      writeBlockNumber(writer, apdu);
    },
  ),
  form<SetResponseLastDatablockWithList>(
    0xc5,
    4,
    'set-response-last-datablock-with-list',
    (reader) => ({
      ...readInvocation(reader),
      results: readItems(reader, () => reader.u8()),
      blockNumber: reader.u32(),
    }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeItems(writer, apdu.results, writeResult);
      writeBlockNumber(writer, apdu);
    },
  ),
  form<SetResponseWithList>(
    0xc5,
    5,
    'set-response-with-list',
    (reader) => ({ ...readInvocation(reader), results: readItems(reader, () => reader.u8()) }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeItems(writer, apdu.results, writeResult);
    },
  ),
];

/** The forms of SET. */
export const SET_FORMS: readonly ApduForm[] = [...REQUESTS, ...RESPONSES];
