/**
 * Commands at the edge: verified, remembered, carried out once, answered through the journal.
 *
 * accepted -> started -> an end state. `started` is on disk before the first octet goes to the meter, so after a restart
 * we know which orders may have reached one: those are never repeated, the meter is looked at and the answer is
 * `uncertain` with what was seen. A read that was interrupted is simply read again. An id that was seen before gets its
 * first answer again and does nothing. Everything that is reported goes into lane 1 of the journal together with the
 * kept state, in one batch.
 *
 * The collector's time decides about expiry; while it is unknown nothing is taken or started.
 */
import { setMaxListeners } from 'node:events';
import type { Env } from '../../base/env.ts';
import { DeltawattError, reasonOf } from '../../base/errors.ts';
import {
  type Command,
  type CommandBody,
  type CommandReport,
  type CommandState,
  END_STATES,
} from '../../model/command.ts';
import { decodeCommand } from '../../wire/codec.ts';
import { EDGE_ERRORS, type EdgeErrorCode, edgeError } from '../errors.ts';
import {
  COMMAND_KEEP_MS,
  COMMAND_LIFETIME_MAX_MS,
  COMMAND_MAX_OCTETS,
  NOT_REACHED_MS,
  OPEN_COMMANDS_MAX,
  RELAY_SETTLE_MIN_MS,
  UNVERIFIED_REPORTS_PER_HOUR,
} from '../limits.ts';
import type {
  Adopting,
  CollectorTime,
  Dispatcher,
  Entry,
  Health,
  ImageSource,
  JobFailure,
  Journal,
  WorkResult,
} from '../ports.ts';
import { bare, failureOutcome, interrupted } from './answers.ts';
import { backgroundFailure, backgroundTools, recordKeyOf } from './background.ts';
import { isSigned, reasonToRefuse, withinHour } from './gate.ts';
import { ADOPT_HANDLER } from './handlers/adopt.ts';
import { FIRMWARE_HANDLER } from './handlers/firmware.ts';
import type {
  BackgroundHandler,
  Handler,
  HandlerTools,
  Outcome,
  PlainRelay,
  SettingsHandler,
} from './handlers/handler.ts';
import { KEY_ROTATION_HANDLER } from './handlers/key-rotation.ts';
import { PING_HANDLER } from './handlers/ping.ts';
import { READ_HANDLER } from './handlers/read.ts';
import { RELAY_HANDLER } from './handlers/relay.ts';
import { ImageRounds } from './image-rounds.ts';
import { decodeKept, encodeKept, KEPT_COMMANDS, type KeptCommand, keyOf, withoutLongAnswer } from './kept.ts';
import type { EdgeLimits } from './limits-document.ts';

/** What the actor is made of. */
export interface CommandsOptions {
  readonly env: Env;
  readonly edgeId: string;
  /** Ed25519 key of those who may give orders, 32 octets. */
  readonly publicKey: Uint8Array;
  readonly limits: EdgeLimits;
  readonly journal: Journal;
  readonly dispatcher: Dispatcher;
  readonly collectorTime: CollectorTime;
  readonly health: Health;
  readonly relaySettleMs?: number;
  readonly images: ImageSource;
  readonly plainRelay?: PlainRelay;
  /** Takes meters in; absent = none are. */
  readonly adopting?: Adopting;
  /** A meter was taken in, and the answer is on disk. */
  readonly adopted?: () => void;
  /** Longest validity of an order to a relay, ms; absent = as for any command. */
  readonly orderValidityMs?: number;
}

type BodyOf<Kind extends CommandBody['kind']> = CommandBody & { readonly kind: Kind };

type AnyHandler<Body extends CommandBody = CommandBody> =
  | Handler<Body>
  | BackgroundHandler<Body>
  | SettingsHandler<Body>;

const HANDLERS: { readonly [Kind in CommandBody['kind']]: AnyHandler<BodyOf<Kind>> } = {
  read: READ_HANDLER,
  relay: RELAY_HANDLER,
  firmware: FIRMWARE_HANDLER,
  'key-rotation': KEY_ROTATION_HANDLER,
  ping: PING_HANDLER,
  adopt: ADOPT_HANDLER,
};

