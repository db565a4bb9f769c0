/**
 * The client session for code that waits: requests as promises, over any runner of machines.
 *
 * Lawful refusals of single items are in the results; everything else that keeps a request from being answered rejects
 * with a DeltawattError whose code says what, so a caller needs one `try`.
 */

import { assert, type DeltawattError } from '../../base/errors.ts';
import type { MachineRunner, RunningMachine } from '../../base/machine.ts';
import { type RangeSelection, rangeAccess } from '../cosem/selective-access.ts';
import type { ClientTransport } from '../frame/transport.ts';
import { confirmedServiceErrorText, exceptionText } from '../xdlms/results.ts';
import type { ActionResult, AttributeAccess, AttributeDescriptor, GetDataResult } from '../xdlms/service.ts';
import type { Association } from './association.ts';
import { ClientSession, type ClientSessionEvent, type ClientSessionOptions } from './client.machine.ts';
import { sessionError } from './errors.ts';
import type {
  AccessItem,
  AccessResult,
  AttributeValue,
  MeterAnswer,
  MeterRequest,
  MethodCall,
  Outcome,
} from './request.ts';
import type { RightOfWay } from './right-of-way.ts';

/** Settings of {@link openSession}. */
export interface MeterSessionOptions extends ClientSessionOptions {
  /** Hears notifications, discarded octets and what becomes of invocation counters. */
  readonly onEvent?: (event: Exclude<ClientSessionEvent, { kind: 'associated' | 'done' | 'closed' }>) => void;
  /** Calls the opening off. */
  readonly signal?: AbortSignal;
  /** Whether somebody else waits for the line; requests that made way reject as SESSION_MADE_WAY, and the session is over. */
  readonly way?: RightOfWay;
}

/** Settings of one request. */
export interface RequestOptions {
  /** Calls the request off; one in flight then rejects as SESSION_ABORTED, a write or method as SESSION_UNKNOWN_OUTCOME. */
  readonly signal?: AbortSignal;
  /** Default true: asked ahead of requests that are not urgent, and told to the meter. */
  readonly highPriority?: boolean;
}

/** Settings of a mixed request. */
export interface AccessOptions extends RequestOptions {
  /** The meter stops at the first thing that it refuses. */
  readonly breakOnError?: boolean;
}

/** One open association with a meter. */
export interface MeterSession {
  readonly association: Association;
  /** Reads attributes, in as few requests as the meter allows. */
  get(items: readonly AttributeAccess[], options?: RequestOptions): Promise<readonly GetDataResult[]>;
  /** Reads rows of a profile buffer between two moments. */
  getRange(attribute: AttributeDescriptor, range: RangeSelection, options?: RequestOptions): Promise<GetDataResult>;
  /** Writes attributes; the results are data-access-result codes, 0 = done. Never repeated by itself. */
  set(items: readonly AttributeValue[], options?: RequestOptions): Promise<readonly number[]>;
  /** Invokes methods. Never repeated by itself. */
  action(items: readonly MethodCall[], options?: RequestOptions): Promise<readonly ActionResult[]>;
  /** Gets, sets and actions mixed, in as few requests as fit; rejects with SESSION_NOT_AGREED where the meter has no ACCESS. */
  access(items: readonly AccessItem[], options?: AccessOptions): Promise<readonly AccessResult[]>;
  /** Ends the association and the link politely; resolves when done, also when the meter stays silent. */
  release(): Promise<void>;
}

/**
 * Opens an association over `transport` on the line of `runner`. Rejects with the codes of SESSION_ERRORS and FRAME_ERRORS;
 * SESSION_CLOSED when the line ends.
 */
export function openSession(
  runner: MachineRunner,
  transport: ClientTransport,
  options: MeterSessionOptions = {},
): Promise<MeterSession> {
  return new OpenSession(runner, transport, options).opened;
}

interface Waiting {
  resolve(answer: MeterAnswer): void;
  reject(error: unknown): void;
}

class OpenSession implements MeterSession {
  readonly opened: Promise<MeterSession>;
  readonly #machine: ClientSession;
  readonly #running: RunningMachine;
  readonly #options: MeterSessionOptions;
  readonly #waiting = new Map<number, Waiting>();
  #association: Association | null = null;
  #closed: { readonly error: DeltawattError | null } | null = null;
  #onOpen: ((error: DeltawattError | null) => void) | null = null;
  #onClosed: (() => void)[] = [];

