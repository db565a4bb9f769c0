/**
 * The interfaces through which the edge's actors know each other; `concentrator.ts` alone joins them.
 *
 * scheduler -> reader (one per line) -> stage of the journal -> uplink; commands -> scheduler; everyone -> health.
 */
import type { Data } from '../dlms/axdr/data.ts';
import type { ImageSession } from '../dlms/image/image-session.ts';
import type { MeterSecurity } from '../dlms/security/meter-security.ts';
import type { MbusTarget } from '../mbus/master.machine.ts';
import type { AdoptBody, KeyName, KeyWay, ObjectReference, ObjectValue, RelayState } from '../model/command.ts';
import type { MeterId } from '../model/ids.ts';
import type { RereadEnd } from '../model/reread.ts';
import type { ReadJob } from '../profile/plan.ts';
import type { FirmwareRule, Profile } from '../profile/schema/profile.ts';
import type { Lane } from '../wire/lanes.ts';
import type { JournalRecord } from '../wire/records.ts';
import type { DictionaryGroup, Row } from '../wire/rows.ts';

export type { JournalRecord, MeterSecurity };

/** Whether a group's channels bill or only inform: it decides the lane. */
export type ValueClass = 'billing' | 'low-value';

/** Rows of one group, as a reader hands them in: the group is named in full, the journal numbers it. */
export interface GroupRows {
  readonly group: DictionaryGroup;
  readonly valueClass: ValueClass;
  /** In time order, all above the watermark of (meter, key) unless they were read again. */
  readonly rows: readonly Omit<Row, 'group'>[];
  /** Old rows that are read again: fresh ones go ahead of them. */
  readonly isBackfill?: boolean;
}

/** How far a meter's profile has been read: the interval end of the last row that is safe. */
export interface Watermark {
  readonly meterId: MeterId;
  /** OBIS of the profile, or another name of a read job. */
  readonly key: string;
  readonly atMs: number;
  /** Line on which the meter was read, when it is not the entry's. */
  readonly line?: string;
  /** The watermark above which the meter was asked: a stage refuses rows that would leave a hole. */
  readonly sinceMs?: number | null;
}

/** One atomic append: blocks, watermarks and kept values go into one synced batch, or none does. */
export interface Entry {
  readonly line: string;
  readonly groups: readonly GroupRows[];
  readonly records: readonly JournalRecord[];
  readonly watermarks: readonly Watermark[];
  /** Other state that must change with the blocks: command states, attribute texts. Undefined value = delete. */
  readonly keep: readonly { readonly key: string; readonly value: Uint8Array | undefined }[];
  /** When the edge had read the rows, UTC ms. */
  readonly readAtMs: number;
}

/** What a reader hands to the stage. */
export interface Staged extends Entry {
  /** Nobody can be asked for these rows again: a meter pushed them. They have no watermarks, and outlast a failed flush. */
  readonly isOnlyCopy?: boolean;
}

/** Collects what readers bring until it is worth a block of the journal. */
export interface ReadingStage {
  /** Takes rows and records over; resolves when they need no further care, rejects when a flush that they caused failed. */
  add(staged: Staged): Promise<void>;
  /** How far the profile has been read, staged rows included; falls back to the journal's when a flush failed. */
  watermark(meterId: MeterId, key: string): number | null;
  /** Stores all that waits; rejects with a JOURNAL_* error when that failed. */
  flush(): Promise<void>;
}

/** A stored block, as it travels. */
export interface StoredBlock {
  readonly lane: Lane;
  readonly sequence: number;
  /** First sequence for which it stands, when it is a tombstone for several; otherwise absent. */
  readonly from?: number;
  readonly octets: Uint8Array;
  /** Monotonic ms when this process appended it, or null when it was found at start. */
  readonly appendedAtMs: number | null;
}

/** What the journal holds of a lane. */
export interface LaneSpan {
  readonly lane: Lane;
  /** Lowest sequence held; `last + 1` when none is. */
  readonly first: number;
  /** Highest sequence ever given; 0 = none yet. */
  readonly last: number;
  /** Sequence of the last keyframe's first block, 0 = none. */
  readonly lastKeyframe: number;
  readonly ackedUpTo: number;
  readonly pendingOctets: number;
  readonly pendingBlocks: number;
  /** Time span of what waits: earliest row or record in unacknowledged blocks, UTC ms, or null. */
  readonly oldestPendingMs: number | null;
}

