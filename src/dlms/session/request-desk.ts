/**
 * The requests of one client session: those that wait, those on their way, and how each of them ends, exactly once.
 *
 * It knows nothing of associations and frames: it is told what was answered, refused, lost or not answered in time.
 */
import type { DeltawattError } from '../../base/errors.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import type { ExceptionResponse } from '../xdlms/exception.ts';
import type { ConfirmedServiceError } from '../xdlms/initiate.ts';
import type { Association } from './association.ts';
import type { ClientSessionEvent } from './client-words.ts';
import { sessionError } from './errors.ts';
import { asError } from './exchange.ts';
import { type Asked, InFlight } from './in-flight.ts';
import { Job } from './job.ts';
import { REQUEST_MAX_MS, REQUEST_QUEUE_MAX } from './limits.ts';
import { ListSize } from './list-plan.ts';
import type { Referencing } from './referencing.ts';
import type { MeterRequest, Outcome } from './request.ts';

/** A refusal of a whole request. */
export type Refusal = ExceptionResponse | ConfirmedServiceError;

/** What the desk needs of its session. */
export interface DeskOptions {
  /** Requests on their way at once. */
  readonly maxInFlight: number;
  /** Silence that ends a wait, ms. */
  readonly requestTimeoutMs: number;
  /** Times a read is asked again. */
  readonly readRetries: number;
  /** Items in one list. */
  readonly listItemsMax: number;
  /** Sends a message; throws when it cannot go out. */
  /** How objects are called. */
  readonly referencing: Referencing;
  readonly send: (apdu: Apdu, nowMs: number) => void;
  readonly emit: (event: ClientSessionEvent) => void;
}

