/**
 * Brings everything that a meter has produced into the ledger: every interval that has ended, read by anybody or not, and what
 * it told by itself where that is the only copy.
 */
import type { BufferRule, RegisterRule } from '../profile/schema/profile.ts';
import type { Ledger, LedgerGroup } from './ledger.ts';
import type { Device } from './meter/device.ts';
import type { ToldRow } from './meter/telegram.ts';

interface RecordedBuffer {
  readonly rule: BufferRule;
  readonly group: LedgerGroup;
  /** Newest interval end in the ledger. */
  upToMs: number;
}

/** The ledger's clerk at one meter. */
export class Recorder {
  readonly #buffers: readonly RecordedBuffer[];
  /** What it told, by the registers in it. */
  readonly #told = new Map<string, { readonly group: LedgerGroup; atMs: number }>();

  constructor(
    private readonly device: Device,
    private readonly ledger: Ledger,
  ) {
    this.#buffers = device.profile.buffers.map((rule) => ({
      rule,
      group: groupOf(
        device.meterId,
        rule.intervalS,
        rule.columns.flatMap((column) => (column.kind === 'register' ? [column.register] : [])),
      ),
      upToMs: device.heldSinceMs(rule),
    }));
  }

  /** Notes every row that has been captured since the last call; nothing is durable before the ledger's flush. */
  record(): void {
    for (const buffer of this.#buffers) {
      for (const atMs of this.device.ends(buffer.rule, buffer.upToMs)) {
        this.ledger.note(buffer.group, atMs, this.device.rowAt(buffer.rule, atMs).values);
        buffer.upToMs = atMs;
      }
    }
  }

  /** Notes what it tells by itself; what it says again is noted once. */
  told({ atMs, registers, values }: Omit<ToldRow, 'device'>): void {
    const key = registers.map(({ obis }) => obis).join();
    const known = this.#told.get(key) ?? {
      group: groupOf(this.device.meterId, 0, registers),
      atMs: Number.NEGATIVE_INFINITY,
    };
    this.#told.set(key, known);
    if (known.atMs === atMs) return;
    known.atMs = atMs;
    this.ledger.note(known.group, atMs, values);
  }
}

function groupOf(meterId: string, intervalS: number, registers: readonly RegisterRule[]): LedgerGroup {
  const columns = registers.map(({ storedAs, exponent, unit }) => ({ obis: storedAs, exponent, unit }));
  return { meterId, intervalS, columns };
}
