/** Exception-response: the server did not even look at the request (tag D8). */

/** Why the server refuses; names in `exceptionText`. */
export interface ExceptionResponse {
  readonly apdu: 'exception-response';
  /** 1 service-not-allowed, 2 service-unknown. */
  readonly stateError: number;
  /** 1 operation-not-possible to 6 invocation-counter-error. */
  readonly serviceError: number;
  /** With service error 6: the counter that the server expects; null when the server left it out. */
  readonly invocationCounter: number | null;
}
