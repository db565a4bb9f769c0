/** Log lines as JSON on stderr; the one file that opens `pino`. stdout belongs to what a command prints. */
import { type DestinationStream, destination, type Logger, pino } from 'pino';
import type { Log } from '../base/log.ts';

/** Levels of {@link Log}, and `silent`. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

/** Field names whose values never reach a log, wherever they come from. */
const SECRET_FIELDS = [
  'password',
  'secret',
  'token',
  'key',
  'privateKey',
  'authenticationKey',
  'encryptionKey',
  'masterKey',
];

/**
 * A log that writes lines of at least `level`. Each line: `time` (ISO, UTC), `level`, `event`, then the fields.
 * Writing waits for the pipe, so that the last lines before a crash are there.
 */
export function hostLog(level: LogLevel, stream: DestinationStream = destination({ fd: 2, sync: true })): Log {
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'event',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_FIELDS, censor: '***' },
    },
    stream,
  );
  return wrap(logger);
}

function wrap(logger: Logger): Log {
  return {
    error: (event, fields) => logger.error(fields ?? {}, event),
    warn: (event, fields) => logger.warn(fields ?? {}, event),
    info: (event, fields) => logger.info(fields ?? {}, event),
    debug: (event, fields) => logger.debug(fields ?? {}, event),
    trace: (event, fields) => logger.trace(fields ?? {}, event),
    child: (fields) => wrap(logger.child(fields)),
  };
}
