/**
 * The interfaces between the collector's rooms; `collector.ts` alone joins them.
 *
 * ingest -> store (append, cursor) ; fold (store/) ; api -> store (queries) ; commands -> store + ingest's publisher.
 */

import type { Command, CommandReport, CommandState } from '../model/command.ts';
import type { GapCause, MeterAttribute, MeterEvent, MeterState } from '../model/event.ts';
import type { CommandId, EdgeId, MeterId, TenantId } from '../model/ids.ts';
import type { Channel, Reading } from '../model/reading.ts';
import type { RereadOrder } from '../model/reread.ts';
import type { EdgeStatus } from '../wire/messages.ts';
import type { GapNotice, JournalRecord } from '../wire/records.ts';
import type { FindingStore } from './commissioning-ports.ts';
import type { RereadStore } from './reread-ports.ts';

export type { RereadChange, RereadPlace, RereadRecord, RereadStore } from './reread-ports.ts';

/** Where a lane of an epoch stands. */
export interface LaneCursor {
  readonly edgeId: EdgeId;
  /** 16 hex digits. */
  readonly epoch: string;
  readonly lane: number;
  readonly upTo: number;
  /** First 8 octets of SHA-256 of block `upTo`; zeros while upTo is 0. */
  readonly headHash: Uint8Array;
  /** Sequence of the first block of the current keyframe group; 0 = none held. */
  readonly keyframe: number;
}

/** A block to be stored, already checked against the cursor. */
export interface BlockAppend {
  readonly sequence: number;
  readonly octets: Uint8Array;
  readonly hash: Uint8Array;
  readonly keyframe: number;
  /** First and last row or record time, UTC ms. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Records of a self-contained block: stored in the same transaction, so a command's result is there at the commit. */
  readonly records?: readonly JournalRecord[];
}

/** The right to store for a shard: whoever holds the newest token. An older one stores nothing any more. */
export interface Lease {
  /** 0-255. */
  readonly shard: number;
  /** Grows each time the shard changes hands. */
  readonly token: number;
}

/** Shards of several collectors. */
export interface LeaseStore {
  /** Takes a shard that is free, expired or ours for `forMs` by the database's clock; undefined while another holds it. */
  takeLease(shard: number, holder: string, forMs: number): Promise<Lease | undefined>;
}

/** What an edge said that its journal holds of a lane. */
export interface LaneReport {
  readonly lane: number;
  /** Highest sequence ever given there. */
  readonly last: number;
}

/** A gap that the edge's hello or a tombstone declares. */
export interface LaneGap {
  readonly edgeId: EdgeId;
  readonly epoch: string;
  readonly lane: number;
  readonly from: number;
  readonly to: number;
  readonly cause: string;
  /** What a tombstone says of the channels concerned: stored with the gap, in the same transaction. */
  readonly notices?: readonly GapNotice[];
  /** Nobody wants what is lost again: the edge gave it up for its age. */
  readonly isUnwanted?: boolean;
}

/** An edge as the collector knows it. */
export interface EdgeRecord {
  readonly edgeId: EdgeId;
  readonly tenantId: TenantId;
  readonly state: 'active' | 'inbox' | 'deactivated';
  /** Symmetric key of the authenticators, 32 octets; absent in the inbox. */
  readonly key?: Uint8Array;
  readonly epoch?: string;
  readonly software?: string;
  readonly lastHelloMs?: number;
  readonly lastBlockMs?: number;
  /** Any sign of life, UTC ms: hello, status or block. */
  readonly lastHeardMs?: number;
  /** What it last said of itself. */
  readonly status?: EdgeStatus;
  readonly note?: string;
}

