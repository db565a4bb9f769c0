/** What every command handler is: given a meter, it acts once and says what came of it. */
import type { CommandBody, ObjectValue, RelayState } from '../../../model/command.ts';
import type { MeterId } from '../../../model/ids.ts';
import type { EdgeErrorCode } from '../../errors.ts';
import type { GroupRows, JobClass, MeterAccess } from '../../ports.ts';

/** What came of a command. */
export interface Outcome {
  readonly state: 'done' | 'refused' | 'failed' | 'uncertain';
  /** Empty when it is done. */
  readonly code: EdgeErrorCode | '';
  readonly sentence: string;
  readonly values: readonly ObjectValue[];
  readonly relay?: RelayState;
  /** Readings that came with it. */
  readonly groups: readonly GroupRows[];
}

/** What handlers use of the outside. */
export interface HandlerTools {
  readonly meterId: MeterId;
  sleep(delayMs: number): Promise<void>;
  /** Time of a reading, UTC ms. */
  nowMs(): number;
  /** Wait between an order and the first look at the relay, at least 3 s. */
  readonly relaySettleMs: number;
}

/** One kind of command. */
export interface Handler<Body extends CommandBody = CommandBody> {
  readonly jobClass: JobClass;
  /** Whether it invokes a method: such a command is never run a second time. */
  readonly acts: boolean;
  run(body: Body, meter: MeterAccess, tools: HandlerTools): Promise<Outcome>;
  /** The edge restarted after `started`: look, do not act. Only for handlers that act. */
  recover?(body: Body, meter: MeterAccess): Promise<Outcome>;
}