/** Intervals that were lost, here or at the collector: the meter is asked for them again while it still holds them. */
export interface Reread {
  readonly meterId: MeterId;
  readonly intervalS: number;
  /** Columns of the group. */
  readonly obis: readonly string[];
  /** The lost rows lie within these times, UTC ms. */
  readonly fromMs: number;
  readonly toMs: number;
  /** The collector's order; absent = the journal lost them. */
  readonly orderId?: string;
}

/** What should be read again, as a reader uses it. */
export interface RereadSource {
  /** What should be read again now: nothing while the journal is so full that it would be evicted again. */
  rereads(): readonly Reread[];
  /** It was read again and is on the medium, or the meter no longer has it. An entry that grew meanwhile stays. */
  rereadDone(reread: Reread, end: RereadEnd): Promise<void>;
}

/** How much room the journal has. */
export interface JournalRoom {
  readonly quotaOctets: number;
  /** Octets of blocks that are not acknowledged. */
  readonly pendingOctets: number;
  /** Octets appended an hour, measured over the last day; null while too little was appended to tell. */
  readonly octetsPerHour: number | null;
  /** Hours until unacknowledged blocks fill the quota at this rate; null while there is no rate. */
  readonly autonomyHours: number | null;
}

/** The durable log of the edge: the only place where a reading lives between meter and collector. */
export interface Journal extends RereadSource {
  /** 16 hex digits, made with the store. */
  readonly epoch: string;
  /** Resolves when the batch is on the medium; rejects with a JOURNAL_* error and changes nothing. */
  append(entry: Entry): Promise<readonly { readonly lane: Lane; readonly sequence: number }[]>;
  watermark(meterId: MeterId, key: string): number | null;
  kept(key: string): Promise<Uint8Array | undefined>;
  /** All kept values whose key starts with `prefix`, in key order. */
  keptUnder(prefix: string): Promise<readonly (readonly [string, Uint8Array])[]>;
  lanes(): readonly LaneSpan[];
  /** Blocks of a lane from `from` on, at most `maxOctets` together but at least one when there is one. */
  read(lane: Lane, from: number, maxOctets: number): Promise<readonly StoredBlock[]>;
  /** The collector holds everything up to and including `upTo`: permits deletion. Lower values are ignored. */
  acknowledge(lane: Lane, upTo: number): Promise<void>;
  /** A collector restored from a backup asks again: sending restarts above `upTo` where blocks are still held. */
  rewind(lane: Lane, upTo: number): void;
  /** Octets of the dictionary with this hash (16 hex digits), or undefined. */
  dictionary(hash: string): Promise<Uint8Array | undefined>;
  /** Called after each append with the lanes that grew. */
  onAppend(listener: (lanes: readonly Lane[]) => void): void;
  /** An entry of the journal's own list, however it ended. */
  rereadDone(reread: Reread): Promise<void>;
  room(): JournalRoom;
  /** Newest confirmed time at which anything held was read, UTC ms; null when there is none. It is later now. */
  confirmedAtMs(): number | null;
  close(): Promise<void>;
}

/** What the uplink tells the rest. */
export interface UplinkState {
  readonly connected: boolean;
  /** Answered hello: the collector's wall clock can be trusted. */
  readonly sessionOpen: boolean;
  readonly sentence: string;
  readonly lastAckAtMs: number | null;
  readonly payloadOctets: number;
  readonly mqttOctets: number;
  readonly outstandingOctets: number;
}

/** The collector's time, for expiry: from the last answer plus the monotonic clock. */
export interface CollectorTime {
  /** UTC ms, or null while no hello was answered since start. */
  nowMs(): number | null;
}

/** Jobs, most urgent first (facts 1.4). */
export const JOB_CLASSES = [
  'command',
  'on-demand',
  'clock',
  'daily',
  'profile',
  'events',
  'catch-up',
  'background',
] as const;

/** One of {@link JOB_CLASSES}. */
export type JobClass = (typeof JOB_CLASSES)[number];

/** Why a job brought nothing. */
export interface JobFailure {
  readonly code: string;
  readonly sentence: string;
  /** Whether any octet of the request may have reached the meter. */
  readonly reached: 'no' | 'maybe' | 'yes';
  /** Octets that were heard meanwhile and belong to no frame; absent = none. */
  readonly noiseOctets?: number;
}

/** How the other meters of a line are. */
export interface Neighbours {
  readonly others: number;
  /** Of these, the last time that they were called they could not be reached. */
  readonly failing: number;
}

/** Class 70 as read, with what the meter lets us do. */
export interface RelayReading extends RelayState {
  /** `control_mode`, or null when the meter does not tell. */
  readonly controlMode: number | null;
}

