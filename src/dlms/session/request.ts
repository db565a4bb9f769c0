/** What can be asked of a meter and what comes back: the words in which reader and session speak. */
import type { DeltawattError } from '../../base/errors.ts';
import type { Data } from '../axdr/data.ts';
import type { ExceptionResponse } from '../xdlms/exception.ts';
import type { ConfirmedServiceError } from '../xdlms/initiate.ts';
import type { ActionResult, AttributeAccess, GetDataResult, MethodDescriptor } from '../xdlms/service.ts';

/** An attribute and what to write. */
export interface AttributeValue {
  readonly attribute: AttributeAccess;
  readonly value: Data;
}

/** A method and its parameters; null = none. */
export interface MethodCall {
  readonly method: MethodDescriptor;
  readonly parameters: Data | null;
}

/** One thing in a mixed request. */
export type AccessItem =
  | { readonly service: 'get'; readonly attribute: AttributeAccess }
  | ({ readonly service: 'set' } & AttributeValue)
  | ({ readonly service: 'action' } & MethodCall);

/** What came of one thing in a mixed request. */
export interface AccessResult {
  readonly service: AccessItem['service'];
  /** A data-access-result, of a method an action-result; 0 = done. */
  readonly result: number;
  /** What was read, or what a method gave back; null-data when there is nothing. */
  readonly data: Data;
}

/** How urgent a request is: those of high priority are asked first, and say so to the meter. */
interface Urgency {
  /** Default true, as most clients do. */
  readonly highPriority?: boolean;
}

/** One request: one item or a list of them, answered as a whole and in the same order. */
export type MeterRequest = Urgency &
  (
    | { readonly service: 'get'; readonly items: readonly AttributeAccess[] }
    | { readonly service: 'set'; readonly items: readonly AttributeValue[] }
    | { readonly service: 'action'; readonly items: readonly MethodCall[] }
    /** Gets, sets and actions mixed, with the ACCESS service; `breakOnError` = stop at the first refusal. */
    | { readonly service: 'access'; readonly items: readonly AccessItem[]; readonly breakOnError?: boolean }
  );

/** Results in the order of the items; refusals of single items are values in them. */
export type MeterAnswer =
  | { readonly service: 'get'; readonly results: readonly GetDataResult[] }
  | { readonly service: 'set'; readonly results: readonly number[] }
  | { readonly service: 'action'; readonly results: readonly ActionResult[] }
  | { readonly service: 'access'; readonly results: readonly AccessResult[] };

/** How a request ended. */
export type Outcome =
  | { readonly kind: 'answered'; readonly answer: MeterAnswer }
  /** The meter answered the whole request with an exception: lawful, so a value. */
  | { readonly kind: 'refused'; readonly refusal: ExceptionResponse | ConfirmedServiceError }
  /** Not done, or a read that came to nothing. */
  | { readonly kind: 'failed'; readonly error: DeltawattError }
  /** A write or a method that may or may not have been done. */
  | { readonly kind: 'unknown'; readonly error: DeltawattError };
