/** GET: read attributes (tags C0 and C4). */

import type { AttributeAccess, AttributeDescriptor, GetDataResult, Invocation, SelectiveAccess } from './service.ts';

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