/** What a command handler needs of a meter. Every call may reject with an error of the reader (`READER_*`). */
export interface MeterAccess {
  /** IANA name of the site. */
  readonly timeZone: string;
  /** The disconnect control object, or null when the profile has none. */
  readonly relayObis: string | null;
  /** Wait between an order to the relay and the first look at it, as the profile says, ms. */
  readonly relaySettleMs: number;
  /** Whether orders reach it authenticated, under keys of its own; false = in clear, at most under a password. */
  readonly ordersAreProtected: boolean;
  /** What tells the voltage behind the relay, and above how many volts the load is live; null = the meter does not say. */
  readonly loadVoltage: { readonly object: ObjectReference; readonly maxV: number } | null;
  /** How its keys are changed; null = it has none. */
  readonly keyChange: KeyChange | null;
  /** What is read and reported after the relay was switched. */
  readonly snapshot: readonly ObjectReference[];
  /** All registers of the meter in one read-out, where it has nothing else; absent = its objects are read one by one. */
  readAll?(): Promise<readonly ObjectValue[]>;
  /** Reads attributes in one session, with scaler and unit where the object has them. */
  readObjects(objects: readonly ObjectReference[]): Promise<readonly ObjectValue[]>;
  /**
   * Invokes a method once, never repeated by lower layers. A rejection means that the answer is unknown, not that the
   * meter did nothing.
   */
  invoke(classId: number, obis: string, method: number, argument: Data): Promise<{ readonly result: number }>;
  readRelay(): Promise<RelayReading>;
  /** The association over which an image is sent: of the client that the profile keeps for it. */
  imageSession(): Promise<ImageSession>;
  /** Gives the association up: an answer was lost on it. */
  drop(): Promise<void>;
  /** Something urgent waits for the line. */
  isWanted(): boolean;
}

/** The order that gives a meter a new key. */
export interface KeyOrder {
  readonly classId: number;
  readonly obis: string;
  readonly method: number;
  readonly argument: Data;
  /** The new key, wrapped under the master key of the key file: 24 or 40 octets. */
  readonly wrapped: Uint8Array;
}

/** Changes a key of a meter. Both keys are kept, and tried at each sign-on, until the new one is proven. */
export interface KeyChange {
  /** Why this key cannot be changed from here, null = it can. */
  refusal(
    key: KeyName,
    by: KeyWay,
  ):
    | 'COMMAND_NO_MASTER_KEY'
    | 'COMMAND_NO_BROADCAST_KEY'
    | 'COMMAND_KEY_UNPROVABLE'
    | 'COMMAND_KEY_UNAGREEABLE'
    | 'COMMAND_KEY_NEVER_AGREED'
    | 'COMMAND_KEY_NO_WAY_BACK'
    | null;
  /**
   * Draws the new key, and has it on the disk before this resolves; one that a command before left unproven is taken again.
   * Rejects with COMMAND_KEY_WAITS while a new key of the other kind is unproven, with READER_* and errors of the disk.
   */
  prepare(key: KeyName, commandId: string): Promise<KeyOrder>;
  /**
   * Agrees on a new key with the meter. The result of the action, and the key wrapped under the master key of the key file;
   * null = the answer was no agreement. Rejects as {@link prepare} does, with COMMAND_WAY_BACK_CLOSED before the meter was asked to
   * agree on its encryption key, and with whatever kept the answer away.
   */
  agree(key: KeyName, commandId: string): Promise<{ readonly result: number; readonly wrapped: Uint8Array | null }>;
  /**
   * Signs on anew; true when the meter answers to the key of this command, false when it does to the one before. A master key
   * is proven by a transfer of a key that the meter has already; rejects with COMMAND_MASTER_UNKNOWN when it takes none. A
   * broadcast key is proven by the answer to its order, null = it was lost; rejects with COMMAND_BROADCAST_UNKNOWN when it
   * cannot be found out which one the meter has.
   */
  prove(key: KeyName, commandId: string, answer: number | null): Promise<boolean>;
  /** The key of this command as it is kept, proven or not, wrapped under the master key of the key file; null = there is none. */
  wrapped(key: KeyName, commandId: string): Promise<Uint8Array | null>;
  /** Whether the key of this command was proven already. */
  isProved(commandId: string): Promise<boolean>;
}

/** Hears what a meter says on a wire. */
export interface WireListener {
  /** An APDU of the meter. */
  apdu(octets: Uint8Array): void;
  /** The link has ended; the reason is null when it was asked for. */
  down(reason: Error | null): void;
}

