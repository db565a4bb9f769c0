/** What every command handler is: given a meter, it acts once and says what came of it. */
import type { ImageErrorCode } from '../../../dlms/image/errors.ts';
import type { ImageRecord } from '../../../dlms/image/image-steps.ts';
import type { CommandBody, ObjectValue, RelayState } from '../../../model/command.ts';
import type { MeterEvent } from '../../../model/event.ts';
import type { CommandId, MeterId } from '../../../model/ids.ts';
import type { FirmwareRule } from '../../../profile/schema/profile.ts';
import type { EdgeErrorCode } from '../../errors.ts';
import type {
  Adopting,
  GroupRows,
  JobClass,
  JobFailure,
  MeterAccess,
  Neighbours,
  WantedImage,
  WorkResult,
} from '../../ports.ts';
import type { RoundSeat } from '../image-rounds.ts';

/** What came of a command. */
export interface Outcome {
  readonly state: 'done' | 'refused' | 'failed' | 'uncertain';
  /** Empty when it is done. */
  readonly code: EdgeErrorCode | ImageErrorCode | '';
  readonly sentence: string;
  readonly values: readonly ObjectValue[];
  readonly relay?: RelayState;
  /** Readings that came with it. */
  readonly groups: readonly GroupRows[];
  /** What the concentrator notes of it in its own log. */
  readonly events?: readonly MeterEvent[];
}

/** What handlers use of the outside. */
export interface HandlerTools {
  readonly commandId: CommandId;
  readonly meterId: MeterId;
  sleep(delayMs: number): Promise<void>;
  /** Time of a reading, UTC ms. */
  nowMs(): number;
  /** Wait between an order and the first look at the relay, at least 3 s. */
  readonly relaySettleMs: number;
  /** Whether a relay may be ordered in clear. */
  readonly plainRelay: PlainRelay;
}

/** What becomes of an order to a relay that would go to the meter without authentication. */
export type PlainRelay = 'allow' | 'refuse';

/** One kind of command. */
export interface Handler<Body extends CommandBody = CommandBody> {
  readonly jobClass: JobClass;
  /** Whether it invokes a method: such a command is never run a second time. */
  readonly acts: boolean;
  run(body: Body, meter: MeterAccess, tools: HandlerTools): Promise<Outcome>;
  /** What is said when the meter could not be reached or the work failed; null = what is said of any command. */
  explain?(failure: JobFailure, neighbours: Neighbours): Outcome | null;
  /** The edge restarted after `started`: look, do not act. Only for handlers that act. */
  recover?(body: Body, meter: MeterAccess, tools: HandlerTools): Promise<Outcome>;
}

/** What work in the background uses of the outside. */
export interface BackgroundTools {
  readonly meterId: MeterId;
  /** How the meter takes a new firmware, null = its profile does not say. */
  readonly rule: FirmwareRule | null;
  /** The collector's time where it is known, else the edge's, UTC ms. */
  nowMs(): number;
  monotonicMs(): number;
  /** Rejects when the program stops. */
  sleep(delayMs: number): Promise<void>;
  /** The time of the command has run out. */
  hasExpired(): boolean;
  /** Runs a short turn on the meter's line, when nothing periodic is due. The first one begins the command. */
  onLine(work: (meter: MeterAccess) => Promise<void>): Promise<WorkResult<void>>;
  /** A seat in the rounds in which an image goes to several meters of the line at once; null = this one gets it alone. */
  seat(sha256: string): Promise<RoundSeat | null>;
  image(wanted: WantedImage): Promise<Uint8Array>;
  /** What was kept of this command before a restart. */
  record(): Promise<ImageRecord | null>;
  /** Keeps it when the phase is another one than before; on disk when it resolves. */
  keep(record: ImageRecord): Promise<void>;
  /** Where it stands, for health and console. */
  progress(sentence: string): void;
}

/** A kind of command that takes hours: it shares the line with periodic reading, and goes on after a restart. */
export interface BackgroundHandler<Body extends CommandBody = CommandBody> {
  readonly acts: boolean;
  perform(body: Body, tools: BackgroundTools): Promise<Outcome>;
}

/** What work on the settings uses of the outside. */
export interface SettingsTools {
  readonly meterId: MeterId;
  /** The meter is one of this concentrator already. */
  readonly isRead: boolean;
  readonly adopting: Adopting;
}

/** A kind of command that changes what this concentrator reads, and says nothing to a meter. It can be done twice. */
export interface SettingsHandler<Body extends CommandBody = CommandBody> {
  readonly acts: false;
  /** Rejects with COMMAND_ADOPTION, and with errors of the disk: then it is tried again after the next start. */
  settle(body: Body, tools: SettingsTools): Promise<Outcome>;
}