/** Journal, cursors and registry: what ingest needs. All appends of a call are one transaction. */
export interface JournalStore {
  /** Store id (8 octets) and restore counter (4), in one. */
  readonly term: Uint8Array;
  edge(edgeId: EdgeId): Promise<EdgeRecord | undefined>;
  /** Registers an edge or changes what an operator decides of it: tenant, state, key, note. The rest stays as it is. */
  saveEdge(edge: EdgeRecord): Promise<void>;
  /** Puts an edge that nobody registered into the inbox, unless it is there or registered; false when the inbox is full. */
  noteUnknown(edgeId: EdgeId, atMs: number): Promise<boolean>;
  /** What an edge said in its hello: epoch, software, and the lanes of its journal. */
  noteHello(
    edgeId: EdgeId,
    hello: {
      readonly epoch: string;
      readonly software: string;
      readonly lanes: readonly LaneReport[];
      readonly atMs: number;
    },
  ): Promise<void>;
  /** What an edge said of its health and backlog, in the epoch of its last hello. */
  noteStatus(edgeId: EdgeId, status: EdgeStatus, atMs: number): Promise<void>;
  cursor(edgeId: EdgeId, epoch: string, lane: number): Promise<LaneCursor | undefined>;
  cursors(edgeId: EdgeId, epoch: string): Promise<readonly LaneCursor[]>;
  /**
   * Appends consecutive blocks and moves the cursor from `expected` (compare-and-set on `upTo` and `headHash`), in one
   * transaction. False when the cursor had moved, the edge is not active, or `lease` is not the shard's any more: nothing
   * was stored, the caller reads again.
   */
  append(expected: LaneCursor, blocks: readonly BlockAppend[], lease?: Lease): Promise<boolean>;
  /** Commits the gap and moves the cursor to `gap.to`, in one transaction, under the rules of {@link append}. */
  declareGap(expected: LaneCursor, gap: LaneGap, headHash: Uint8Array, lease?: Lease): Promise<boolean>;
  /** Hash of a stored block; undefined when it is not held any more. */
  storedHash(edgeId: EdgeId, epoch: string, lane: number, sequence: number): Promise<Uint8Array | undefined>;
  /** Stores an event that the collector itself raises; a repeat changes nothing. */
  raise(edgeId: EdgeId, event: MeterEvent): Promise<void>;
  dictionary(edgeId: EdgeId, hash: string): Promise<Uint8Array | undefined>;
  saveDictionary(edgeId: EdgeId, hash: string, octets: Uint8Array): Promise<void>;
  /** Keeps a block that could not be decoded, for a later fix; the cursor moves past it, an alarm event says so. */
  quarantine(expected: LaneCursor, block: BlockAppend, code: string, lease?: Lease): Promise<boolean>;
}

/** Turns journal blocks into day blocks; idempotent, safe to interrupt. */
export interface Folder {
  /**
   * Folds what the journal holds beyond the fold cursors, oldest edges first, until `maxBlocks` are done; returns what was
   * folded. With `olderThanMs` only edges whose oldest unfolded block was committed before that time, or that have many
   * blocks waiting, are folded: a meter's day is then written few times. Reads do not wait for it.
   */
  fold(options: {
    readonly maxBlocks: number;
    readonly olderThanMs?: number;
  }): Promise<{ readonly blocks: number; readonly rows: number }>;
  /** Deletes folded blocks below the last keyframe that were committed before this time; returns how many. */
  prune(olderThanMs: number): Promise<number>;
}

/** A page of anything: `cursor` continues it, absent at the end. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly cursor?: string;
}

/** A meter of the registry with its placement of today. */
export interface MeterRecord {
  readonly meterId: MeterId;
  readonly tenantId: TenantId;
  /** `vendor/model` of its profile, when known. */
  readonly profile?: string;
  readonly name?: string;
  readonly timeZone?: string;
  readonly serial?: string;
  /** System title, 16 hex digits. */
  readonly title?: string;
  /** Line of the concentrator on which it hangs. */
  readonly line?: string;
  /** Physical HDLC address. */
  readonly address?: number;
  readonly edgeId?: EdgeId;
  readonly placedFromMs?: number;
  readonly placedToMs?: number;
  readonly state?: MeterState;
  readonly lastReadingAtMs?: number;
  readonly lastHeardAtMs?: number;
}

