/**
 * The client's session: one association with one server, over any framing layer.
 *
 * Requests wait in a queue, one is in flight. A long list is cut so that each request fits the server's PDU; without
 * `multiple-references` it goes item by item. A read that was lost is asked again over a transport that loses; a write or
 * a method is never repeated: its answer lost is the outcome `unknown`, for the caller to read back.
 */
import type { DeltawattError } from '../../base/errors.ts';
import type { Machine } from '../../base/machine.ts';
import type { Aare } from '../acse/acse.ts';
import type { ClientTransport, TransportEvent } from '../frame/transport.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import { decodeApdu, encodeApdu } from '../xdlms/codec.ts';
import type { DataNotification, EventNotification } from '../xdlms/notification.ts';
import { type Association, type Authentication, aarqOf, judgeAare, OUR_CONFORMANCE } from './association.ts';
import { sessionError } from './errors.ts';
import { asError, invocationOf } from './exchange.ts';
import { Job } from './job.ts';
import {
  ANSWER_MAX_MS,
  CLIENT_PDU_DEFAULT_BYTES,
  LIST_ITEMS_DEFAULT,
  READ_RETRIES_DEFAULT,
  RELEASE_TIMEOUT_MS,
  REQUEST_QUEUE_MAX,
  REQUEST_TIMEOUT_DEFAULT_MS,
} from './limits.ts';
import type { MeterRequest, Outcome } from './request.ts';
import { type AssociationEvent, type AssociationState, nextState } from './state.ts';

/** Settings of a client session. */
export interface ClientSessionOptions {
  readonly authentication?: Authentication;
  /** Services to propose; masks in `CONFORMANCE`. */
  readonly conformance?: number;
  /** Longest APDU that this side takes, octets; 0 = no limit. */
  readonly clientPduMaxBytes?: number;
  /** Silence while an answer is waited for, ms. */
  readonly requestTimeoutMs?: number;
  /** Times a read is asked again, where the transport does not repeat by itself. */
  readonly readRetries?: number;
  /** Items in one with-list request. */
  readonly listItemsMax?: number;
  /** Whether to say goodbye with RLRQ before the link is closed; some meters never answer it. */
  readonly release?: boolean;
}

/** What a client session tells its owner. */
export type ClientSessionEvent =
  | { readonly kind: 'associated'; readonly association: Association }
  /** A request is over; `id` is what {@link ClientSession.request} gave. */
  | { readonly kind: 'done'; readonly id: number; readonly outcome: Outcome }
  /** Something that nobody asked for. */
  | { readonly kind: 'notification'; readonly apdu: DataNotification | EventNotification }
  /** The session is over; `error` is null after a release. */
  | { readonly kind: 'closed'; readonly error: DeltawattError | null }
  /** Octets or an APDU that had no place here. */
  | { readonly kind: 'discarded'; readonly code: string; readonly octets: Uint8Array };

const INVOKE_IDS = 16;
const NO_OCTETS: Uint8Array = new Uint8Array(0);

/** The client's session machine. */
export class ClientSession implements Machine<ClientSessionEvent> {
  readonly #transport: ClientTransport;
  readonly #options: Required<ClientSessionOptions>;
  #state: AssociationState = 'closed';
  #association: Association | null = null;
  #queue: Job[] = [];
  #current: Job | null = null;
  #nextId = 1;
  #invokeId = 0;
  #events: ClientSessionEvent[] = [];
  #answerByMs: number | null = null;
  #askedAtMs = 0;
  #retriesLeft = 0;
  #releasing = false;
  #closeReason: DeltawattError | null = null;

