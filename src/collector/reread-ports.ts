/** The part of the interfaces between the collector's rooms that is about reading again; `ports.ts` hands it on. */
import type { EdgeId, MeterId } from '../model/ids.ts';
import type { RereadReason, RereadState } from '../model/reread.ts';

/** Where blocks are missing or unreadable, and which intervals that concerns. */
export interface RereadPlace {
  readonly edgeId: EdgeId;
  /** 16 hex digits. */
  readonly epoch: string;
  readonly lane: number;
  /** First block that is missing or unreadable. */
  readonly sequence: number;
  /** Null = all meters of the edge: nobody knows what the blocks held. Then without columns and with interval 0. */
  readonly meterId: MeterId | null;
  readonly intervalS: number;
  readonly obis: readonly string[];
  /** First and last interval end that may be concerned, UTC ms. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: RereadReason;
}

/** Intervals that are to be read again, and how far that has come. */
export interface RereadRecord extends RereadPlace {
  /** Another one after the store was restored. */
  readonly id: string;
  readonly state: RereadState;
  /** Intervals that the meter gave. */
  readonly rows: number;
  readonly createdAtMs: number;
  readonly orderedAtMs?: number;
  readonly endedAtMs?: number;
}

/** How an entry changes; `dueAtMs` null = it has ended. */
export interface RereadChange {
  readonly state: RereadState;
  readonly atMs: number;
  readonly dueAtMs: number | null;
  readonly rows?: number;
  /** What is really missing. */
  readonly span?: { readonly fromMs: number; readonly toMs: number };
}

/** Intervals that are to be read again. They are listed by the transaction that learns of the loss. */
export interface RereadStore {
  /** Lists more, unless the same place is there or 4,096 of the edge wait; `due` = when they are looked at. */
  listRereads(
    places: readonly RereadPlace[],
    due: { readonly state: RereadState; readonly atMs: number },
  ): Promise<void>;
  /** Entries that have not ended and are due, the longest due first. */
  dueRereads(nowMs: number, limit: number): Promise<readonly RereadRecord[]>;
  /** What an edge was told and has not answered, oldest first. */
  orderedRereads(edgeId: EdgeId, limit: number): Promise<readonly RereadRecord[]>;
  /** Changes an entry that is still in this state; false when it is not. */
  changeReread(record: Pick<RereadRecord, 'edgeId' | 'id' | 'state'>, change: RereadChange): Promise<boolean>;
  /** Newest first. */
  rereads(query: {
    readonly edgeId?: EdgeId;
    readonly meterId?: MeterId;
    readonly state?: RereadState;
    readonly limit: number;
    readonly cursor?: string;
  }): Promise<{ readonly items: readonly RereadRecord[]; readonly cursor?: string }>;
}
