/** Services with short names: read, write, unconfirmed-write, information-report (tags 05, 06, 0C, 0D, 16, 18). */

import type { Data } from '../axdr/data.ts';

/** What is read or written. */
export type VariableAccess =
  | { readonly kind: 'variable'; readonly name: number }
  | { readonly kind: 'parameterized'; readonly name: number; readonly selector: number; readonly parameter: Data }
  | { readonly kind: 'block-number'; readonly blockNumber: number }
  | {
      readonly kind: 'read-data-block';
      readonly lastBlock: boolean;
      readonly blockNumber: number;
      readonly rawData: Uint8Array;
    }
  | { readonly kind: 'write-data-block'; readonly lastBlock: boolean; readonly blockNumber: number };

/** Reads variables. */
export interface ReadRequest {
  readonly apdu: 'read-request';
  readonly items: readonly VariableAccess[];
}
/** One answer of a read. */
export type ReadResult =
  | { readonly kind: 'data'; readonly data: Data }
  | { readonly kind: 'error'; readonly dataAccessError: number }
  | {
      readonly kind: 'data-block';
      readonly lastBlock: boolean;
      readonly blockNumber: number;
      readonly rawData: Uint8Array;
    }
  | { readonly kind: 'block-number'; readonly blockNumber: number };
/** Answers a read. */
export interface ReadResponse {
  readonly apdu: 'read-response';
  readonly items: readonly ReadResult[];
}
/** Writes variables, with or without an answer. */
export interface WriteRequest {
  readonly apdu: 'write-request' | 'unconfirmed-write-request';
  readonly items: readonly VariableAccess[];
  readonly values: readonly Data[];
}
/** One answer of a write. */
export type WriteResult =
  | { readonly kind: 'success' }
  | { readonly kind: 'error'; readonly dataAccessError: number }
  | { readonly kind: 'block-number'; readonly blockNumber: number };
/** Answers a write. */
export interface WriteResponse {
  readonly apdu: 'write-response';
  readonly items: readonly WriteResult[];
}
/** Unsolicited values with short names. */
export interface InformationReport {
  readonly apdu: 'information-report-request';
  /** GeneralizedTime text, or null. */
  readonly time: string | null;
  readonly items: readonly VariableAccess[];
  readonly values: readonly Data[];
}
/** Every service with short names. */
export type ShortNameApdu = ReadRequest | ReadResponse | WriteRequest | WriteResponse | InformationReport;
