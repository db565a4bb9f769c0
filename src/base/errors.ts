/**
 * One error type for the whole program, and one table of codes per room.
 *
 * A caller matches on `code`, never on words. `side` says whose fault it is, `retry` whether doing it again can help, and
 * the table's sentence tells an operator what happened and what to do next.
 */

/** Whose rule was broken: ours, the peer's, or the way between. */
export type ErrorSide = 'local' | 'remote' | 'path';

/** Whether the same call can succeed later. */
export type ErrorRetry = 'now' | 'later' | 'never';

/** One row of a room's table. */
export interface ErrorRow {
  readonly side: ErrorSide;
  readonly retry: ErrorRetry;
  /** What happened and what to do next, for an operator. */
  readonly sentence: string;
}

/** A room's table of codes. */
export type ErrorTable<Code extends string = string> = Readonly<Record<Code, ErrorRow>>;

/** The error that leaves every room. `detail` names the place (offset, path, object); `cause` is kept. */
export class DeltawattError<Code extends string = string> extends Error {
  override readonly name = 'DeltawattError';
  readonly side: ErrorSide;
  readonly retry: ErrorRetry;
  readonly sentence: string;

  constructor(
    readonly code: Code,
    row: ErrorRow,
    readonly detail: string,
    options?: { cause?: unknown },
  ) {
    super(detail === '' ? `${code}: ${row.sentence}` : `${code}: ${row.sentence} (${detail})`, options);
    this.side = row.side;
    this.retry = row.retry;
    this.sentence = row.sentence;
  }
}

/**
 * Makes a room's constructor of errors from its table: `const wireError = errorsOf(WIRE_ERRORS)`, then
 * `throw wireError('BLOCK_CRC', 'edge e17 lane 2')`.
 */
export function errorsOf<Code extends string>(
  table: ErrorTable<Code>,
): (code: Code, detail?: string, cause?: unknown) => DeltawattError<Code> {
  return (code, detail = '', cause) =>
    new DeltawattError(code, table[code], detail, cause === undefined ? undefined : { cause });
}

/** Whether `error` carries `code`. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof DeltawattError && error.code === code;
}

/** A programmer's mistake: crashes the actor, whose supervisor restarts it and says so. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${what}`);
}

/** The end of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new Error(`not reachable: ${String(value)}`);
}

/** The words of anything that was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
