/**
 * A command's life at the collector.
 *
 * Plan: check -> sign -> store with its audit line -> send -> wait for reports, which the store takes in with the blocks
 * of lane 1. Ingest sends what is open again after each hello, since a repeat of an id does nothing at the edge but answer.
 * Given up: the collector never calls a command expired once it was sent, because the edge may have run it and not yet
 * been able to say so; it says that in words instead, and `uncertain` after the edge's own memory of the id has ended.
 * Weak point: the words of a late command are made when it is read, so two readers a second apart may see two sentences.
 */

import { toHex } from '../../base/bytes.ts';
import type { Env, SigningKey, Timer } from '../../base/env.ts';
import { reasonOf } from '../../base/errors.ts';
import type { Command, CommandBody, CommandReport, CommandState } from '../../model/command.ts';
import { END_STATES } from '../../model/command.ts';
import type { CommandId } from '../../model/ids.ts';
import { commandSigningOctets, encodeCommand } from '../../wire/codec.ts';
import type {
  CommandDesk,
  CommandRecord,
  CommandRequest,
  CommandStore,
  EdgePublisher,
  EdgeRecord,
  JournalStore,
  QueryStore,
  StoreChange,
} from '../ports.ts';
import { commandError } from './errors.ts';
import {
  ANSWER_HORIZON_MS,
  NOT_REACHED_MS,
  SWEEP_IDLE_MS,
  SWEEP_PAGE,
  SWEEP_PAGES,
  SWEEP_PERIOD_MS,
  WATCHED_COMMANDS,
} from './limits.ts';
import { expiredWords, waitingWords } from './words.ts';

/** States in which a command waits for its concentrator's word, and what that one did. */
const UNHEARD: readonly (readonly [CommandState, string])[] = [
  ['sent', 'never said'],
  ['accepted', 'took it and never said'],
  ['started', 'began it and never said'],
];

/** What the desk needs. */
export interface DeskParts {
  readonly env: Pick<Env, 'clock' | 'timers' | 'random' | 'crypto' | 'log'>;
  readonly store: CommandStore &
    Pick<JournalStore, 'edge'> &
    Pick<QueryStore, 'meter'> & { onChange(listener: (change: StoreChange) => void): void };
  readonly publisher: EdgePublisher;
  readonly key: SigningKey;
}

/** The desk with its end. */
export interface RunningDesk extends CommandDesk {
  /** Looks once for what has expired; also done every {@link SWEEP_PERIOD_MS} while commands wait. Returns how many ended. */
  sweep(): Promise<number>;
  close(): void;
}

/** Starts the desk and its sweeps. */
export function createDesk(parts: DeskParts): RunningDesk {
  return new Desk(parts);
}

class Desk implements RunningDesk {
  readonly #parts: DeskParts;
  readonly #watched = new Map<CommandId, Timer>();
  readonly #listeners: ((record: CommandRecord) => void)[] = [];
  #sweepTimer: Timer | null = null;
  /** Whether commands wait as far as this collector knows; others of its fleet may have made some. */
  #someWait = true;
  #closed = false;

  constructor(parts: DeskParts) {
    this.#parts = parts;
    parts.store.onChange((change) => {
      if (change.kind !== 'command') return;
      if (isAnswered(change.command.state)) this.#unwatch(change.command.id);
      if (!END_STATES.has(change.command.state)) this.#sweepSoon();
    });
    this.#planSweep();
  }

