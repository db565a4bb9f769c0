/** The real outside world of a program: one call at start, handed down from there. */
import { realpath } from 'node:fs/promises';
import type { Env } from '../base/env.ts';
import { reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { HOST_CRYPTO, HOST_RANDOM } from './crypto.ts';
import { HOST_DISK } from './disk.ts';
import { hostLog, type LogLevel } from './log.ts';
import { HOST_NET } from './net.ts';
import { hostSerial } from './serial.ts';
import { HOST_CLOCK, HostTimers } from './timers.ts';

/** The client is loaded with the first connection, so that nothing waits for it to start. */
const LAZY_MQTT: Env['mqtt'] = {
  connect: async (options, listener) => (await import('./mqtt.ts')).HOST_MQTT.connect(options, listener),
};

/** What a program decides about its world. */
export interface HostEnvOptions {
  /** Least level of log lines; `info` without it. */
  readonly logLevel?: LogLevel;
  /** A log instead of JSON lines on stderr. */
  readonly log?: Log;
}

/** Makes the {@link Env} of this machine. Nothing is opened yet. */
export function createHostEnv(options: HostEnvOptions = {}): Env {
  const log = options.log ?? hostLog(options.logLevel ?? 'info');
  const report = (error: unknown): void => {
    log.error('host.timer-failed', {
      reason: reasonOf(error),
      stack: error instanceof Error ? error.stack : undefined,
    });
  };
  return {
    clock: HOST_CLOCK,
    timers: new HostTimers(report),
    random: HOST_RANDOM,
    crypto: HOST_CRYPTO,
    disk: HOST_DISK,
    net: HOST_NET,
    serial: hostSerial(log, realpath),
    mqtt: LAZY_MQTT,
    log,
  };
}
