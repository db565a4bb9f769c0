/** Brings everything that a meter has produced into the ledger: every interval that has ended, read by anybody or not. */
import type { BufferRule } from '../profile/schema/profile.ts';
import type { Ledger, LedgerGroup } from './ledger.ts';
import type { Device } from './meter/device.ts';

interface RecordedBuffer {
  readonly rule: BufferRule;
  readonly group: LedgerGroup;
  /** Newest interval end in the ledger. */
  upToMs: number;
}

/** The ledger's clerk at one meter. */
export class Recorder {
  readonly #buffers: readonly RecordedBuffer[];

  constructor(
    private readonly device: Device,
    private readonly ledger: Ledger,
  ) {
    this.#buffers = device.profile.buffers.map((rule) => ({
      rule,
      group: groupOf(device.meterId, rule),
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
}

function groupOf(meterId: string, rule: BufferRule): LedgerGroup {
  const columns = rule.columns.flatMap((column) =>
    column.kind === 'register'
      ? [{ obis: column.register.obis, exponent: column.register.exponent, unit: column.register.unit }]
      : [],
  );
  return { meterId, intervalS: rule.intervalS, columns };
}