  constructor(runner: MachineRunner, transport: ClientTransport, options: MeterSessionOptions) {
    const { onEvent: _onEvent, signal, way, ...session } = options;
    this.#options = options;
    this.#machine = new ClientSession(transport, session);
    this.#running = runner.run(
      this.#machine,
      (events) => {
        for (const event of events) this.#hear(event);
      },
      (reason) => {
        if (this.#closed === null) this.#end(sessionError('SESSION_CLOSED', 'the line ended', reason));
      },
    );
    this.opened = new Promise((resolve, reject) => {
      this.#onOpen = (error) => (error === null ? resolve(this) : reject(error));
    });
    this.#machine.connect(this.#running.nowMs());
    if (signal !== undefined) onAbort(signal, () => this.#abortOpening());
    if (way !== undefined) this.#watch(way);
    this.#running.kick();
  }

  get association(): Association {
    assert(this.#association !== null, 'the session is open');
    return this.#association;
  }

  async get(items: readonly AttributeAccess[], options?: RequestOptions): Promise<readonly GetDataResult[]> {
    const answer = await this.#request({ service: 'get', items }, options);
    return answer.service === 'get' ? answer.results : [];
  }

  async getRange(
    attribute: AttributeDescriptor,
    range: RangeSelection,
    options?: RequestOptions,
  ): Promise<GetDataResult> {
    const [result] = await this.get([{ ...attribute, access: rangeAccess(range) }], options);
    assert(result !== undefined, 'one item has one result');
    return result;
  }

  async set(items: readonly AttributeValue[], options?: RequestOptions): Promise<readonly number[]> {
    const answer = await this.#request({ service: 'set', items }, options);
    return answer.service === 'set' ? answer.results : [];
  }

  async action(items: readonly MethodCall[], options?: RequestOptions): Promise<readonly ActionResult[]> {
    const answer = await this.#request({ service: 'action', items }, options);
    return answer.service === 'action' ? answer.results : [];
  }

  async access(items: readonly AccessItem[], options: AccessOptions = {}): Promise<readonly AccessResult[]> {
    const breakOnError = options.breakOnError === true;
    const answer = await this.#request({ service: 'access', items, breakOnError }, options);
    return answer.service === 'access' ? answer.results : [];
  }

  release(): Promise<void> {
    if (this.#closed !== null) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onClosed.push(resolve);
      this.#machine.release(this.#running.nowMs());
      this.#running.kick();
    });
  }

  #watch(way: RightOfWay): void {
    this.#machine.makeWay(way.isWanted);
    this.#onClosed.push(
      way.watch((wanted) => {
        this.#machine.makeWay(wanted);
        this.#running.kick();
      }),
    );
  }

  #request(request: MeterRequest, options: RequestOptions = {}): Promise<MeterAnswer> {
    if (this.#closed !== null) return Promise.reject(this.#closed.error ?? sessionError('SESSION_CLOSED'));
    if (options.signal?.aborted === true) return Promise.reject(sessionError('SESSION_ABORTED'));
    if (request.items.length === 0) return Promise.resolve({ service: request.service, results: [] });
    return new Promise((resolve, reject) => {
      const asked = options.highPriority === undefined ? request : { ...request, highPriority: options.highPriority };
      const id = this.#machine.request(asked, this.#running.nowMs());
      const forget = onAbort(options.signal, () => {
        this.#machine.cancel(id, this.#running.nowMs());
        this.#running.kick();
      });
      this.#waiting.set(id, {
        resolve: (answer) => {
          forget();
          resolve(answer);
        },
        reject: (error) => {
          forget();
          reject(error);
        },
      });
      this.#running.kick();
    });
  }

  #hear(event: ClientSessionEvent): void {
    switch (event.kind) {
      case 'associated':
        this.#association = event.association;
        this.#settleOpening(null);
        return;
      case 'done':
        this.#done(event.id, event.outcome);
        return;
      case 'closed':
        this.#end(event.error);
        return;
      default:
        this.#options.onEvent?.(event);
    }
  }

  #done(id: number, outcome: Outcome): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (outcome.kind === 'answered') waiting?.resolve(outcome.answer);
    else if (outcome.kind === 'refused') waiting?.reject(sessionError('SESSION_REFUSED', refusalText(outcome.refusal)));
    else waiting?.reject(outcome.error);
  }

  #settleOpening(error: DeltawattError | null): void {
    this.#onOpen?.(error);
    this.#onOpen = null;
  }

  #abortOpening(): void {
    if (this.#association !== null || this.#closed !== null) return;
    this.#settleOpening(sessionError('SESSION_ABORTED'));
    this.#machine.release(this.#running.nowMs());
    this.#running.kick();
  }

  #end(error: DeltawattError | null): void {
    if (this.#closed !== null) return;
    this.#closed = { error };
    this.#running.stop();
    if (this.#onOpen !== null || this.#waiting.size > 0) this.#fail(error ?? sessionError('SESSION_CLOSED'));
    for (const onClosed of this.#onClosed) onClosed();
  }

  #fail(error: DeltawattError): void {
    this.#settleOpening(error);
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}

function refusalText(refusal: Extract<Outcome, { kind: 'refused' }>['refusal']): string {
  return refusal.apdu === 'exception-response'
    ? exceptionText(refusal.stateError, refusal.serviceError)
    : confirmedServiceErrorText(refusal.service, refusal.errorChoice, refusal.errorValue);
}

/** Calls `run` when the signal aborts, or at once when it has; gives a function that forgets it. */
function onAbort(signal: AbortSignal | undefined, run: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) run();
  else signal.addEventListener('abort', run, { once: true });
  return () => signal.removeEventListener('abort', run);
}
