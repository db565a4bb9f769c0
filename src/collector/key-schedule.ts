/** What the rooms of the collector say to each other of keys that are changed by schedule. */
import type { KeyName } from '../model/command.ts';
import type { CommandRecord, MeterRecord } from './ports.ts';

/** Meters whose keys are changed by schedule. */
export interface RotationGroup {
  readonly name: string;
  /** Concentrators whose meters belong to it; empty = all. */
  readonly edges: readonly string[];
  /** Meters that belong to it; empty = all of these concentrators. */
  readonly meters: readonly string[];
  /** Keys that are changed, one after the other. */
  readonly keys: readonly KeyName[];
  readonly periodMs: number;
  /** Nothing is due before, UTC ms. */
  readonly fromMs: number;
}

/** Where a key of a meter stands. */
export interface KeyRotation {
  readonly group: RotationGroup;
  readonly meter: MeterRecord;
  readonly key: KeyName;
  /** The moment that counts now: it has passed, or is the next one, UTC ms. */
  readonly dueAtMs: number;
  /** The order of this moment, or the last one before it; null = there was none. */
  readonly last: CommandRecord | null;
  /** Whether an order is to be given now. */
  readonly isDue: boolean;
}

/** Keys of meters that are changed by schedule. */
export interface RotationSchedule {
  /** Empty = none are. */
  readonly groups: readonly RotationGroup[];
  /** Where the keys of a meter stand; empty when it belongs to no group. */
  of(meter: MeterRecord): Promise<readonly KeyRotation[]>;
}