  async issue(request: CommandRequest): Promise<{ record: CommandRecord; created: boolean }> {
    const { env, store } = this.#parts;
    const edge = await this.#edgeOf(request);
    const createdAtMs = env.clock.nowMs();
    const command: Command & { tenantId: CommandRequest['tenantId'] } = {
      id: newId(env),
      tenantId: request.tenantId,
      edgeId: edge.edgeId,
      epoch: edge.epoch,
      meterId: request.meterId,
      body: request.body,
      author: request.author,
      createdAtMs,
      expiresAtMs: createdAtMs + request.validForMs,
    };
    const octets = encodeCommand(command);
    const signature = env.crypto.sign(this.#parts.key.privateKey, commandSigningOctets(octets));
    const stored = await store.create(command, { command: octets, signature }, request.idempotencyKey);
    if (!stored.created) {
      if (!sameRequest(stored.record, request)) throw commandError('IDEMPOTENCY_KEY_REUSED');
      return { record: this.describe(stored.record), created: false };
    }
    this.#watch(stored.record);
    this.#sweepSoon();
    const sent = await this.#send(stored.record, octets, signature);
    return { record: this.describe(sent), created: true };
  }

  async command(id: CommandId): Promise<CommandRecord | undefined> {
    const record = await this.#parts.store.command(id);
    return record === undefined ? undefined : this.describe(record);
  }

  async commands(query: Parameters<CommandDesk['commands']>[0]): ReturnType<CommandDesk['commands']> {
    const page = await this.#parts.store.commands(query);
    return { ...page, items: page.items.map((record) => this.describe(record)) };
  }

  describe(record: CommandRecord): CommandRecord {
    const sentence = waitingWords(record, this.#parts.env.clock.nowMs());
    return sentence === null ? record : { ...record, sentence };
  }

  onWords(listener: (record: CommandRecord) => void): void {
    this.#listeners.push(listener);
  }

  async sweep(): Promise<number> {
    const nowMs = this.#parts.env.clock.nowMs();
    this.#someWait = false;
    let ended = await this.#endAll('stored', (record) => this.#endUnsent(record));
    for (const [state, heard] of UNHEARD) {
      ended += await this.#endAll(state, (record) => {
        if (record.expiresAtMs + ANSWER_HORIZON_MS > nowMs) return null;
        const sentence = `Concentrator ${record.edgeId} ${heard} what became of it, and no longer remembers it. Read the meter to see its state.`;
        return this.#report(record, 'uncertain', 'COMMAND_UNANSWERED', sentence);
      });
    }
    return ended;
  }

  close(): void {
    this.#closed = true;
    this.#sweepTimer?.cancel();
    for (const timer of this.#watched.values()) timer.cancel();
    this.#watched.clear();
  }

  /** The edge that serves the meter now, ready to take a command. */
  async #edgeOf(request: CommandRequest): Promise<EdgeRecord & { readonly epoch: string }> {
    const { store, env } = this.#parts;
    const meter = await store.meter(request.meterId);
    if (meter === undefined || meter.tenantId !== request.tenantId)
      throw commandError('METER_UNKNOWN', request.meterId);
    const nowMs = env.clock.nowMs();
    if (meter.edgeId === undefined || (meter.placedToMs !== undefined && meter.placedToMs <= nowMs)) {
      throw commandError('METER_NOT_PLACED', request.meterId);
    }
    const edge = await store.edge(meter.edgeId);
    if (edge === undefined || edge.state !== 'active') throw commandError('EDGE_NOT_ACTIVE', meter.edgeId);
    if (edge.epoch === undefined) throw commandError('EDGE_NEVER_HEARD', meter.edgeId);
    return { ...edge, epoch: edge.epoch };
  }

