/**
 * Structured logs: one event name per line (`room.what`), ids and numbers as fields with units.
 *
 * error = a person must act; warn = it healed itself; info = a life event; debug = one line per exchange; trace = hex,
 * secrets masked. Pure rooms do not log, they return events.
 */
export interface Log {
  error(event: `${string}.${string}`, fields?: LogFields): void;
  warn(event: `${string}.${string}`, fields?: LogFields): void;
  info(event: `${string}.${string}`, fields?: LogFields): void;
  debug(event: `${string}.${string}`, fields?: LogFields): void;
  trace(event: `${string}.${string}`, fields?: LogFields): void;
  /** A log whose every line also carries `fields`. */
  child(fields: LogFields): Log;
}

/** Fields of a log line: names with units, values that print as JSON. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** The log that keeps nothing: for pure tests. */
export const SILENT_LOG: Log = {
  error() {},
  warn() {},
  info() {},
  debug() {},
  trace() {},
  child: () => SILENT_LOG,
};
