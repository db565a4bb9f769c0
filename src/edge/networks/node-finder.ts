/**
 * Meters that join a network and that the settings do not name: who they are is asked once, and told to the collector.
 *
 * Plan: one meter at a time, and after each a rest as long as asking took, so that reading keeps the way. What was told is
 * kept in one batch with the record that tells it, so that neither a restart nor a meter that leaves and joins again has it
 * asked a second time. A day later it is told again from memory, since an order for it may have been lost; one that
 * let nobody in, or did not answer, is asked anew then. Given up: who is there while the network is out of sight.
 */
import type { Env, Timer } from '../../base/env.ts';
import { DeltawattError, hasCode, reasonOf } from '../../base/errors.ts';
import type { ToldIdentity } from '../../dlms/session/who.ts';
import type { LineLink, NodeChange } from '../../link/link.ts';
import type { FoundNode, NetworkNode } from '../../model/found.ts';
import { entryWith } from '../entry.ts';
import { SIGN_ON } from '../failure-kinds.ts';
import { recordIn, recordOctets } from '../kept-record.ts';
import {
  FOUND_KEPT_MAX,
  FOUND_KEPT_MAX_OCTETS,
  FOUND_LOOK_MS,
  FOUND_REST_MIN_MS,
  FOUND_RETRIES_MS,
  FOUND_TELL_AGAIN_MS,
  NETWORK_ATTEND_MS,
} from '../limits.ts';
import type { Health, Journal, ReadingStage } from '../ports.ts';

/** What a finder is made of. */
export interface NodeFinderOptions {
  readonly env: Pick<Env, 'clock' | 'timers' | 'log'>;
  readonly line: string;
  readonly link: Pick<LineLink, 'attend'>;
  /** Whether the settings name it. */
  readonly isKnown: (node: NetworkNode) => boolean;
  /** Asks it; rejects as `identifyNode` does. */
  readonly identify: (node: NetworkNode, signal: AbortSignal) => Promise<ToldIdentity>;
  readonly journal: Pick<Journal, 'keptUnder'>;
  readonly stage: Pick<ReadingStage, 'add'>;
  readonly health: Health;
}

const VERSION = 1;

/** A meter that is to be asked. */
interface Asked {
  readonly node: NetworkNode;
  tries: number;
  /** Monotonic ms before which it is left in peace. */
  notBeforeMs: number;
}

/** See the head of the file. */
export class NodeFinder {
  readonly #options: NodeFinderOptions;
  readonly #prefix: string;
  /** Those who are in the network and not in the settings, by EUI-48. */
  readonly #present = new Map<string, NetworkNode>();
  /** What was told of whom, by EUI-48, oldest first. */
  readonly #told = new Map<string, FoundNode>();
  readonly #queue = new Map<string, Asked>();
  readonly #ending = new AbortController();
  #turn: Timer | null = null;
  #attending: Timer | null = null;
  #looking: Timer | null = null;
  #asking: Promise<void> | null = null;

  constructor(options: NodeFinderOptions) {
    this.#options = options;
    this.#prefix = `found/${options.line}/`;
  }

  /** Reads what was told before the restart, and comes into sight of the network. */
  async start(): Promise<void> {
    const kept: FoundNode[] = [];
    for (const [, octets] of await this.#options.journal.keptUnder(this.#prefix)) {
      const found = recordIn(octets, VERSION, FOUND_KEPT_MAX_OCTETS) as FoundNode | undefined;
      if (found !== undefined) kept.push(found);
    }
    for (const found of kept.sort((a, b) => a.atMs - b.atMs)) this.#told.set(found.node.eui48, found);
    this.#attend();
    this.#lookSoon();
  }

  /** Ends what it is about; resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    this.#ending.abort(new Error('the finder was stopped'));
    for (const timer of [this.#turn, this.#attending, this.#looking]) timer?.cancel();
    await this.#asking;
  }

  /** The link says that something has changed. */
  changed(change: NodeChange): void {
    if (this.#ending.signal.aborted) return;
    if (change.kind === 'lost') {
      this.#present.clear();
      this.#queue.clear();
      this.#attendAfter(NETWORK_ATTEND_MS);
    }
    if (!('name' in change) || change.kind === 'late') return;
    const { name, eui: eui48 } = change;
    this.#present.delete(eui48);
    this.#queue.delete(eui48);
    const node = { name, eui48 };
    if (change.kind === 'left' || this.#options.isKnown(node)) return;
    this.#present.set(eui48, node);
    this.#consider(node);
  }

  /** Puts a meter up for being told, when it was not told lately. */
  #consider(node: NetworkNode): void {
    const before = this.#told.get(node.eui48);
    const ageMs = Math.abs(this.#options.env.clock.nowMs() - (before?.atMs ?? 0));
    // Another meter has the modem now: what was told is not of it.
    const isSame = before?.node.name === node.name;
    if ((isSame && ageMs < FOUND_TELL_AGAIN_MS) || this.#queue.has(node.eui48)) return;
    this.#queue.set(node.eui48, { node, tries: 0, notBeforeMs: 0 });
    this.#takeTurn();
  }

  #takeTurn(restMs = 0): void {
    if (this.#ending.signal.aborted || this.#asking !== null || this.#queue.size === 0) return;
    const { clock, timers } = this.#options.env;
    const next = [...this.#queue.values()].reduce((a, b) => (b.notBeforeMs < a.notBeforeMs ? b : a));
    this.#turn?.cancel();
    this.#turn = timers.after(Math.max(restMs, next.notBeforeMs - clock.monotonicMs(), 0), () => {
      const fromMs = clock.monotonicMs();
      this.#asking = this.#serve(next).finally(() => {
        this.#asking = null;
        this.#takeTurn(Math.max(FOUND_REST_MIN_MS, clock.monotonicMs() - fromMs));
      });
    });
  }

