/** What commands that take hours use of the outside: turns on a line, their own record in the journal, images. */

import type { Env } from '../../base/env.ts';
import { DeltawattError } from '../../base/errors.ts';
import type { ImageRecord } from '../../dlms/image/image-steps.ts';
import { entryWith } from '../entry.ts';
import { EDGE_ERRORS, type EdgeErrorCode, edgeError } from '../errors.ts';
import { BACKGROUND_WAIT_MS } from '../limits.ts';
import type { CollectorTime, Dispatcher, Health, ImageSource, Journal } from '../ports.ts';
import type { BackgroundTools } from './handlers/handler.ts';
import type { ImageRounds } from './image-rounds.ts';
import type { KeptCommand } from './kept.ts';

/** Whose tools they are. */
export interface BackgroundSurroundings {
  readonly env: Env;
  readonly journal: Journal;
  readonly dispatcher: Dispatcher;
  readonly collectorTime: CollectorTime;
  readonly health: Health;
  readonly images: ImageSource;
  readonly rounds: ImageRounds;
  readonly signal: AbortSignal;
}

/** Where the record of a command lies in the journal. */
export function recordKeyOf(id: string): string {
  return `firmware/${id}`;
}

/** The tools of one command; `started` runs before its first turn on the line, unless it was started before. */
export function backgroundTools(
  id: string,
  kept: KeptCommand,
  around: BackgroundSurroundings,
  started: () => Promise<void>,
): BackgroundTools {
  const { env, journal, dispatcher, collectorTime, health, images, rounds, signal } = around;
  const { meterId, expiresAtMs } = kept;
  let isStarted = kept.startedAtMs !== null;
  let phase: ImageRecord['phase'] | null = null;
  return {
    meterId,
    rule: dispatcher.firmwareOf(meterId),
    nowMs: () => collectorTime.nowMs() ?? env.clock.nowMs(),
    monotonicMs: () => env.clock.monotonicMs(),
    sleep: (delayMs) => env.timers.sleep(delayMs, signal),
    hasExpired: () => (collectorTime.nowMs() ?? 0) >= expiresAtMs,
    async onLine(work) {
      signal.throwIfAborted();
      const begin = isStarted ? () => Promise.resolve() : started;
      const ended = await dispatcher.withMeter(
        meterId,
        'background',
        { timeoutMs: BACKGROUND_WAIT_MS, started: begin },
        (meter) => {
          isStarted = true;
          return work(meter);
        },
      );
      signal.throwIfAborted();
      // What the command itself was refused for no later turn can change.
      if (!ended.ok && isCommandCode(ended.failure.code)) throw edgeError(ended.failure.code, id);
      return ended;
    },
    async seat(sha256) {
      const place = await dispatcher.stationsOf(meterId);
      return place === null ? null : rounds.seat(place, sha256, meterId);
    },
    image: (wanted) => images.fetch(wanted, signal),
    record: async () => recordOf(await journal.kept(recordKeyOf(id))),
    async keep(record) {
      if (record.phase === phase) return;
      const value = new TextEncoder().encode(JSON.stringify(record));
      await journal.append(entryWith(env.clock.nowMs(), { keep: [{ key: recordKeyOf(id), value }] }));
      phase = record.phase;
    },
    progress: (sentence) => health.state(`firmware ${meterId}`, 'ok', sentence),
  };
}

/** Why work in the background ended without an outcome. */
export function backgroundFailure(error: unknown): { readonly code: string; readonly sentence: string } {
  if (error instanceof DeltawattError) return { code: error.code, sentence: error.sentence };
  throw error;
}

function isCommandCode(code: string): code is EdgeErrorCode {
  return code.startsWith('COMMAND_') && code in EDGE_ERRORS;
}

function recordOf(octets: Uint8Array | undefined): ImageRecord | null {
  if (octets === undefined) return null;
  try {
    return JSON.parse(new TextDecoder().decode(octets)) as ImageRecord;
  } catch {
    return null;
  }
}
