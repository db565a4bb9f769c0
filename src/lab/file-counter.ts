/**
 * The invocation counter of a one-shot client, kept in a file beside the key file: a block of numbers is on the disk as used
 * before the first of them is sent, so that no two runs ever send the same one. Without the file it begins at the seconds
 * since 2020, above what an edge with the same keys began with.
 */
import type { Env } from '../base/env.ts';
import { COUNTER_BLOCK, CounterSender } from '../dlms/index.ts';
import type { MeterSecurity } from '../dlms/security/meter-security.ts';

/** 2020-01-01, UTC ms: the same beginning as at an edge. */
const EPOCH_MS = 1_577_836_800_000;

/** A counter whose numbers are reserved on disk. */
export class FileCounter {
  private constructor(
    /** Numbers for the session. */
    readonly sender: CounterSender,
    private readonly path: string,
    private readonly env: Pick<Env, 'disk'>,
  ) {}

  /** Opens the counter file and reserves a block; rejects with an Error in words when the file holds no number. */
  static async open(path: string, security: MeterSecurity, env: Pick<Env, 'disk' | 'clock'>): Promise<FileCounter> {
    const octets = await env.disk.readFile(path);
    const stored = octets === undefined ? null : Number(new TextDecoder().decode(octets).trim());
    if (stored !== null && !(Number.isSafeInteger(stored) && stored > 0))
      throw new Error(`${path} holds no invocation counter; write the next number that may be used into it`);
    const first = Math.max(security.firstCounter, Math.floor((env.clock.nowMs() - EPOCH_MS) / 1000));
    const counter = new FileCounter(new CounterSender(stored ?? first), path, env);
    await counter.reserve();
    return counter;
  }

  /** Stores the next block, then lets it be used. */
  async reserve(): Promise<void> {
    const bound = this.sender.reservation(COUNTER_BLOCK);
    await this.env.disk.writeFile(this.path, new TextEncoder().encode(`${bound}\n`));
    this.sender.extend(bound);
  }
}
