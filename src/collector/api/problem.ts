/** Errors of any origin as `application/problem+json` (RFC 9457). */
import { DeltawattError, reasonOf } from '../../base/errors.ts';
import { API_ERRORS, ApiError, type ApiErrorCode, type Fault, isApiCode } from './errors.ts';

/** Media type of every refusal. */
export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** The body of a refusal. */
export interface Problem {
  /** Where this kind of problem is described. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  /** JSON pointer into the request as {path, query, headers, body}; `#` is the request as a whole. */
  readonly pointer: string;
  /** Request id: the same in the log and in the header x-request-id. */
  readonly instance: string;
  readonly errors?: readonly Fault[];
}

/** Where the fault of another room's code lies in the request. */
const POINTERS: Partial<Record<ApiErrorCode, string>> = {
  METER_UNKNOWN: '#/body/meterId',
  METER_NOT_PLACED: '#/body/meterId',
  EDGE_NOT_ACTIVE: '#/body/meterId',
  EDGE_NEVER_HEARD: '#/body/meterId',
  EDGE_ACTIVE: '#/path/edgeId',
  EDGE_UNKNOWN: '#/path/edgeId',
  FINDING_UNKNOWN: '#/path/findingId',
  FINDING_DECIDED: '#/path/findingId',
  FINDING_NO_MODEL: '#/body/profile',
  METER_ELSEWHERE: '#/body/meterId',
  IDEMPOTENCY_KEY_REUSED: '#/headers/idempotency-key',
  SETUP_CODE_WRONG: '#/body/code',
  SETUP_CLOSED: '#/body/code',
  TOO_MANY_ATTEMPTS: '#/body/code',
};

/** What the store, Fastify and Node call the same things. */
const FOREIGN: Readonly<Record<string, readonly [ApiErrorCode, string]>> = {
  STORE_AS_OF_TOO_LATE: ['AS_OF_TOO_LATE', '#/query/asOf'],
  STORE_CURSOR: ['CURSOR_INVALID', '#/query/cursor'],
  STORE_UNKNOWN_METER: ['METER_UNKNOWN', '#/path/meterId'],
  STORE_UNKNOWN_EDGE: ['EDGE_UNKNOWN', '#/body/edgeId'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['BODY_TOO_LARGE', '#/body'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['MEDIA_TYPE_UNKNOWN', '#/headers/content-type'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['BODY_NOT_JSON', '#/body'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['BODY_NOT_JSON', '#/body'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['HEADER_INVALID', '#/headers/content-length'],
  FST_ERR_BAD_URL: ['PATH_INVALID', '#/path'],
  FST_ERR_MAX_PARAM_LENGTH: ['PATH_INVALID', '#/path'],
  ERR_HTTP_REQUEST_TIMEOUT: ['REQUEST_TIMEOUT', '#'],
  HPE_HEADER_OVERFLOW: ['HEADERS_TOO_LARGE', '#/headers'],
};

/** The error as an ApiError; whatever has no line in our table is INTERNAL. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof DeltawattError && isApiCode(error.code)) {
    return new ApiError(error.code, POINTERS[error.code] ?? '#', error.detail, [], { cause: error });
  }
  const { code, statusCode } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
  const foreign = FOREIGN[String(code)];
  const words = error instanceof DeltawattError ? error.detail : reasonOf(error);
  if (foreign !== undefined) return new ApiError(foreign[0], foreign[1], words, [], { cause: error });
  if (statusCode === 400) return new ApiError('BODY_NOT_JSON', '#/body', reasonOf(error), [], { cause: error });
  return new ApiError('INTERNAL', '#', '', [], { cause: error });
}

/** The body for an error. */
export function problemOf(error: ApiError, requestId: string): Problem {
  return {
    type: `/api/v1/problems/${error.code}`,
    title: API_ERRORS[error.code].sentence,
    status: error.statusCode,
    code: error.code,
    detail: error.detail === '' ? API_ERRORS[error.code].sentence : error.detail,
    pointer: error.pointer,
    instance: `urn:deltawatt:request:${requestId}`,
    ...(error.faults.length > 0 ? { errors: error.faults } : {}),
  };
}
