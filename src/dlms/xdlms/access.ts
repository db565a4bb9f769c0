/** ACCESS: several gets, sets and actions in one message (tags D9 and DA). */

import type { Data } from '../axdr/data.ts';
import type { AttributeDescriptor, LongInvocation, MethodDescriptor, SelectiveAccess } from './service.ts';

/** One thing to do. */
export type AccessSpecification =
  | ({ readonly choice: 'get' | 'set' } & AttributeDescriptor)
  | ({ readonly choice: 'action' } & MethodDescriptor)
  | ({
      readonly choice: 'get-with-selection' | 'set-with-selection';
      readonly access: SelectiveAccess;
    } & AttributeDescriptor);

/** Asks for all of them; `dataList` in the same order, null-data for a get. */
export interface AccessRequest extends LongInvocation {
  readonly apdu: 'access-request';
  readonly dateTime: Uint8Array;
  readonly specifications: readonly AccessSpecification[];
  readonly dataList: readonly Data[];
}
/** Answers all of them in the same order. */
export interface AccessResponse extends LongInvocation {
  readonly apdu: 'access-response';
  readonly dateTime: Uint8Array;
  /** The server may echo what was asked. */
  readonly specifications: readonly AccessSpecification[] | null;
  readonly dataList: readonly Data[];
  readonly results: readonly { readonly choice: 'get' | 'set' | 'action'; readonly result: number }[];
}
/** ACCESS, both ways. */
export type AccessApdu = AccessRequest | AccessResponse;