/** A repeat is answered again no more often than this: an answer costs a block. */
const REPEAT_ANSWER_MS = 10_000;
/** Ids whose last answer is remembered for that. */
const ANSWERED_MAX = 1_024;
const PRUNE_INTERVAL_MS = 3_600_000;
const APPEND_RETRY_MS = 5_000;

/** The actor. */
export class Commands {
  readonly #options: CommandsOptions;
  /** All kept commands by id: small, as they leave 30 days after their expiry. */
  readonly #kept = new Map<string, KeptCommand>();
  /** Disconnects that this process began, monotonic ms: no clock of the collector can make the edge's own cap forget them. */
  readonly #disconnectsHere = new Map<string, number>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #answeredAtMs = new Map<string, number>();
  readonly #stopping = new AbortController();
  readonly #rounds: ImageRounds;
  #unverifiedAtMs: number[] = [];
  #prunedAtMs: number | null = null;

  constructor(options: CommandsOptions) {
    this.#options = options;
    // Each command that waits listens for the end.
    setMaxListeners(2 * OPEN_COMMANDS_MAX, this.#stopping.signal);
    this.#rounds = new ImageRounds({ ...options, signal: this.#stopping.signal });
  }

  /** Loads what was kept and looks at the meters whose orders were interrupted by a restart. */
  async start(): Promise<void> {
    for (const [key, octets] of await this.#options.journal.keptUnder(KEPT_COMMANDS)) {
      const kept = decodeKept(octets);
      if (kept === null) this.#options.health.count('commands_unreadable_kept');
      else this.#kept.set(key.slice(KEPT_COMMANDS.length), kept);
    }
    for (const [id, kept] of this.#kept) {
      if (kept.report.state !== 'started') continue;
      const handler = handlerOf(kept.body);
      if (isBackground(handler)) this.#track(id, this.#run(id, kept));
      else if (handler.acts && !isSettings(handler)) this.#track(id, this.#recover(id, kept, handler));
    }
  }

  /** No new work is begun; resolves when what runs has ended or given up. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('commands were stopped'));
    await Promise.allSettled(this.#running.values());
  }

  /** The collector's time is known now: goes on with what was accepted before a restart. */
  opened(): void {
    for (const [id, kept] of this.#kept) {
      if (!END_STATES.has(kept.report.state) && !this.#running.has(id)) this.#track(id, this.#run(id, kept));
    }
    void this.#prune();
  }

  /** A command from the collector; resolves when it is on disk, or refused. */
  async receive(command: Uint8Array, signature: Uint8Array): Promise<void> {
    const { env, publicKey, health } = this.#options;
    health.count('commands_received');
    if (command.length > COMMAND_MAX_OCTETS) return health.count('commands_malformed');
    const signed = isSigned(command, signature, publicKey, env.crypto);
    let decoded: Command;
    try {
      decoded = decodeCommand(command);
    } catch {
      return health.count('commands_malformed');
    }
    if (!signed) return await this.#unverified(decoded);
    const known = this.#kept.get(decoded.id);
    if (known !== undefined) return await this.#repeat(known);
    const refused = reasonToRefuse(decoded, {
      edgeId: this.#options.edgeId,
      epoch: this.#options.journal.epoch,
      nowMs: this.#options.collectorTime.nowMs(),
      knowsMeter: this.#options.dispatcher.has(decoded.meterId),
      openCommands: this.#running.size,
      openCommandsMax: OPEN_COMMANDS_MAX,
      orderValidityMs: this.#options.orderValidityMs ?? COMMAND_LIFETIME_MAX_MS,
    });
    if (refused !== null) return await this.#refuse(decoded, refused);
    await this.#accept(decoded);
  }

  #nowMs(): number {
    return this.#options.collectorTime.nowMs() ?? this.#options.env.clock.nowMs();
  }

  async #accept(command: Command): Promise<void> {
    const kept: KeptCommand = {
      version: 1,
      meterId: command.meterId,
      author: command.author,
      body: command.body,
      expiresAtMs: command.expiresAtMs,
      startedAtMs: null,
      report: this.#report(command, 'accepted', '', 'The concentrator holds the command.'),
    };
    // Remembered before the write: the same id must not slip in while it is under way.
    this.#kept.set(command.id, kept);
    try {
      await this.#keep(kept);
    } catch (error) {
      this.#kept.delete(command.id);
      throw error;
    }
    this.#track(command.id, this.#run(command.id, kept));
  }