  /** Hands it to the broker if the edge listens; a failure leaves it stored for the next hello. */
  async #send(record: CommandRecord, octets: Uint8Array, signature: Uint8Array): Promise<CommandRecord> {
    const { publisher, env } = this.#parts;
    try {
      if (!(await publisher.sendCommand(record.edgeId, octets, signature))) return record;
    } catch (error) {
      env.log.warn('commands.send-failed', { commandId: record.id, edgeId: record.edgeId, reason: reasonOf(error) });
      return record;
    }
    env.log.info('commands.sent', { commandId: record.id, edgeId: record.edgeId, meterId: record.meterId });
    if (record.state === 'sent') return record;
    return this.#report(record, 'sent', '', `Handed over for concentrator ${record.edgeId}.`);
  }

  /** Ends a command that never left when it can no longer be run; null while it can. */
  async #endUnsent(record: CommandRecord): Promise<CommandRecord | null> {
    const { store, env } = this.#parts;
    if (record.expiresAtMs <= env.clock.nowMs()) {
      return this.#report(record, 'expired', 'COMMAND_EXPIRED', expiredWords(record));
    }
    const edge = await store.edge(record.edgeId);
    if (edge?.epoch === record.epoch) return null;
    return this.#report(
      record,
      'refused',
      'COMMAND_OTHER_EPOCH',
      `Concentrator ${record.edgeId} has a new store since this command was made, so it was not sent. Make it again.`,
    );
  }

  async #report(record: CommandRecord, state: CommandState, code: string, sentence: string): Promise<CommandRecord> {
    const { store, env } = this.#parts;
    const atMs = env.clock.nowMs();
    const report: CommandReport = { id: record.id, meterId: record.meterId, state, code, sentence, atMs, values: [] };
    const after = (await store.report(report)) ?? record;
    await store.audit({ atMs, actor: 'collector', action: `command.${state}`, subject: record.id, detail: sentence });
    return after;
  }

  async #endAll(
    state: CommandState,
    end: (record: CommandRecord) => Promise<CommandRecord | null> | null,
  ): Promise<number> {
    let ended = 0;
    let cursor: string | undefined;
    for (let pages = 0; pages < SWEEP_PAGES; pages++) {
      const page = await this.#parts.store.commands({
        state,
        limit: SWEEP_PAGE,
        ...(cursor === undefined ? {} : { cursor }),
      });
      if (page.items.length > 0) this.#someWait = true;
      for (const record of page.items) {
        if ((await end(record)) !== null) ended += 1;
      }
      cursor = page.cursor;
      if (cursor === undefined) break;
    }
    return ended;
  }

  #watch(record: CommandRecord): void {
    if (this.#watched.size >= WATCHED_COMMANDS) return;
    const timer = this.#parts.env.timers.after(NOT_REACHED_MS, () => {
      this.#watched.delete(record.id);
      this.#tellLate(record.id).catch((error: unknown) => {
        this.#parts.env.log.warn('commands.words-failed', { commandId: record.id, reason: reasonOf(error) });
      });
    });
    this.#watched.set(record.id, timer);
  }

  #unwatch(id: CommandId): void {
    this.#watched.get(id)?.cancel();
    this.#watched.delete(id);
  }

  async #tellLate(id: CommandId): Promise<void> {
    const record = await this.command(id);
    if (record === undefined || isAnswered(record.state)) return;
    const atMs = this.#parts.env.clock.nowMs();
    await this.#parts.store.audit({
      atMs,
      actor: 'collector',
      action: 'command.not-reached',
      subject: id,
      detail: record.sentence,
    });
    for (const listener of this.#listeners) listener(record);
  }

  #planSweep(): void {
    if (this.#closed) return;
    const waitMs = this.#someWait ? SWEEP_PERIOD_MS : SWEEP_IDLE_MS;
    this.#sweepTimer = this.#parts.env.timers.after(waitMs, () => {
      this.#sweepTimer = null;
      this.sweep()
        .catch((error: unknown) => {
          this.#someWait = true;
          this.#parts.env.log.warn('commands.sweep-failed', { reason: reasonOf(error) });
        })
        .finally(() => this.#planSweep());
    });
  }

  /** A command waits from now on: a rest that has begun ends early. */
  #sweepSoon(): void {
    const rests = !this.#someWait && this.#sweepTimer !== null;
    this.#someWait = true;
    if (!rests) return;
    this.#sweepTimer?.cancel();
    this.#planSweep();
  }
}

/** Whether the edge has said anything, or the command is at its end. */
function isAnswered(state: CommandState): boolean {
  return state === 'accepted' || state === 'started' || END_STATES.has(state);
}

function sameRequest(record: CommandRecord, request: CommandRequest): boolean {
  return record.meterId === request.meterId && isSameBody(record.body, request.body);
}

/** By field: a database gives the fields of a JSON document back in an order of its own. */
function isSameBody(a: CommandBody, b: CommandBody): boolean {
  if (a.kind === 'relay') return b.kind === 'relay' && a.action === b.action;
  if (a.kind === 'firmware') {
    const isSame = b.kind === 'firmware' && a.sha256 === b.sha256 && a.identifier === b.identifier;
    return isSame && a.activateAtMs === b.activateAtMs;
  }
  if (a.kind === 'ping') return b.kind === 'ping';
  if (a.kind === 'adopt') {
    const isSame = b.kind === 'adopt' && a.line === b.line && a.profile === b.profile && a.node === b.node;
    return isSame && a.timeZone === b.timeZone;
  }
  if (a.kind === 'key-rotation')
    return b.kind === 'key-rotation' && a.key === b.key && (a.by ?? 'transfer') === (b.by ?? 'transfer');
  if (b.kind !== 'read' || a.objects.length !== b.objects.length) return false;
  return a.objects.every((object, at) => {
    const other = b.objects[at];
    return object.classId === other?.classId && object.obis === other.obis && object.attribute === other.attribute;
  });
}

/** A UUID of version 4 (RFC 9562, 5.4). */
function newId(env: Pick<Env, 'random'>): CommandId {
  const hex = toHex(env.random.bytes(16));
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) % 4);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20),
  ].join('-') as CommandId;
}
