/**
 * What the API refuses, each with its HTTP status. Every answer of 400 and above is `application/problem+json` (RFC 9457)
 * with a JSON pointer (RFC 6901) into the request as {path, query, headers, body}; `GET /api/v1/problems` lists this table.
 */
import { DeltawattError, type ErrorRow } from '../../base/errors.ts';

/** A row of the table: as everywhere, and the status. */
export interface ApiErrorRow extends ErrorRow {
  readonly status: number;
}

const refusal = (status: number, sentence: string): ApiErrorRow => ({
  side: 'remote',
  retry: 'never',
  sentence,
  status,
});

/** Codes of the API. */
export const API_ERRORS = {
  QUERY_KEY_UNKNOWN: refusal(400, 'This query key does not exist here. The detail names the keys that do.'),
  QUERY_INVALID: refusal(400, 'A query value is not of the form that it must have.'),
  PATH_INVALID: refusal(400, 'A part of the address is not of the form that it must have.'),
  HEADER_INVALID: refusal(400, 'A header is not of the form that it must have.'),
  BODY_INVALID: refusal(400, 'The body is not of the form that it must have. The errors name each place.'),
  IMAGE_HASH: refusal(400, 'The image is not the one of this hash. The detail tells the hash of what arrived.'),
  BODY_NOT_JSON: refusal(400, 'The body is not JSON.'),
  REQUEST_MALFORMED: refusal(400, 'This is not an HTTP request.'),
  RANGE_INVALID: refusal(400, 'The range ends before it begins, or is too long.'),
  CURSOR_INVALID: refusal(400, 'This cursor was not made by this query. Begin again without one.'),
  AS_OF_TOO_LATE: refusal(
    400,
    'What was known at this time is not settled yet. Ask for an earlier time, or without asOf.',
  ),
  CHANNEL_AMBIGUOUS: refusal(400, 'This meter has several channels of this OBIS code. Say which with intervalS.'),
  TOKEN_MISSING: refusal(401, 'This needs a token: send it as `Authorization: Bearer ...`.'),
  TOKEN_INVALID: refusal(401, 'This token is unknown, revoked or expired. Ask an administrator for a new one.'),
  ROLE_TOO_LOW: refusal(403, 'Your role does not permit this. Ask an administrator.'),
  SETUP_CODE_WRONG: refusal(
    403,
    'This set-up code is wrong, used or older than an hour. Restart the collector to get a new one.',
  ),
  ROUTE_UNKNOWN: refusal(404, 'There is nothing at this address. `/api/v1/openapi.json` lists what there is.'),
  METER_UNKNOWN: refusal(404, 'There is no meter of this id.'),
  EDGE_UNKNOWN: refusal(404, 'There is no concentrator of this id.'),
  CHANNEL_UNKNOWN: refusal(404, 'This meter has no such channel. `/channels` lists what it has.'),
  COMMAND_UNKNOWN: refusal(404, 'There is no command of this id.'),
  TOKEN_UNKNOWN: refusal(404, 'There is no token of this id.'),
  IMAGE_UNKNOWN: refusal(404, 'There is no image of this hash. `/images` lists what there is.'),
  FINDING_UNKNOWN: refusal(404, 'Nothing was found under this id. `/findings` lists what was.'),
  METHOD_UNKNOWN: refusal(405, 'This address does not take this method. The header Allow names those that it takes.'),
  FORMAT_UNKNOWN: refusal(406, 'Readings come as application/json, text/csv or application/x-ndjson.'),
  REQUEST_TIMEOUT: refusal(408, 'The request took too long to arrive.'),
  METER_NOT_PLACED: refusal(409, 'This meter is not placed on a concentrator. Place it first.'),
  EDGE_NOT_ACTIVE: refusal(409, 'The concentrator of this meter is not active. Adopt it first.'),
  EDGE_NEVER_HEARD: refusal(
    409,
    'The concentrator of this meter has never called, so no command can be bound to its store yet.',
  ),
  FINDING_NO_MODEL: refusal(
    409,
    'The concentrator must know which model this meter is. Give `profile`, as vendor/model.',
  ),
  FINDING_DECIDED: refusal(
    409,
    'This meter does not wait any more: it was taken in or refused, or nothing answers there.',
  ),
  METER_ELSEWHERE: refusal(
    409,
    'This meter is placed already, or has another serial number. Choose another id, or end its placement first.',
  ),
  IMPORT_BUSY: {
    ...refusal(409, 'Another list of meters is being imported. Try again when it is done; that takes some seconds.'),
    retry: 'later',
  },
  IMAGES_FULL: refusal(409, 'No more images can be kept. Remove one first.'),
  EDGE_ACTIVE: refusal(409, 'This concentrator is active already. Deactivate it first to give it new keys.'),
  SETUP_CLOSED: refusal(409, 'This collector has an administrator already.'),
  BODY_TOO_LARGE: refusal(
    413,
    'The body is larger than 1 MiB, than 4 MiB for an image, or than 32 MiB for a list of meters.',
  ),
  MEDIA_TYPE_UNKNOWN: refusal(
    415,
    'Bodies are JSON: send `Content-Type: application/json`; images are application/octet-stream, lists of meters text/csv.',
  ),
  IDEMPOTENCY_KEY_REUSED: refusal(
    422,
    'This idempotency key was used for another command. Use a new key for a new command.',
  ),
  TOO_MANY_ATTEMPTS: { ...refusal(429, 'Too many wrong set-up codes within a minute. Wait a minute.'), retry: 'later' },
  HEADERS_TOO_LARGE: refusal(431, 'The header lines are too long.'),
  INTERNAL: {
    side: 'local',
    retry: 'later',
    sentence: 'Something broke on our side. The log holds the cause under this request id.',
    status: 500,
  },
  STORE_UNREACHABLE: {
    side: 'path',
    retry: 'later',
    sentence: 'The database does not answer. Nothing is lost; try again later.',
    status: 503,
  },
  STORE_DAMAGED: {
    side: 'local',
    retry: 'never',
    sentence: 'A page of the database is damaged, so nothing of it is delivered. Health says what to do.',
    status: 500,
  },
  STREAMS_FULL: {
    side: 'local',
    retry: 'later',
    sentence: 'Too many event streams are open. Close one, or try again later.',
    status: 503,
  },
  BIND_NEEDS_TLS: {
    side: 'local',
    retry: 'never',
    sentence:
      'The API is plain HTTP, so it listens on the loopback address only. Configure api.tls with a certificate and a key, or put a proxy with TLS in front and keep 127.0.0.1.',
    status: 500,
  },
} as const satisfies Record<string, ApiErrorRow>;

/** One of the codes. */
export type ApiErrorCode = keyof typeof API_ERRORS;

/** One place of a request that is wrong. */
export interface Fault {
  /** JSON pointer into {path, query, headers, body}, as a URI fragment: `#/query/limit`. */
  readonly pointer: string;
  readonly detail: string;
}

/** An error that has a status and points at its place. */
export class ApiError extends DeltawattError<ApiErrorCode> {
  /** Fastify reads it. */
  readonly statusCode: number;

  constructor(
    code: ApiErrorCode,
    readonly pointer: string,
    detail = '',
    readonly faults: readonly Fault[] = [],
    options?: { cause?: unknown },
  ) {
    super(code, API_ERRORS[code], detail, options);
    this.statusCode = API_ERRORS[code].status;
  }
}

/** Whether a code of another room has a line here. */
export function isApiCode(code: unknown): code is ApiErrorCode {
  return typeof code === 'string' && Object.hasOwn(API_ERRORS, code);
}