/** The framing to one meter, lent to somebody who brings an association of his own. */
export interface MeterWire {
  listen(listener: WireListener): void;
  /** Sends an APDU; nothing after the link has ended. */
  send(apdu: Uint8Array): void;
  /** Ends the link politely. */
  close(): Promise<void>;
}

/** An image that goes out in blocks. */
export interface ImageBlocks {
  readonly octets: Uint8Array;
  /** The image transfer object. */
  readonly obis: string;
  /** As the meters want them. */
  readonly blockOctets: number;
}

/** All stations of a line, of which none answers. */
export interface StationsWire {
  /**
   * Sends a block, numbered from 0; resolves when the next one may follow. Rejects with SESSION_CLOSED, SECURITY_COUNTER_*
   * and JOURNAL_*.
   */
  sendBlock(blocks: ImageBlocks, number: number): Promise<void>;
  /** Lets go of the line. */
  close(): void;
}

/** What somebody with blocks for all stations needs of a line. */
export interface StationsAccess extends Pick<StationsWire, 'sendBlock'> {
  /** Something urgent waits for the line. */
  isWanted(): boolean;
}

/** A meter as it is configured at this edge. */
export interface Meter {
  readonly meterId: MeterId;
  /** Id of the line on which it hangs. */
  readonly line: string;
  readonly profile: Profile;
  /** IANA name of the site. */
  readonly timeZone: string;
  /** Upper HDLC address or wrapper port of the meter. */
  readonly logicalDevice: number;
  /** Lower HDLC address, null = none. */
  readonly physicalDevice: number | null;
  /** Password of low-level security, or null. */
  readonly password: Uint8Array | null;
  /** How its network knows it, where it hangs on one: DLMS id or EUI-48; absent = its line needs no name. */
  readonly name?: string;
  /** Logical device name that it must tell; absent = the one that it told first. */
  readonly deviceName?: string;
  /** A sub-meter in the telegrams of its line: its equipment identifier there; absent = the port is its own. */
  readonly equipmentId?: string;
  /** How it is asked on a wired M-Bus, and who must answer; absent = it is on none. */
  readonly mbus?: { readonly target: MbusTarget; readonly identity: string };
  /** How it is called in ASCII, and which number must answer, null = any; absent = it does not speak it. */
  readonly ascii?: { readonly address: string; readonly identity: string | null };
  /** How it is reached through another meter; absent = it is asked itself. */
  readonly behind?: Behind;
  /** Keys shared with it; absent or null = none. */
  readonly security?: MeterSecurity | null;
}

/** A meter on the M-Bus of another one. */
export interface Behind {
  /** The electricity meter through which it is read. */
  readonly host: Meter;
  /** Its number, or as much of its M-Bus identity as tells it. */
  readonly identity: string;
  /** Since when it hangs there, UTC ms; null = not before it is seen there. */
  readonly installedAtMs: number | null;
}

/** What a periodic job brought. */
export type JobOutcome =
  | {
      readonly ok: true;
      /** The backlog is not empty: there is another slice. */
      readonly more: boolean;
    }
  | {
      readonly ok: false;
      readonly failure: JobFailure;
      /**
       * `job` = the meter answers, this one thing did not work; `meter` = it cannot be talked to; `sign-on` = it refused us;
       * `way` = it had not answered when somebody else needed the line.
       */
      readonly scope: 'job' | 'meter' | 'sign-on' | 'way';
    };

/** The reader of one line, as the scheduler uses it. */
export interface LineReader {
  /** Requests that may be in flight on the line at once, for different meters. */
  readonly slots: number;
  /** How many urgent things wait for the line: a running job ends early when it can, or makes way while its meter is silent. */
  urgentWaits(count: number): void;
  /** Ms for which a meter is better left in peace, since an answer of it is still under way; absent = the line needs no such pause. */
  restMs?(meterId: MeterId): number;
  /** Runs one slice of a periodic job; never rejects. */
  run(meterId: MeterId, job: ReadJob): Promise<JobOutcome>;
  /** Runs urgent work; `started` comes right before the first octet to the meter. Never rejects. */
  work<Result>(
    meterId: MeterId,
    jobClass: JobClass,
    started: () => Promise<void>,
    work: (meter: MeterAccess) => Promise<Result>,
  ): Promise<WorkResult<Result>>;
  /** Lends the framing to a meter, as client `client`, after an association of ours was ended. Never rejects. */
  lend<Result>(
    meterId: MeterId,
    client: number,
    started: () => Promise<void>,
    use: (wire: MeterWire) => Promise<Result>,
  ): Promise<WorkResult<Result>>;
  /** What the meter shares with those that hear the same messages to all stations; null = it hears none. */
  stationsOf(meterId: MeterId): Promise<string | null>;
  /** Lends the line for messages to these stations, after an association of ours was ended. Never rejects. */
  lendAll<Result>(
    meterId: MeterId,
    started: () => Promise<void>,
    use: (all: StationsAccess) => Promise<Result>,
  ): Promise<WorkResult<Result>>;
}