  /** Never rejects. */
  async #serve(asked: Asked): Promise<void> {
    const { eui48 } = asked.node;
    if (this.#queue.get(eui48) !== asked) return;
    const { health, env, line } = this.#options;
    try {
      const found = await this.#look(asked);
      // It has left, or joined anew, while it was asked.
      if (found === null || this.#queue.get(eui48) !== asked) return;
      await this.#tell(found);
      this.#queue.delete(eui48);
      health.count(`found_${found.state}`);
      env.log.info('line.node-found', { line, node: found.node.name, eui48, state: found.state });
    } catch (error) {
      asked.notBeforeMs = env.clock.monotonicMs() + NETWORK_ATTEND_MS;
      if (!this.#ending.signal.aborted) env.log.warn('line.node-not-told', { line, eui48, reason: reasonOf(error) });
    }
  }

  /** What is to be told; null = it is asked again later, or is away. */
  async #look(asked: Asked): Promise<FoundNode | null> {
    const { node } = asked;
    const { env, line, identify } = this.#options;
    const atMs = env.clock.nowMs();
    const before = this.#told.get(node.eui48);
    if (before?.state === 'found' && before.node.name === node.name) return { ...before, atMs };
    try {
      const { serial, deviceName, firmware } = await identify(node, this.#ending.signal);
      const told = Object.entries({ serial, deviceName, firmware }).filter(([, text]) => text !== null);
      const shown = serial ?? deviceName;
      const sentence = shown === null ? 'Answers, but does not tell which meter it is.' : `Answers: ${shown}.`;
      return { line, node, state: 'found', ...Object.fromEntries(told), sentence, atMs };
    } catch (error) {
      if (this.#ending.signal.aborted) return null;
      if (hasCode(error, 'LINK_NO_NODE')) {
        this.#queue.delete(node.eui48);
        return null;
      }
      if (error instanceof DeltawattError && SIGN_ON.has(error.code))
        return {
          line,
          node,
          state: 'refused',
          sentence: `It does not let the public client in: ${error.sentence}`,
          atMs,
        };
      const waitMs = FOUND_RETRIES_MS[asked.tries++];
      if (waitMs === undefined)
        return {
          line,
          node,
          state: 'silent',
          sentence: `It has joined and does not answer: ${reasonOf(error)}.`,
          atMs,
        };
      asked.notBeforeMs = env.clock.monotonicMs() + waitMs;
      return null;
    }
  }

  async #tell(found: FoundNode): Promise<void> {
    const { stage, env, line } = this.#options;
    const { eui48 } = found.node;
    const value = recordOctets(VERSION, found, FOUND_KEPT_MAX_OCTETS);
    this.#told.delete(eui48);
    this.#told.set(eui48, found);
    const oldest = this.#told.size > FOUND_KEPT_MAX ? [...this.#told.keys()].at(0) : undefined;
    if (oldest !== undefined) this.#told.delete(oldest);
    const keep = [
      { key: this.#prefix + eui48, value: value ?? undefined },
      ...(oldest === undefined ? [] : [{ key: this.#prefix + oldest, value: undefined }]),
    ];
    await stage.add(entryWith(env.clock.nowMs(), { line, records: [{ kind: 'found', found }], keep }));
  }

  #attend(): void {
    const { link, env, line } = this.#options;
    link.attend?.().catch((error: unknown) => {
      env.log.debug('line.network-out-of-sight', { line, reason: reasonOf(error) });
      this.#attendAfter(NETWORK_ATTEND_MS);
    });
  }

  #attendAfter(waitMs: number): void {
    if (this.#ending.signal.aborted) return;
    this.#attending?.cancel();
    this.#attending = this.#options.env.timers.after(waitMs, () => this.#attend());
  }

  #lookSoon(): void {
    this.#looking = this.#options.env.timers.after(FOUND_LOOK_MS, () => {
      for (const node of this.#present.values()) this.#consider(node);
      this.#lookSoon();
    });
  }
}