  constructor(transport: ClientTransport, options: ClientSessionOptions = {}) {
    this.#transport = transport;
    this.#options = {
      authentication: { mechanism: 'none' },
      conformance: OUR_CONFORMANCE,
      clientPduMaxBytes: CLIENT_PDU_DEFAULT_BYTES,
      requestTimeoutMs: REQUEST_TIMEOUT_DEFAULT_MS,
      readRetries: READ_RETRIES_DEFAULT,
      listItemsMax: LIST_ITEMS_DEFAULT,
      release: true,
      ...options,
    };
  }

  /** Where the association is. */
  get state(): AssociationState {
    return this.#state;
  }

  /** Brings up the link and associates; `associated` or `closed` follows. */
  connect(nowMs: number): void {
    this.#transport.connect(nowMs);
  }

  /** Queues a request and returns its id; `done` follows exactly once. Throws SESSION_QUEUE_FULL. */
  request(request: MeterRequest, nowMs: number): number {
    if (this.#queue.length >= REQUEST_QUEUE_MAX)
      throw sessionError('SESSION_QUEUE_FULL', `${REQUEST_QUEUE_MAX} requests`);
    const job = new Job(this.#nextId++, request);
    if (this.#releasing || this.#closeReason !== null)
      this.#finish(job, { kind: 'failed', error: sessionError('SESSION_CLOSED') });
    else this.#queue.push(job);
    this.#work(nowMs);
    return job.id;
  }

  /** Calls a request off: a waiting one is not sent; one in flight ends at once, a write or method as `unknown`. */
  cancel(id: number, nowMs: number): void {
    const waiting = this.#queue.find((job) => job.id === id);
    if (waiting !== undefined) {
      this.#queue = this.#queue.filter((job) => job !== waiting);
      this.#finish(waiting, { kind: 'failed', error: sessionError('SESSION_ABORTED') });
    } else if (this.#current?.id === id) {
      this.#lost(this.#current, sessionError('SESSION_ABORTED'));
      this.#work(nowMs);
    }
  }

  /** Ends the association when the queue is empty, then the link; `closed` follows when {@link connect} was called. */
  release(nowMs: number): void {
    this.#releasing = true;
    this.#work(nowMs);
  }

  receive(chunk: Uint8Array, nowMs: number): ClientSessionEvent[] {
    if (this.#answerByMs !== null && this.#state !== 'releasing') this.#stillComing(nowMs);
    this.#consume(this.#transport.receive(chunk, nowMs), nowMs);
    return this.#take();
  }

  takeOutput(): Uint8Array[] {
    return this.#transport.takeOutput();
  }

  deadlineMs(): number | null {
    if (this.#events.length > 0) return 0;
    const due = [this.#transport.deadlineMs(), this.#answerByMs].filter((at) => at !== null);
    return due.length === 0 ? null : Math.min(...due);
  }

  tick(nowMs: number): ClientSessionEvent[] {
    this.#consume(this.#transport.tick(nowMs), nowMs);
    if (this.#answerByMs !== null && nowMs >= this.#answerByMs) this.#noAnswer(nowMs);
    return this.#take();
  }

  #take(): ClientSessionEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #consume(events: TransportEvent[], nowMs: number): void {
    for (const event of events) {
      if (event.kind === 'discarded') this.#events.push(event);
      else if (event.kind === 'link-up') this.#associate(nowMs);
      else if (event.kind === 'link-down') this.#linkDown(event.reason);
      else this.#apdu(event.apdu, event.kind === 'unsolicited', nowMs);
    }
  }

  /** Moves along the table; false, with an event, when there is no such step. */
  #move(event: AssociationEvent, octets: Uint8Array = NO_OCTETS): boolean {
    const next = nextState(this.#state, event);
    if (next === null) this.#events.push({ kind: 'discarded', code: 'SESSION_STATE', octets });
    else this.#state = next;
    return next !== null;
  }

  #associate(nowMs: number): void {
    this.#move('link-up');
    this.#move('request');
    const { authentication, conformance, clientPduMaxBytes } = this.#options;
    this.#send(aarqOf(authentication, conformance, clientPduMaxBytes), nowMs);
    this.#retriesLeft = 0;
  }

  #send(apdu: Apdu, nowMs: number): void {
    this.#transport.send(encodeApdu(apdu), nowMs);
    this.#askedAtMs = nowMs;
    this.#answerByMs = nowMs + this.#options.requestTimeoutMs;
  }

  /** A long answer on a slow line is no silence: the wait begins anew with every octet, up to a bound. */
  #stillComing(nowMs: number): void {
    const waited = Math.min(nowMs + this.#options.requestTimeoutMs, this.#askedAtMs + ANSWER_MAX_MS);
    this.#answerByMs = Math.max(this.#answerByMs ?? 0, waited);
  }

  #apdu(octets: Uint8Array, unsolicited: boolean, nowMs: number): void {
    let apdu: Apdu;
    try {
      apdu = decodeApdu(octets);
    } catch (error) {
      this.#undecodable(asError(error), octets, unsolicited, nowMs);
      return;
    }
    if (apdu.apdu === 'data-notification' || apdu.apdu === 'event-notification-request') {
      this.#events.push({ kind: 'notification', apdu });
    } else if (unsolicited) this.#events.push({ kind: 'discarded', code: 'SESSION_STATE', octets });
    else if (apdu.apdu === 'aare') this.#aare(apdu, octets, nowMs);
    else if (apdu.apdu === 'rlre') this.#rlre(octets, nowMs);
    else this.#answer(apdu, octets, nowMs);
  }

  #undecodable(error: DeltawattError, octets: Uint8Array, unsolicited: boolean, nowMs: number): void {
    this.#events.push({ kind: 'discarded', code: error.code, octets });
    if (unsolicited) return;
    if (this.#current !== null) this.#lost(this.#current, error);
    else if (this.#state === 'associating') this.#give(error, nowMs);
    this.#work(nowMs);
  }

  #aare(aare: Aare, octets: Uint8Array, nowMs: number): void {
    if (this.#state !== 'associating') {
      this.#events.push({ kind: 'discarded', code: 'SESSION_STALE', octets });
      return;
    }
    this.#answerByMs = null;
    const verdict = judgeAare(aare);
    if ('refusal' in verdict) {
      this.#give(verdict.refusal, nowMs);
      return;
    }
    this.#move('accept');
    this.#association = {
      conformance: verdict.agreement.conformance & this.#options.conformance,
      serverPduMaxBytes: verdict.agreement.serverMaxReceivePduSize,
      clientPduMaxBytes: this.#options.clientPduMaxBytes,
      dlmsVersion: verdict.agreement.negotiatedDlmsVersion,
    };
    this.#events.push({ kind: 'associated', association: this.#association });
    this.#work(nowMs);
  }

  #rlre(octets: Uint8Array, nowMs: number): void {
    if (this.#move('released', octets)) this.#disconnect(nowMs);
  }

  #disconnect(nowMs: number): void {
    this.#answerByMs = null;
    this.#transport.disconnect(nowMs);
  }

  #answer(apdu: Apdu, octets: Uint8Array, nowMs: number): void {
    const job = this.#current;
    if (apdu.apdu === 'exception-response' || apdu.apdu === 'confirmed-service-error') {
      if (job !== null) {
        this.#current = null;
        this.#finish(job, { kind: 'refused', refusal: apdu });
        this.#work(nowMs);
      } else if (this.#state === 'associating') {
        this.#give(sessionError('SESSION_ASSOCIATION_REFUSED', JSON.stringify(apdu)), nowMs);
      } else if (this.#state === 'releasing') this.#rlre(octets, nowMs);
      return;
    }
    if (job === null || invocationOf(apdu) !== this.#invokeId) {
      this.#events.push({ kind: 'discarded', code: 'SESSION_STALE', octets });
      return;
    }
    this.#step(job, apdu, octets, nowMs);
  }

  #step(job: Job, apdu: Apdu, octets: Uint8Array, nowMs: number): void {
    try {
      const step = job.accept(apdu);
      if (step.kind === 'ignore') this.#events.push({ kind: 'discarded', code: 'SESSION_STALE', octets });
      else if (step.kind === 'send') {
        this.#retriesLeft = this.#transport.reliable ? 0 : this.#options.readRetries;
        this.#send(step.apdu, nowMs);
      } else if (job.isDone) {
        this.#current = null;
        this.#finish(job, { kind: 'answered', answer: job.answer() });
        this.#work(nowMs);
      } else this.#begin(job, nowMs);
    } catch (error) {
      this.#lost(job, asError(error));
      this.#work(nowMs);
    }
  }

  /** Starts the next thing to do, when nothing is in flight. */
  #work(nowMs: number): void {
    if (this.#state !== 'associated' && !(this.#releasing && this.#state === 'linked')) {
      if (this.#releasing && this.#state === 'closed' && this.#closeReason === null) this.#disconnect(nowMs);
      return;
    }
    while (this.#current === null && this.#queue.length > 0 && this.#state === 'associated') {
      const job = this.#queue.shift();
      if (job !== undefined) this.#start(job, nowMs);
    }
    if (this.#current === null) this.#answerByMs = null;
    if (this.#current === null && this.#releasing) this.#sayGoodbye(nowMs);
  }

  #start(job: Job, nowMs: number): void {
    this.#current = job;
    try {
      this.#begin(job, nowMs);
    } catch (error) {
      this.#current = null;
      this.#finish(job, { kind: 'failed', error: asError(error) });
    }
  }

  #begin(job: Job, nowMs: number): void {
    if (this.#association === null) throw sessionError('SESSION_STATE', this.#state);
    this.#invokeId = (this.#invokeId + 1) % INVOKE_IDS;
    const first = job.begin(this.#association, this.#invokeId, this.#options.listItemsMax);
    this.#retriesLeft = this.#transport.reliable ? 0 : this.#options.readRetries;
    this.#send(first, nowMs);
  }

  #sayGoodbye(nowMs: number): void {
    if (this.#state === 'associated' && this.#options.release) {
      this.#move('release');
      this.#transport.send(encodeApdu({ apdu: 'rlrq', reason: 0, userInformation: null }), nowMs);
      this.#answerByMs = nowMs + Math.min(RELEASE_TIMEOUT_MS, this.#options.requestTimeoutMs);
    } else this.#disconnect(nowMs);
  }

  #noAnswer(nowMs: number): void {
    this.#answerByMs = null;
    const job = this.#current;
    if (job?.isRead === true && this.#retriesLeft > 0) {
      const left = this.#retriesLeft - 1;
      this.#send(job.last, nowMs);
      this.#retriesLeft = left;
    } else if (job !== null) {
      this.#lost(job, sessionError('SESSION_TIMEOUT', `${this.#options.requestTimeoutMs} ms`));
      this.#work(nowMs);
    } else if (this.#state === 'releasing') this.#rlre(NO_OCTETS, nowMs);
    else if (this.#state === 'associating') this.#give(sessionError('SESSION_TIMEOUT', 'AARQ'), nowMs);
  }

  /** The answer to what is in flight will not come. */
  #lost(job: Job, error: DeltawattError): void {
    this.#current = null;
    this.#answerByMs = null;
    if (job.isRead) this.#finish(job, { kind: 'failed', error });
    else this.#finish(job, { kind: 'unknown', error: sessionError('SESSION_UNKNOWN_OUTCOME', error.message, error) });
  }

  #finish(job: Job, outcome: Outcome): void {
    this.#events.push({ kind: 'done', id: job.id, outcome });
  }

  /** Gives the session up for a reason, politely. */
  #give(reason: DeltawattError, nowMs: number): void {
    this.#closeReason = reason;
    this.#disconnect(nowMs);
  }

  #linkDown(reason: DeltawattError | null): void {
    const error = this.#closeReason ?? reason;
    this.#state = 'closed';
    this.#answerByMs = null;
    const why = error ?? sessionError('SESSION_CLOSED');
    if (this.#current !== null) this.#lost(this.#current, why);
    for (const job of this.#queue) this.#finish(job, { kind: 'failed', error: why });
    this.#queue = [];
    this.#closeReason = why;
    this.#events.push({ kind: 'closed', error });
  }
}