/** Queue and requests in flight. */
export class RequestDesk {
  readonly #options: DeskOptions;
  readonly #inFlight: InFlight;
  readonly #lists: ListSize;
  #queue: Job[] = [];
  #nextId = 1;
  #doubt: DeltawattError | null = null;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#inFlight = new InFlight(options.maxInFlight, options.requestTimeoutMs);
    this.#lists = new ListSize(options.listItemsMax);
  }

  /** Takes a request and gives its id; `closed` ends it at once. Throws SESSION_QUEUE_FULL. */
  add(request: MeterRequest, closed: boolean): number {
    if (this.#queue.length >= REQUEST_QUEUE_MAX)
      throw sessionError('SESSION_QUEUE_FULL', `${REQUEST_QUEUE_MAX} requests`);
    const job = new Job(this.#nextId++, request, this.#options.referencing);
    const at = job.isUrgent ? this.#queue.findIndex((waiting) => !waiting.isUrgent) : -1;
    if (closed) this.#finish(job, { kind: 'failed', error: sessionError('SESSION_CLOSED') });
    else if (at < 0) this.#queue.push(job);
    else this.#queue.splice(at, 0, job);
    return job.id;
  }

  /** Calls a request off. */
  cancel(id: number): void {
    const waiting = this.#queue.find((job) => job.id === id);
    const asked = this.#inFlight.ofJob(id);
    if (waiting !== undefined) {
      this.#queue = this.#queue.filter((job) => job !== waiting);
      this.#finish(waiting, { kind: 'failed', error: sessionError('SESSION_ABORTED') });
    } else if (asked !== undefined) this.#lost(asked, sessionError('SESSION_ABORTED'));
  }

  /** General blocks were agreed on. They do not tell which message they belong to, so one request is under way at a time. */
  oneAtATime(): void {
    this.#inFlight.oneAtATime();
  }

  /**
   * Why the association cannot go on: an answer is missing, and where answers have no numbers it could still come and be
   * taken for another. Null where they have.
   */
  get doubt(): DeltawattError | null {
    return this.#doubt;
  }

  /** Whether no request is on its way. */
  get isIdle(): boolean {
    return this.#inFlight.isEmpty;
  }

  /** When the first wait is over, ms, or null. */
  get deadlineMs(): number | null {
    return this.#inFlight.deadlineMs;
  }

  /**
   * Whether everything on its way may be broken off for somebody else: a read that has brought something, blocks of a long
   * value say, goes on to its end, and who writes or invokes must hear the answer.
   */
  get mayMakeWay(): boolean {
    return this.#inFlight.all().every(({ job }) => job.isRead && !job.isAnswered);
  }

  /** Since when nothing has come of any answer, ms; null when something has, or nothing is on its way. */
  get silentSinceMs(): number | null {
    const since = this.#inFlight.all().map(({ patience }) => patience.silentSinceMs);
    const known = since.filter((at) => at !== null);
    return known.length === 0 || known.length < since.length ? null : Math.max(...known);
  }

  /** An invoke id that no request uses now. */
  nextInvokeId(): number {
    return this.#inFlight.nextInvokeId();
  }

  /** Octets of an answer are coming. */
  stillComing(nowMs: number): void {
    for (const { patience } of this.#inFlight.all()) patience.renew(nowMs);
  }

  /** A part of an answer was taken. */
  progress(nowMs: number): void {
    for (const { patience } of this.#inFlight.all()) patience.progress(nowMs);
  }

  /** Starts as many requests as may be in flight. */
  work(association: Association, nowMs: number): void {
    while (!this.#inFlight.isFull) {
      const job = this.#queue.shift();
      if (job === undefined) return;
      this.#start(job, association, nowMs);
    }
  }

  #start(job: Job, association: Association, nowMs: number): void {
    try {
      this.#begin(job, association, nowMs);
    } catch (error) {
      const asked = this.#inFlight.ofJob(job.id);
      if (asked !== undefined) this.#inFlight.remove(asked);
      this.#finish(job, { kind: 'failed', error: asError(error) });
    }
  }

  /** The next exchange of a job; when it throws, nothing was sent. */
  #begin(job: Job, association: Association, nowMs: number): void {
    const invokeId = this.#inFlight.nextInvokeId();
    const first = job.begin(association, invokeId, this.#lists);
    if (first === null) {
      this.#finish(job, { kind: 'answered', answer: job.answer() });
      return;
    }
    this.#inFlight.put(job, invokeId, this.#options.readRetries, nowMs).patience.begin(nowMs);
    this.#options.send(first, nowMs);
  }

  /** An answer came. */
  answer(apdu: Apdu, octets: Uint8Array, association: Association, nowMs: number): void {
    const { referencing } = this.#options;
    const asked = this.#inFlight.all().find(({ invokeId }) => referencing.isAnswer(apdu, invokeId));
    if (asked === undefined) this.#stale(octets);
    else this.#step(asked, apdu, octets, association, nowMs);
  }

  #stale(octets: Uint8Array): void {
    this.#options.emit({ kind: 'discarded', code: 'SESSION_STALE', octets });
  }

  #step(asked: Asked, apdu: Apdu, octets: Uint8Array, association: Association, nowMs: number): void {
    const { job } = asked;
    try {
      const step = job.accept(apdu);
      if (step.kind === 'ignore') this.#stale(octets);
      else if (step.kind === 'send') {
        if (nowMs - asked.begunAtMs > REQUEST_MAX_MS)
          throw sessionError('SESSION_TIMEOUT', `more than ${REQUEST_MAX_MS} ms for one request`);
        asked.retriesLeft = this.#options.readRetries;
        asked.patience.begin(nowMs);
        this.#options.send(step.apdu, nowMs);
      } else {
        this.#inFlight.remove(asked);
        if (job.isDone) this.#finish(job, { kind: 'answered', answer: job.answer() });
        else this.#begin(job, association, nowMs);
      }
    } catch (error) {
      this.#lost(this.#inFlight.ofJob(job.id) ?? asked, asError(error));
    }
  }

  /**
   * Everything on its way is refused. A refusal carries no invoke id: among several requests it cannot be told whose it is.
   * `lost` instead of a plain refusal: the meter did not even believe the request.
   */
  refuse(
    refusal: Refusal,
    unprotected: boolean,
    lost: DeltawattError | null,
    association: Association,
    nowMs: number,
  ): void {
    const asked = this.#inFlight.all();
    for (const one of asked) {
      // Anyone on the line can say a plain refusal: a write is not known to be undone because of it, and where answers have
      // no numbers the right one may still come.
      const isHarmless = one.job.isRead && this.#options.referencing.numbersAnswers;
      const isVague = asked.length > 1 || (unprotected && !isHarmless);
      if (lost !== null || isVague) this.#lost(one, lost ?? refusalError(refusal));
      else {
        this.#inFlight.remove(one);
        if (one.job.shorten(this.#lists)) this.#start(one.job, association, nowMs);
        else this.#finish(one.job, { kind: 'refused', refusal });
      }
    }
  }

  /** An answer could not be read: the one request in flight has lost it; which of several has, time will tell. */
  unreadable(error: DeltawattError): void {
    const [asked, ...others] = this.#inFlight.all();
    if (asked !== undefined && others.length === 0) this.#lost(asked, error);
  }

  /** Nothing on its way will be answered. */
  loseAll(error: () => DeltawattError): void {
    for (const asked of this.#inFlight.all()) this.#lost(asked, error());
  }

  /** The session is over: nothing that waits will be asked. */
  close(error: () => DeltawattError): void {
    this.loseAll(error);
    for (const job of this.#queue) this.#finish(job, { kind: 'failed', error: error() });
    this.#queue = [];
  }

  /** What was waited for too long: a read is asked again under a new counter, everything else is lost. */
  tick(nowMs: number): void {
    for (const asked of this.#inFlight.due(nowMs)) {
      if (asked.job.isRead && asked.retriesLeft > 0) this.#again(asked, nowMs);
      else this.#lost(asked, sessionError('SESSION_TIMEOUT', `${this.#options.requestTimeoutMs} ms`));
    }
  }

  #again(asked: Asked, nowMs: number): void {
    asked.retriesLeft--;
    asked.patience.begin(nowMs);
    try {
      this.#options.send(asked.job.last, nowMs);
    } catch (error) {
      this.#lost(asked, asError(error));
    }
  }

  #lost(asked: Asked, error: DeltawattError): void {
    const { job } = asked;
    this.#inFlight.remove(asked);
    if (!this.#options.referencing.numbersAnswers) this.#doubt ??= error;
    if (job.isRead) this.#finish(job, { kind: 'failed', error });
    else this.#finish(job, { kind: 'unknown', error: sessionError('SESSION_UNKNOWN_OUTCOME', error.message, error) });
  }

  #finish(job: Job, outcome: Outcome): void {
    this.#options.emit({ kind: 'done', id: job.id, outcome });
  }
}

function refusalError(refusal: Refusal): DeltawattError {
  return sessionError('SESSION_REFUSED', JSON.stringify(refusal));
}
