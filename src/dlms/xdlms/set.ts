/** SET: write attributes (tags C1 and C5). */

import type { Data } from '../axdr/data.ts';
import type { AttributeAccess, AttributeDescriptor, DataBlock, Invocation, SelectiveAccess } from './service.ts';

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