/** A channel that has readings. */
export interface ChannelRecord extends Channel {
  readonly unit: string;
  readonly exponent: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

/** A reading with what the collector adds. */
export interface StoredReading extends Reading {
  /** Time of the collector's transaction, UTC ms. */
  readonly knownAtMs: number;
  /** Number of versions of this key that are known, 1 and up; neighbours of equal value count as one. */
  readonly versions: number;
}

/** What a range query asks: interval ends with from < end <= to for intervals, from <= at < to for registers. */
export interface ReadingQuery {
  readonly channel: Channel;
  readonly fromMs: number;
  readonly toMs: number;
  /** Only versions known at this time; STORE_AS_OF_TOO_LATE unless earlier than now and any open ingest transaction. */
  readonly asOfMs?: number;
  /** At least one key is returned, and the versions of one key are never parted. */
  readonly limit: number;
  /** Continue after this time. */
  readonly afterMs?: number;
  /** All versions of different value, oldest first, instead of the one that counts. */
  readonly allVersions?: boolean;
}

/** A run of missing intervals with one cause. */
export interface Gap extends Channel {
  /** First and last missing interval end, UTC ms. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
  readonly cause: GapCause;
  readonly sentence: string;
  /** When it should be there, UTC ms. */
  readonly etaMs?: number;
}

/** Queries of the API. Reads merge day blocks and the unfolded journal. */
export interface QueryStore {
  edges(): Promise<readonly EdgeRecord[]>;
  meters(query: {
    readonly text?: string;
    readonly edgeId?: EdgeId;
    readonly limit: number;
    readonly cursor?: string;
  }): Promise<Page<MeterRecord>>;
  meter(meterId: MeterId): Promise<MeterRecord | undefined>;
  channels(meterId: MeterId): Promise<readonly ChannelRecord[]>;
  readings(query: ReadingQuery): Promise<readonly StoredReading[]>;
  /** Newest by measured time of each channel. */
  latest(meterId: MeterId): Promise<readonly StoredReading[]>;
  events(query: {
    readonly meterId?: MeterId;
    readonly fromMs: number;
    readonly toMs: number;
    readonly limit: number;
    readonly cursor?: string;
  }): Promise<Page<MeterEvent & { readonly edgeId: EdgeId; readonly knownAtMs: number }>>;
  attributes(meterId: MeterId): Promise<readonly MeterAttribute[]>;
  gaps(query: {
    readonly meterId: MeterId;
    readonly fromMs: number;
    readonly toMs: number;
    readonly nowMs: number;
  }): Promise<readonly Gap[]>;
  /** Readings of meters that are not placed, at the time of the reading, on the edge that sent them. `rows` counts values. */
  quarantined(): Promise<
    readonly { readonly edgeId: EdgeId; readonly meterId: MeterId; readonly rows: number; readonly sinceMs: number }[]
  >;
}

/** Registry changes. */
export interface RegistryStore {
  /** Creates a meter or replaces what people say of it; serial number and title stay unless others are given. */
  saveMeter(meter: {
    readonly meterId: MeterId;
    readonly tenantId: TenantId;
    readonly profile?: string;
    readonly name?: string;
    readonly timeZone?: string;
    readonly serial?: string;
    readonly title?: string;
  }): Promise<void>;
  /**
   * Places the meter on the edge from `fromMs` on, until the next later placement, and ends an earlier one there. What the
   * edge sent for it since then comes out of quarantine. Throws STORE_UNKNOWN_METER, STORE_UNKNOWN_EDGE.
   */
  placeMeter(meterId: MeterId, edgeId: EdgeId, fromMs: number): Promise<void>;
  endPlacement(meterId: MeterId, toMs: number): Promise<void>;
}

/** What a list says of a meter; what it leaves out stays as it is. Of a known meter: what is known, and its place now. */
export interface ListedMeter
  extends Pick<
    MeterRecord,
    'meterId' | 'profile' | 'name' | 'timeZone' | 'serial' | 'title' | 'line' | 'address' | 'edgeId'
  > {
  /** Since when it is placed on `edgeId`; absent = since the import. */
  readonly placedFromMs?: number;
}

/** The registry inside the transaction of an import. */
export interface ImportView {
  /** Of each listed meter what is known, and all meters with one of their serial numbers, titles or addresses. */
  known(meters: readonly ListedMeter[], atMs: number): Promise<readonly ListedMeter[]>;
  /** Creates and changes the meters, and places those with an edge that are placed nowhere. */
  write(meters: readonly ListedMeter[], options: { readonly tenantId: TenantId; readonly atMs: number }): Promise<void>;
}

/** Lists of meters. */
export interface ImportStore {
  /** Runs `work` in one transaction, one import at a time. It may be run again; it must not change anything else. */
  withImport<Result>(work: (view: ImportView) => Promise<Result>): Promise<Result>;
}

/** How a list is imported. */
export interface ImportOptions {
  readonly tenantId: TenantId;
  readonly actor: string;
  /** Checks all and changes nothing. */
  readonly isDryRun: boolean;
  /** Takes the lines that are good; otherwise one fault stops all. */
  readonly onlyValid: boolean;
}

/** One fault of a list. */
export interface ImportFault {
  /** Line of the file, from 1. */
  readonly line: number;
  /** Name of the column; empty = the line as a whole. */
  readonly column: string;
  readonly code: string;
  readonly meterId?: string;
  /** What is wrong, a sentence. */
  readonly problem: string;
  /** What to do, a sentence. */
  readonly wayOut: string;
}

/** What became of a list. Meters are counted as they are, or would be if the list were applied. */
export interface ImportReport {
  /** Lines below the first. */
  readonly rows: number;
  readonly created: number;
  readonly changed: number;
  readonly unchanged: number;
  /** Lines with a fault. */
  readonly refused: number;
  /** The registry holds it now. */
  readonly isApplied: boolean;
  readonly isDryRun: boolean;
  /** The first faults, by line. */
  readonly faults: readonly ImportFault[];
  readonly faultsTotal: number;
  readonly tookMs: number;
}

/** Imports lists of meters; implemented by import. */
export interface MeterImporter {
  /** `text` is CSV in UTF-8. Throws IMPORT_BUSY while another list is imported. */
  importMeters(text: AsyncIterable<Uint8Array>, options: ImportOptions): Promise<ImportReport>;
}

/** A command with its state and history. */
export interface CommandRecord extends Command {
  readonly tenantId: TenantId;
  readonly state: CommandState;
  readonly sentence: string;
  readonly reports: readonly CommandReport[];
}

/** Commands and their audit trail. */
export interface CommandStore {
  /** Stores the command, its signed octets and an audit line, in one transaction. With a known idempotency key returns the first one. */
  create(
    command: Command & { readonly tenantId: TenantId },
    signed: { readonly command: Uint8Array; readonly signature: Uint8Array },
    idempotencyKey: string | undefined,
  ): Promise<{ readonly record: CommandRecord; readonly created: boolean }>;
  command(id: CommandId): Promise<CommandRecord | undefined>;
  commands(query: {
    readonly meterId?: MeterId;
    readonly state?: CommandState;
    readonly limit: number;
    readonly cursor?: string;
  }): Promise<Page<CommandRecord>>;
  /** Commands of an edge that are not at an end: sent again after its hello. */
  open(
    edgeId: EdgeId,
  ): Promise<
    readonly { readonly record: CommandRecord; readonly command: Uint8Array; readonly signature: Uint8Array }[]
  >;
  /** Moves the state forward; an earlier or equal state changes nothing. */
  report(report: CommandReport): Promise<CommandRecord | undefined>;
  audit(line: {
    readonly atMs: number;
    readonly actor: string;
    readonly action: string;
    readonly subject: string;
    readonly detail: string;
  }): Promise<void>;
}

/** Users, tokens, one-time set-up codes. Secrets are stored as hashes only. */
export interface AuthStore {
  saveSetupCode(hash: Uint8Array, expiresAtMs: number): Promise<void>;
  /** True once. */
  useSetupCode(hash: Uint8Array, nowMs: number): Promise<boolean>;
  hasUsers(): Promise<boolean>;
  saveToken(token: TokenRecord): Promise<void>;
  token(hash: Uint8Array): Promise<TokenRecord | undefined>;
  revokeToken(id: string): Promise<void>;
  tokens(): Promise<readonly TokenRecord[]>;
}

/** A bearer token as kept. */
export interface TokenRecord {
  readonly id: string;
  readonly tenantId: TenantId;
  readonly hash: Uint8Array;
  readonly name: string;
  readonly role: 'admin' | 'operator' | 'viewer';
  readonly createdAtMs: number;
  readonly expiresAtMs?: number;
  readonly revoked: boolean;
}

/** Who calls the API. */
export interface Principal {
  readonly tokenId: string;
  readonly tenantId: TenantId;
  readonly name: string;
  readonly role: TokenRecord['role'];
}

/** A new token: the text is shown once and kept nowhere. */
export interface IssuedToken {
  readonly text: string;
  readonly record: TokenRecord;
}

/** Tokens and first set-up; implemented by auth. */
export interface Authenticator {
  /** The owner of a bearer token, or null when it is unknown, revoked or expired. */
  authenticate(token: string): Promise<Principal | null>;
  issue(
    request: {
      readonly name: string;
      readonly role: TokenRecord['role'];
      readonly tenantId: TenantId;
      readonly expiresAtMs?: number;
    },
    actor: string,
  ): Promise<IssuedToken>;
  /** False when there is no such token. */
  revoke(id: string, actor: string): Promise<boolean>;
  tokens(): Promise<readonly TokenRecord[]>;
  /** Whether the collector still waits for its first administrator. */
  setupOpen(): Promise<boolean>;
  /** Uses the one-time code and makes the first administrator's token. Throws SETUP_CODE_WRONG, SETUP_CLOSED or TOO_MANY_ATTEMPTS. */
  setUp(code: string, name: string): Promise<IssuedToken>;
}

/** What an operator asks; the desk adds id, epoch, signature and times. */
export interface CommandRequest {
  readonly meterId: MeterId;
  readonly body: Command['body'];
  readonly author: string;
  readonly tenantId: TenantId;
  /** How long it may wait for its edge, ms. */
  readonly validForMs: number;
  readonly idempotencyKey?: string;
}

/** Commands with their whole life; implemented by commands. Records carry the sentence of now ("not reached within 15 s"). */
export interface CommandDesk {
  /** Stores, signs and sends. Throws METER_UNKNOWN, METER_NOT_PLACED, EDGE_NOT_ACTIVE, EDGE_NEVER_HEARD or IDEMPOTENCY_KEY_REUSED. */
  issue(request: CommandRequest): Promise<{ readonly record: CommandRecord; readonly created: boolean }>;
  command(id: CommandId): Promise<CommandRecord | undefined>;
  commands(query: {
    readonly meterId?: MeterId;
    readonly state?: CommandState;
    readonly limit: number;
    readonly cursor?: string;
  }): Promise<Page<CommandRecord>>;
  /** The record with the sentence of now. */
  describe(record: CommandRecord): CommandRecord;
  /** Hears of a command whose words changed without a change in the store. */
  onWords(listener: (record: CommandRecord) => void): void;
}

/** What an edge needs to work with this collector; written to its enrolment file once. */
export interface Enrolment {
  readonly edgeId: EdgeId;
  /** `mqtt://` or `mqtts://` address of the broker. */
  readonly url: string;
  /** Password of the broker's user, whose name is the edge's id. */
  readonly password: string;
  /** Key of the authenticators, 64 hex digits. */
  readonly key: string;
  /** Ed25519 key that signs commands, 64 hex digits. */
  readonly commandPublicKey: string;
  /** Ed25519 key that signs the edge's own limits, 64 hex digits. */
  readonly limitsPublicKey: string;
}

/** Takes edges in and puts them out; implemented by broker. */
export interface Enroller {
  /** New password and key for an edge of the inbox, or for one that never called. Throws EDGE_ACTIVE. */
  adopt(edgeId: EdgeId, tenantId: TenantId, actor: string): Promise<Enrolment>;
  /** The edge may not connect any more. False when there is none of this id. */
  deactivate(edgeId: EdgeId, actor: string): Promise<boolean>;
}

/** A user of the broker; the password is random, 192 bits, so one salted SHA-256 is enough. */
export interface BrokerUser {
  readonly edgeId: EdgeId;
  /** 16 octets. */
  readonly salt: Uint8Array;
  /** SHA-256 of salt and password. */
  readonly hash: Uint8Array;
  /** `pending` waits in the inbox with the password of its first call. */
  readonly state: 'active' | 'pending' | 'blocked';
}

/** Users of the embedded broker. */
export interface BrokerUsers {
  brokerUser(edgeId: EdgeId): Promise<BrokerUser | undefined>;
  brokerUsers(): Promise<readonly BrokerUser[]>;
  saveBrokerUser(user: BrokerUser): Promise<void>;
}

/** One long-lived state in words, for `/health`. */
export interface HealthFact {
  readonly subject: string;
  readonly state: 'ok' | 'degraded' | 'failed';
  readonly sentence: string;
}

/** An image of firmware, without its octets. */
export interface ImageRecord {
  readonly tenantId: TenantId;
  /** Hex. */
  readonly sha256: string;
  readonly sizeOctets: number;
  /** For people. */
  readonly name: string;
  /** Names the image to meters, hex. */
  readonly identifier: string;
  readonly uploadedBy: string;
  readonly uploadedAtMs: number;
}

/** Images of firmware. */
export interface ImageStore {
  /** False when it was there already. */
  saveImage(image: ImageRecord, octets: Uint8Array): Promise<boolean>;
  image(sha256: string): Promise<ImageRecord | undefined>;
  images(): Promise<readonly ImageRecord[]>;
  /** False when there was none. */
  removeImage(sha256: string): Promise<boolean>;
  /** Octets of an image for an edge with an open command that names it; undefined = it has none, or there is no image. */
  imagePart(edgeId: EdgeId, sha256: string, offset: number, length: number): Promise<Uint8Array | undefined>;
}

/** The whole database behind one handle: PostgreSQL in production, a model in memory in the virtual system. */
export interface CollectorStore
  extends JournalStore,
    LeaseStore,
    Folder,
    QueryStore,
    RegistryStore,
    CommandStore,
    ImageStore,
    ImportStore,
    RereadStore,
    FindingStore,
    AuthStore,
    BrokerUsers {
  /** Called after commits that readers may care about. */
  onChange(listener: (change: StoreChange) => void): void;
  /** Empty when the store may acknowledge; otherwise the reasons, in sentences. */
  notSafe(): Promise<readonly string[]>;
  /** What keeps the store from noticing damage, and what is damaged; in sentences, empty when all is well. */
  damage(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** What changed, for the event stream of the API. */
export type StoreChange =
  | { readonly kind: 'blocks'; readonly edgeId: EdgeId; readonly lane: number; readonly upTo: number }
  | { readonly kind: 'readings'; readonly meterIds: readonly MeterId[] }
  | { readonly kind: 'event'; readonly event: MeterEvent; readonly edgeId: EdgeId }
  | { readonly kind: 'command'; readonly command: CommandRecord }
  | { readonly kind: 'meter-state'; readonly state: MeterState }
  | { readonly kind: 'edge'; readonly edgeId: EdgeId }
  /** It told of a meter that joined its network. */
  | { readonly kind: 'found'; readonly edgeId: EdgeId };

/** Sends control messages to an edge; implemented by ingest. */
export interface EdgePublisher {
  /** False when the edge has no open session: the message goes out after its next hello. */
  sendCommand(edgeId: EdgeId, command: Uint8Array, signature: Uint8Array): Promise<boolean>;
  /** As {@link sendCommand}, for orders to read again, 1 to `REREADS_MAX`. */
  sendRereads(edgeId: EdgeId, orders: readonly RereadOrder[]): Promise<boolean>;
}