/** How a piece of work on a meter ended. */
export type WorkResult<Result> =
  | { readonly ok: true; readonly result: Result }
  | { readonly ok: false; readonly failure: JobFailure };

/** Puts work ahead of periodic reading. */
export interface Dispatcher {
  /**
   * Runs `work` on the meter's line ahead of periodic jobs; resolves with its result, or with a failure when the meter
   * could not be reached within `timeoutMs` or `work` rejected. `started` runs right before the first octet to the
   * meter; when it rejects with an error that has a code, nothing is sent and the failure carries that code.
   */
  withMeter<Result>(
    meterId: MeterId,
    jobClass: JobClass,
    options: { readonly timeoutMs: number; readonly started: () => Promise<void> },
    work: (meter: MeterAccess) => Promise<Result>,
  ): Promise<WorkResult<Result>>;
  /** Lends the framing to a meter like an on-demand read; the line is taken until `use` settles. */
  withWire<Result>(
    meterId: MeterId,
    client: number,
    options: { readonly timeoutMs: number; readonly started: () => Promise<void> },
    use: (wire: MeterWire) => Promise<Result>,
  ): Promise<WorkResult<Result>>;
  /** Where blocks for this meter go to all stations; meters with the same answer hear the same ones. Null = nowhere. */
  stationsOf(meterId: MeterId): Promise<string | null>;
  /** Lends a line for messages to the stations of this meter, when nothing periodic is due; nothing is said to itself. */
  withAll<Result>(
    meterId: MeterId,
    options: { readonly timeoutMs: number; readonly started: () => Promise<void> },
    use: (all: StationsAccess) => Promise<Result>,
  ): Promise<WorkResult<Result>>;
  has(meterId: MeterId): boolean;
  /** The other meters on its line. */
  neighbours(meterId: MeterId): Neighbours;
  /** How the meter takes a new firmware, null when its profile does not say. */
  firmwareOf(meterId: MeterId): FirmwareRule | null;
}

/** An image of firmware that is wanted. */
export interface WantedImage {
  /** Hex. */
  readonly sha256: string;
  readonly sizeOctets: number;
}

/** What came of taking a meter in. */
export interface AdoptedAs {
  /** The file that it still needs to let us in, null = none. */
  readonly missing: string | null;
}

/** Takes in meters that were found in a network; they are read after the next start. */
export interface Adopting {
  /** It is on the disk when this resolves. Rejects with COMMAND_ADOPTION, and with errors of the disk. */
  adopt(meter: Omit<AdoptBody, 'kind'> & { readonly meterId: MeterId }): Promise<AdoptedAs>;
}

/** Where images come from: the edge's disk, else the collector. */
export interface ImageSource {
  /**
   * The image, its hash checked. Rejects with COMMAND_IMAGE_GONE, COMMAND_IMAGE_DAMAGED, errors of the disk, or the reason
   * of the signal.
   */
  fetch(wanted: WantedImage, signal: AbortSignal): Promise<Uint8Array>;
}

/** Counters and states in plain words; every actor reports here. */
export interface Health {
  count(name: string, by?: number): void;
  gauge(name: string, value: number): void;
  /** One sentence for each long-lived state: `uplink`, `journal`, `line bus1`, `meter 4711`. */
  state(subject: string, state: 'ok' | 'degraded' | 'failed', sentence: string): void;
}

/** A meter in an hour. */
export interface MeterHour {
  readonly meterId: MeterId;
  /** Share of the hour in which it was in the network, percent. */
  readonly therePercent: number;
  readonly joins: number;
}

/** A network in an hour, or in the part of one that has passed. */
export interface NetworkHour {
  /** Begin, UTC ms. */
  readonly fromMs: number;
  /** Share of the time of all meters together, percent. */
  readonly therePercent: number;
  readonly joins: number;
  readonly leaves: number;
  /** Times that the connection to the base node ended. */
  readonly lost: number;
  readonly meters: readonly MeterHour[];
}