  #track(id: string, work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => {
        this.#options.health.count('commands_crashed');
        this.#options.env.log.error('commands.crashed', { id, reason: reasonOf(error) });
      })
      .finally(() => this.#running.delete(id));
    this.#running.set(id, tracked);
  }

  async #run(id: string, kept: KeptCommand): Promise<void> {
    const handler = handlerOf(kept.body);
    if (isBackground(handler)) return await this.#runInBackground(id, kept, handler);
    if (isSettings(handler)) return await this.#settle(id, kept, handler);
    const tools = this.#toolsOf(kept);
    const ended = await this.#options.dispatcher.withMeter(
      kept.meterId,
      handler.jobClass,
      { timeoutMs: NOT_REACHED_MS, started: () => this.#started(id) },
      (meter) => handler.run(kept.body, meter, tools),
    );
    if (this.#stopping.signal.aborted && !ended.ok) return;
    await this.#finish(id, ended);
  }

  #toolsOf({ meterId, report }: KeptCommand): HandlerTools {
    const { env, relaySettleMs, plainRelay } = this.#options;
    return {
      meterId,
      commandId: report.id,
      sleep: (delayMs) => env.timers.sleep(delayMs, this.#stopping.signal),
      nowMs: () => env.clock.nowMs(),
      relaySettleMs: relaySettleMs ?? RELAY_SETTLE_MIN_MS,
      plainRelay: plainRelay ?? 'allow',
    };
  }

  async #settle(id: string, kept: KeptCommand, handler: SettingsHandler): Promise<void> {
    const { adopting, adopted, dispatcher } = this.#options;
    const { meterId, body } = kept;
    try {
      await this.#started(id);
      if (adopting === undefined) throw edgeError('COMMAND_ADOPTION', 'it takes no meters in');
      const tools = { meterId, adopting, isRead: dispatcher.has(meterId) };
      const result = await handler.settle(body, tools);
      await this.#finish(id, { ok: true, result });
      if (result.state === 'done' && !tools.isRead) adopted?.();
    } catch (error) {
      if (!(error instanceof DeltawattError) || !error.code.startsWith('COMMAND_')) throw error;
      const { code, sentence } = error;
      await this.#finish(id, { ok: false, failure: { code, sentence, reached: 'no' } });
    }
  }

  async #runInBackground(id: string, kept: KeptCommand, handler: BackgroundHandler): Promise<void> {
    const around = { ...this.#options, rounds: this.#rounds, signal: this.#stopping.signal };
    const tools = backgroundTools(id, kept, around, () => this.#started(id));
    try {
      await this.#finish(id, { ok: true, result: await handler.perform(kept.body, tools) });
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      await this.#finish(id, { ok: false, failure: { ...backgroundFailure(error), reached: 'maybe' } });
    }
  }

  /** Right before the first octet to the meter: the last checks, then `started` goes to disk. */
  async #started(id: string): Promise<void> {
    const kept = this.#kept.get(id);
    const nowMs = this.#options.collectorTime.nowMs();
    if (kept === undefined || nowMs === null) throw edgeError('COMMAND_NO_TIME', id);
    if (nowMs >= kept.expiresAtMs) throw edgeError('COMMAND_EXPIRED', id);
    if (isDisconnect(kept.body) && this.#disconnectsWithinHour(nowMs) >= this.#options.limits.disconnectsPerHour) {
      throw edgeError('COMMAND_CAP', `${this.#options.limits.disconnectsPerHour} an hour`);
    }
    const report = this.#report(kept.report, 'started', '', 'The concentrator turns to the meter.');
    // Counted before the write, so that two orders at once cannot both be the last one allowed.
    const started = { ...kept, startedAtMs: nowMs, report };
    this.#kept.set(id, started);
    if (isDisconnect(kept.body)) this.#disconnectsHere.set(id, this.#options.env.clock.monotonicMs());
    await this.#keep(started);
  }

  #disconnectsWithinHour(nowMs: number): number {
    const here = withinHour([...this.#disconnectsHere.values()], this.#options.env.clock.monotonicMs());
    const earlier: number[] = [];
    for (const [id, { body, startedAtMs }] of this.#kept) {
      if (startedAtMs !== null && isDisconnect(body) && !this.#disconnectsHere.has(id)) earlier.push(startedAtMs);
    }
    return here + withinHour(earlier, nowMs);
  }

  async #finish(id: string, ended: WorkResult<Outcome>): Promise<void> {
    const kept = this.#kept.get(id);
    if (kept === undefined) return;
    const outcome = ended.ok ? ended.result : this.#explained(kept, ended.failure);
    const report: CommandReport = {
      ...this.#report(kept.report, outcome.state, outcome.code, outcome.sentence),
      values: outcome.values,
      ...('relay' in outcome && outcome.relay !== undefined ? { relay: outcome.relay } : {}),
    };
    const last = { ...kept, report };
    this.#kept.set(id, last);
    this.#options.health.count(`commands_${outcome.state}`);
    const events = 'events' in outcome ? (outcome.events ?? []) : [];
    const records = events.map((event) => ({ kind: 'event', event }) as const);
    await this.#keepUntilWritten(last, { groups: outcome.groups, records });
  }

  #explained({ meterId, body }: KeptCommand, failure: JobFailure) {
    const handler = handlerOf(body);
    const words =
      'explain' in handler ? handler.explain?.(failure, this.#options.dispatcher.neighbours(meterId)) : null;
    return words ?? failureOutcome(failure.code, failure.sentence);
  }

  async #recover(id: string, kept: KeptCommand, handler: Handler): Promise<void> {
    const ended = await this.#options.dispatcher.withMeter(
      kept.meterId,
      handler.jobClass,
      { timeoutMs: NOT_REACHED_MS, started: () => Promise.resolve() },
      async (meter) =>
        (await handler.recover?.(kept.body, meter, this.#toolsOf(kept))) ?? interrupted('It cannot be read back.'),
    );
    if (this.#stopping.signal.aborted && !ended.ok) return;
    await this.#finish(id, ended.ok ? ended : { ok: true, result: interrupted(ended.failure.sentence) });
  }

  /** An id that was seen before: its first answer again, and nothing else. */
  async #repeat(known: KeptCommand): Promise<void> {
    this.#options.health.count('commands_repeated');
    if (this.#wasAnsweredJustNow(known.report.id)) return;
    await this.#options.journal.append(this.#entry([known.report]));
  }

  #wasAnsweredJustNow(id: string): boolean {
    const nowMs = this.#options.env.clock.monotonicMs();
    const lastMs = this.#answeredAtMs.get(id);
    if (lastMs !== undefined && nowMs - lastMs < REPEAT_ANSWER_MS) return true;
    if (this.#answeredAtMs.size >= ANSWERED_MAX) this.#answeredAtMs.clear();
    this.#answeredAtMs.set(id, nowMs);
    return false;
  }

  /** The id is not kept: whoever cannot sign must not be able to use up an id of somebody who can. */
  async #unverified(command: Command): Promise<void> {
    this.#options.health.count('commands_unverified');
    this.#options.env.log.warn('commands.unverified', { id: command.id, author: command.author });
    const nowMs = this.#options.env.clock.monotonicMs();
    this.#unverifiedAtMs = this.#unverifiedAtMs.filter((timeMs) => timeMs > nowMs - 3_600_000);
    if (this.#unverifiedAtMs.length >= UNVERIFIED_REPORTS_PER_HOUR || this.#kept.has(command.id)) return;
    this.#unverifiedAtMs.push(nowMs);
    const { sentence } = EDGE_ERRORS.COMMAND_SIGNATURE;
    const report = this.#report(command, 'refused', 'COMMAND_SIGNATURE', sentence);
    await this.#options.journal.append(this.#entry([report]));
  }

  async #refuse(command: Command, code: EdgeErrorCode): Promise<void> {
    const state: CommandState = code === 'COMMAND_EXPIRED' ? 'expired' : 'refused';
    this.#options.health.count(`commands_${state}`);
    const report = this.#report(command, state, code, EDGE_ERRORS[code].sentence);
    const { meterId, author, body, expiresAtMs } = command;
    const kept: KeptCommand = { version: 1, meterId, author, body, expiresAtMs, startedAtMs: null, report };
    // Only an expired id is worth keeping: the others are refused by what they are, however often they come.
    if (state !== 'expired') {
      if (this.#wasAnsweredJustNow(command.id)) return;
      await this.#options.journal.append(this.#entry([report]));
      return;
    }
    this.#kept.set(command.id, kept);
    await this.#keep(kept);
  }

  #report(
    command: Pick<CommandReport, 'id' | 'meterId'>,
    state: CommandState,
    code: string,
    sentence: string,
  ): CommandReport {
    return { id: command.id, meterId: command.meterId, state, code, sentence, atMs: this.#nowMs(), values: [] };
  }

  #entry(reports: readonly CommandReport[], { groups = [], records = [], keep = [] }: Partial<Entry> = {}): Entry {
    const told = reports.map((report) => ({ kind: 'command', report }) as const);
    const readAtMs = this.#options.env.clock.nowMs();
    return { line: '', groups, records: [...told, ...records], watermarks: [], keep, readAtMs };
  }

  async #keep(kept: KeptCommand, beside: Partial<Entry> = {}): Promise<void> {
    const { id, state } = kept.report;
    const isOver = END_STATES.has(state) && isBackground(handlerOf(kept.body));
    const short = withoutLongAnswer(kept);
    const keep = [
      { key: keyOf(id), value: encodeKept(short) },
      ...(isOver ? [{ key: recordKeyOf(id), value: undefined }] : []),
    ];
    await this.#options.journal.append(this.#entry([kept.report], { ...beside, keep }));
    if (short !== kept) this.#kept.set(id, short);
  }

  /** A result must not be lost because the disk is full for a moment. */
  async #keepUntilWritten(kept: KeptCommand, beside: Partial<Entry>): Promise<void> {
    for (;;) {
      try {
        return await this.#keep(kept, beside);
      } catch (error) {
        if (error instanceof DeltawattError && error.retry === 'never') return await this.#keep(bare(kept, error.code));
        if (this.#stopping.signal.aborted) throw error;
        this.#options.env.log.error('commands.result-not-stored', { id: kept.report.id, reason: reasonOf(error) });
        await this.#options.env.timers.sleep(APPEND_RETRY_MS, this.#stopping.signal);
      }
    }
  }

  /** Forgets ids whose expiry is 30 days past. */
  async #prune(): Promise<void> {
    const nowMs = this.#options.collectorTime.nowMs();
    if (nowMs === null || (this.#prunedAtMs !== null && nowMs - this.#prunedAtMs < PRUNE_INTERVAL_MS)) return;
    this.#prunedAtMs = nowMs;
    const old = [...this.#kept].filter(
      ([id, kept]) => !this.#running.has(id) && kept.expiresAtMs + COMMAND_KEEP_MS < nowMs,
    );
    if (old.length === 0) return;
    const keep = old.map(([id]) => ({ key: keyOf(id), value: undefined }));
    await this.#options.journal
      .append(this.#entry([], { keep }))
      .then(() => {
        for (const [id] of old) this.#kept.delete(id);
      })
      .catch((error: unknown) => this.#options.env.log.warn('commands.prune-failed', { reason: reasonOf(error) }));
  }
}

/** The handler of a body; the table is typed by kind, which a union of bodies cannot show. */
function handlerOf(body: CommandBody): AnyHandler {
  return HANDLERS[body.kind] as AnyHandler;
}

function isSettings(handler: AnyHandler): handler is SettingsHandler {
  return 'settle' in handler;
}

function isBackground(handler: AnyHandler): handler is BackgroundHandler {
  return 'perform' in handler;
}

function isDisconnect(body: CommandBody): boolean {
  return body.kind === 'relay' && body.action === 'disconnect';
}
