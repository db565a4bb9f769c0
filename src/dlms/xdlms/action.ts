/** ACTION: invoke methods (tags C3 and C7). */

import type { Data } from '../axdr/data.ts';
import { readTagged, writeTagged } from '../axdr/decode.ts';
import type { ApduForm } from './form.ts';
import { form, readDataList, readItems, readPresent, writeItems } from './form.ts';
import type { ActionResult, DataBlock, Invocation, MethodDescriptor } from './service.ts';
import {
  readActionResult,
  readDataBlock,
  readInvocation,
  readMethod,
  writeActionResult,
  writeBlockNumber,
  writeDataBlock,
  writeInvocation,
  writeMethod,
} from './service.ts';

/** Invokes one method. */
export interface ActionRequestNormal extends Invocation {
  readonly apdu: 'action-request-normal';
  readonly method: MethodDescriptor;
  readonly parameters: Data | null;
}
/** Asks for the block after `blockNumber`. */
export interface ActionRequestNextPblock extends Invocation {
  readonly apdu: 'action-request-next-pblock';
  readonly blockNumber: number;
}
/** Invokes several methods; `parameters` in the same order, null-data for none. */
export interface ActionRequestWithList extends Invocation {
  readonly apdu: 'action-request-with-list';
  readonly methods: readonly MethodDescriptor[];
  readonly parameters: readonly Data[];
}
/** Invokes one method, first part of long parameters. */
export interface ActionRequestWithFirstPblock extends Invocation, DataBlock {
  readonly apdu: 'action-request-with-first-pblock';
  readonly method: MethodDescriptor;
}
/** Invokes several methods, first part of long parameters. */
export interface ActionRequestWithListAndFirstPblock extends Invocation, DataBlock {
  readonly apdu: 'action-request-with-list-and-first-pblock';
  readonly methods: readonly MethodDescriptor[];
}
/** Next part of long parameters. */
export interface ActionRequestWithPblock extends Invocation, DataBlock {
  readonly apdu: 'action-request-with-pblock';
}
/** Result of one method. */
export interface ActionResponseNormal extends Invocation, ActionResult {
  readonly apdu: 'action-response-normal';
}
/** Part of a long answer. */
export interface ActionResponseWithPblock extends Invocation, DataBlock {
  readonly apdu: 'action-response-with-pblock';
}
/** Results of several methods. */
export interface ActionResponseWithList extends Invocation {
  readonly apdu: 'action-response-with-list';
  readonly results: readonly ActionResult[];
}
/** Acknowledges a block of long parameters. */
export interface ActionResponseNextPblock extends Invocation {
  readonly apdu: 'action-response-next-pblock';
  readonly blockNumber: number;
}
/** Every form of ACTION. */
export type ActionApdu =
  | ActionRequestNormal
  | ActionRequestNextPblock
  | ActionRequestWithList
  | ActionRequestWithFirstPblock
  | ActionRequestWithListAndFirstPblock
  | ActionRequestWithPblock
  | ActionResponseNormal
  | ActionResponseWithPblock
  | ActionResponseWithList
  | ActionResponseNextPblock;

const REQUESTS: readonly ApduForm[] = [
  form<ActionRequestNormal>(
    0xc3,
    1,
    'action-request-normal',
    (reader, walk) => ({
      ...readInvocation(reader),
      method: readMethod(reader),
      parameters: readPresent(reader, 'method parameters') ? readTagged(reader, walk) : null,
    }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeMethod(writer, apdu.method);
      writer.u8(apdu.parameters === null ? 0 : 1);
      if (apdu.parameters !== null) writeTagged(writer, apdu.parameters);
    },
  ),
  form<ActionRequestNextPblock>(
    0xc3,
    2,
    'action-request-next-pblock',
    (reader) => ({ ...readInvocation(reader), blockNumber: reader.u32() }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeBlockNumber(writer, apdu);
    },
  ),
  form<ActionRequestWithList>(
    0xc3,
    3,
    'action-request-with-list',
    (reader, walk) => ({
      ...readInvocation(reader),
      methods: readItems(reader, readMethod),
      parameters: readDataList(reader, walk),
    }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeItems(writer, apdu.methods, writeMethod);
      writeItems(writer, apdu.parameters, writeTagged);
    },
  ),
  form<ActionRequestWithFirstPblock>(
    0xc3,
    4,
    'action-request-with-first-pblock',
    (reader) => ({ ...readInvocation(reader), method: readMethod(reader), ...readDataBlock(reader) }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeMethod(writer, apdu.method);
      writeDataBlock(writer, apdu);
    },
  ),
  form<ActionRequestWithListAndFirstPblock>(
    0xc3,
    5,
    'action-request-with-list-and-first-pblock',
    (reader) => ({ ...readInvocation(reader), methods: readItems(reader, readMethod), ...readDataBlock(reader) }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeItems(writer, apdu.methods, writeMethod);
      writeDataBlock(writer, apdu);
    },
  ),
  form<ActionRequestWithPblock>(
    0xc3,
    6,
    'action-request-with-pblock',
    (reader) => ({ ...readInvocation(reader), ...readDataBlock(reader) }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeDataBlock(writer, apdu);
    },
  ),
];

const RESPONSES: readonly ApduForm[] = [
  form<ActionResponseNormal>(
    0xc7,
    1,
    'action-response-normal',
    (reader, walk) => ({ ...readInvocation(reader), ...readActionResult(reader, walk) }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeActionResult(writer, apdu);
    },
  ),
  form<ActionResponseWithPblock>(
    0xc7,
    2,
    'action-response-with-pblock',
    (reader) => ({ ...readInvocation(reader), ...readDataBlock(reader) }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeDataBlock(writer, apdu);
    },
  ),
  form<ActionResponseWithList>(
    0xc7,
    3,
    'action-response-with-list',
    (reader, walk) => ({ ...readInvocation(reader), results: readItems(reader, () => readActionResult(reader, walk)) }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeItems(writer, apdu.results, writeActionResult);
    },
  ),
  form<ActionResponseNextPblock>(
    0xc7,
    4,
    'action-response-next-pblock',
    (reader) => ({ ...readInvocation(reader), blockNumber: reader.u32() }),
    (writer, apdu) => {
      writeInvocation(writer, apdu);
      writeBlockNumber(writer, apdu);
    },
  ),
];

/** The forms of ACTION. */
export const ACTION_FORMS: readonly ApduForm[] = [...REQUESTS, ...RESPONSES];
