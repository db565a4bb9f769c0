/** ACTION: invoke methods (tags C3 and C7). */

import type { Data } from '../axdr/data.ts';
import type { ActionResult, DataBlock, Invocation, MethodDescriptor } from './service.ts';

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
