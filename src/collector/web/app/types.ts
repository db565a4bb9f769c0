/** Answers of the API as the console uses them; `/api/v1/openapi.json` has them in full. */

/** A page of a list. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly cursor?: string;
}

/** A meter. */
export interface Meter {
  readonly meterId: string;
  readonly name?: string;
  readonly profile?: string;
  readonly timeZone?: string;
  readonly edgeId?: string;
  readonly placedFromMs?: number;
  readonly state: string;
  readonly stateSentence?: string;
  readonly stateSinceMs?: number;
  readonly lastReadingAtMs?: number;
  readonly lastHeardAtMs?: number;
}

/** How far the way to a meter goes. */
export interface Way {
  readonly failing: string | null;
  readonly who: string | null;
  readonly sentence: string;
  readonly rungs: readonly { readonly rung: string; readonly state: 'ok' | 'failed' | 'unknown' }[];
}

/** A concentrator. */
export interface Edge {
  readonly edgeId: string;
  readonly state: 'active' | 'inbox' | 'deactivated';
  readonly software?: string;
  readonly lastHelloMs?: number;
  readonly lastBlockMs?: number;
  readonly lastHeardMs?: number;
  readonly status?: {
    readonly autonomyHours: number;
    readonly backlogBlocks: number;
    readonly facts: readonly { readonly name: string; readonly state: string; readonly sentence: string }[];
  };
  readonly note?: string;
}

/** A run of missing intervals. */
export interface Gap {
  readonly meterId: string;
  readonly obis: string;
  readonly intervalS: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
  readonly cause: string;
  readonly sentence: string;
  readonly etaMs?: number;
}

/** Lost intervals that are read again. */
export interface Reread {
  readonly id: string;
  readonly edgeId: string;
  readonly meterId?: string;
  readonly obis: readonly string[];
  readonly intervalS: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: string;
  readonly state: string;
  readonly sentence: string;
  readonly createdAtMs: number;
}

/** A command. */
export interface Command {
  readonly id: string;
  readonly meterId: string;
  readonly edgeId: string;
  readonly what: string;
  readonly author: string;
  readonly state: string;
  readonly ended: boolean;
  readonly sentence: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly values: readonly CommandValue[];
  readonly relay?: { readonly outputOn: boolean; readonly controlState: number; readonly sentence: string };
  readonly reports: readonly { readonly state: string; readonly sentence: string; readonly atMs: number }[];
}

/** A value that a meter answered to a command. */
export interface CommandValue {
  readonly obis: string;
  readonly attribute: number;
  readonly result: number;
  readonly value?: number | string;
  readonly exponent?: number;
  readonly unit?: string;
  readonly text?: string;
}

/** Readings of a meter that is not placed where it was heard. */
export interface Quarantined {
  readonly edgeId: string;
  readonly meterId: string;
  readonly rows: number;
  readonly sinceMs: number;
}

/** What needs a person. */
export interface Exceptions {
  readonly atMs: number;
  readonly meters: {
    readonly total: number;
    readonly counted: boolean;
    readonly byState: Readonly<Record<string, number>>;
    readonly troubled: readonly Meter[];
  };
  readonly gaps: {
    readonly meters: number;
    readonly intervals: number;
    readonly examined: number;
    readonly items: readonly Gap[];
  };
  readonly commodities: readonly {
    readonly commodity: string;
    readonly meters: number;
    readonly expected: number;
    readonly present: number;
    readonly newestAtMs: number;
  }[];
  readonly neverRead: { readonly meters: number; readonly items: readonly Meter[] };
  readonly commands: { readonly failed: number; readonly open: number; readonly items: readonly Command[] };
  readonly edges: { readonly total: number; readonly unheard: readonly Edge[]; readonly inbox: readonly Edge[] };
  readonly quarantine: readonly Quarantined[];
}

/** A channel of a meter. */
export interface Channel {
  readonly obis: string;
  readonly intervalS: number;
  readonly unit: string;
  readonly exponent: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

/** A reading as a row. */
export interface ReadingRow {
  readonly obis: string;
  readonly intervalS: number;
  readonly atMs: number;
  readonly value: number | string;
  readonly exponent: number;
  readonly unit: string;
  readonly quality: string;
}

/** An event. */
export interface MeterEvent {
  readonly meterId: string | null;
  readonly edgeId: string;
  readonly name: string;
  readonly sentence: string;
  readonly severity: 'info' | 'warning' | 'alarm';
  readonly atMs: number;
}

/** A text read from a meter. */
export interface Attribute {
  readonly obis: string;
  readonly name: string;
  readonly text: string;
  readonly readAtMs: number;
}

/** A page of readings as columns. */
export interface ReadingColumns {
  readonly rows: number;
  readonly columns: Readonly<Record<string, Column>>;
  readonly cursor?: string;
}

/** A column: one value for all rows, or one a row. */
export interface Column {
  readonly type: string;
  readonly constant?: number | string | null;
  readonly values?: readonly (number | string | null)[];
}

/** What became of a list of meters. */
export interface ImportReport {
  readonly rows: number;
  readonly created: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly refused: number;
  readonly isApplied: boolean;
  readonly isDryRun: boolean;
  readonly faults: readonly {
    readonly line: number;
    readonly column: string;
    readonly code: string;
    readonly meterId?: string;
    readonly problem: string;
    readonly wayOut: string;
  }[];
  readonly faultsTotal: number;
}

/** An address of a line, as it was found last. */
export interface Finding {
  readonly findingId: string;
  readonly edgeId: string;
  readonly line: string;
  readonly address?: number;
  /** How its network knows it. */
  readonly node?: { readonly name: string; readonly eui48: string };
  readonly serial?: string;
  readonly deviceName?: string;
  readonly firmware?: string;
  readonly foundAtMs: number;
  readonly state: 'waiting' | 'commissioned' | 'refused' | 'empty';
  readonly meterId?: string;
  readonly sentence: string;
}
