/**
 * The client's session: one association with one server, over any framing layer.
 *
 * Requests wait in a queue, one is in flight. A long list is cut as `list-plan.ts` says; a list of reads that is refused
 * whole is asked again in shorter ones. A read that was lost is asked again over a transport that loses; a write or
 * a method is never repeated: its answer lost is the outcome `unknown`, for the caller to read back.
 */
import type { DeltawattError } from '../../base/errors.ts';
import type { Machine } from '../../base/machine.ts';
import type { Aare } from '../acse/acse.ts';
import type { ClientTransport, TransportEvent } from '../frame/transport.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import { encodeApdu } from '../xdlms/codec.ts';
import type { ExceptionResponse } from '../xdlms/exception.ts';
import type { ConfirmedServiceError } from '../xdlms/initiate.ts';
import { type Association, OUR_CONFORMANCE } from './association.ts';
import { ClientGuard, type Heard } from './client-guard.ts';
import type { ClientSessionEvent, ClientSessionOptions } from './client-words.ts';
import { sessionError } from './errors.ts';
import { asError, invocationOf } from './exchange.ts';
import { Job } from './job.ts';
import {
  ANSWER_MAX_MS,
  ANSWER_NOISE_MAX_BYTES,
  CLIENT_PDU_DEFAULT_BYTES,
  LIST_ITEMS_DEFAULT,
  READ_RETRIES_DEFAULT,
  RELEASE_TIMEOUT_MS,
  REQUEST_QUEUE_MAX,
  REQUEST_TIMEOUT_DEFAULT_MS,
} from './limits.ts';
import { ListSize } from './list-plan.ts';
import type { MeterRequest, Outcome } from './request.ts';
import { type AssociationEvent, type AssociationState, nextState } from './state.ts';

export type { ClientSessionEvent, ClientSessionOptions } from './client-words.ts';

type Refusal = ExceptionResponse | ConfirmedServiceError;

const INVOKE_IDS = 16;
/** Service error of an exception-response. */
const INVOCATION_COUNTER_ERROR = 6;
const NO_OCTETS: Uint8Array = new Uint8Array(0);

/** The client's session machine. */
export class ClientSession implements Machine<ClientSessionEvent> {
  readonly #transport: ClientTransport;
  readonly #options: Required<ClientSessionOptions>;
  readonly #guard: ClientGuard;
  readonly #lists: ListSize;
  #state: AssociationState = 'closed';
  #association: Association | null = null;
  #queue: Job[] = [];
  #current: Job | null = null;
  #nextId = 1;
  #invokeId = 0;
  #events: ClientSessionEvent[] = [];
  #answerByMs: number | null = null;
  #askedAtMs = 0;
  /** Octets that belong to no frame, heard since the request went out. */
  #noiseOctets = 0;
  #retriesLeft = 0;
  #releasing = false;
  #closeReason: DeltawattError | null = null;
  /** Whether the link has gone down: nothing is asked any more. */
  #ended = false;

  constructor(transport: ClientTransport, options: ClientSessionOptions = {}) {
    this.#transport = transport;
    this.#options = {
      authentication: { mechanism: 'none' },
      security: null,
      conformance: OUR_CONFORMANCE,
      clientPduMaxBytes: CLIENT_PDU_DEFAULT_BYTES,
      requestTimeoutMs: REQUEST_TIMEOUT_DEFAULT_MS,
      readRetries: READ_RETRIES_DEFAULT,
      listItemsMax: LIST_ITEMS_DEFAULT,
      release: true,
      ...options,
    };
    this.#guard = new ClientGuard(this.#options.authentication, this.#options.security);
    this.#lists = new ListSize(this.#options.listItemsMax);
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
    if (this.#releasing || this.#ended || this.#closeReason !== null)
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
    const events = this.#transport.receive(chunk, nowMs);
    if (this.#answerByMs !== null && this.#state !== 'releasing') this.#stillComing(events, nowMs);
    this.#consume(events, nowMs);
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
    const { conformance, clientPduMaxBytes } = this.#options;
    this.#retriesLeft = 0;
    try {
      this.#sendOctets(encodeApdu(this.#guard.aarq(conformance, clientPduMaxBytes)), nowMs);
    } catch (error) {
      this.#give(asError(error), nowMs);
    }
  }

  /** Throws SECURITY_COUNTER_* when nothing may be sent any more. */
  #send(apdu: Apdu, nowMs: number): void {
    this.#sendOctets(this.#guard.seal(apdu), nowMs);
  }

  #sendOctets(octets: Uint8Array, nowMs: number): void {
    const reservation = this.#guard.wantedReservation;
    if (reservation !== null) this.#events.push({ kind: 'counter-low', reservation });
    this.#transport.send(octets, nowMs);
    this.#askedAtMs = nowMs;
    this.#noiseOctets = 0;
    this.#answerByMs = nowMs + this.#options.requestTimeoutMs;
  }

  /** A long answer on a slow line is no silence: the wait begins anew with every octet of a frame, up to a bound. */
  #stillComing(events: readonly TransportEvent[], nowMs: number): void {
    const before = this.#noiseOctets;
    for (const event of events) if (event.kind === 'discarded') this.#noiseOctets += event.octets.length;
    // Noise is no answer; and on a line that babbles, what looks like the begin of a frame is no hope either.
    if (this.#noiseOctets > before || this.#noiseOctets > ANSWER_NOISE_MAX_BYTES) return;
    const waited = Math.min(nowMs + this.#options.requestTimeoutMs, this.#askedAtMs + ANSWER_MAX_MS);
    this.#answerByMs = Math.max(this.#answerByMs ?? 0, waited);
  }

  #apdu(octets: Uint8Array, unsolicited: boolean, nowMs: number): void {
    let heard: Heard;
    try {
      heard = this.#guard.open(octets);
    } catch (error) {
      this.#undecodable(asError(error), octets, unsolicited, nowMs);
      return;
    }
    const { apdu } = heard;
    if (apdu.apdu === 'data-notification' || apdu.apdu === 'event-notification-request') {
      this.#events.push({ kind: 'notification', apdu });
    } else if (unsolicited) this.#events.push({ kind: 'discarded', code: 'SESSION_STATE', octets });
    else if (apdu.apdu === 'aare') this.#aare(apdu, octets, nowMs);
    else if (apdu.apdu === 'rlre') this.#rlre(octets, nowMs);
    else if (apdu.apdu === 'exception-response' || apdu.apdu === 'confirmed-service-error')
      this.#refused(apdu, heard.unprotected, octets, nowMs);
    else if (this.#state === 'authenticating') this.#proof(apdu, octets, nowMs);
    else this.#answer(apdu, octets, nowMs);
  }

  #undecodable(error: DeltawattError, octets: Uint8Array, unsolicited: boolean, nowMs: number): void {
    this.#events.push({ kind: 'discarded', code: error.code, octets });
    if (unsolicited) return;
    if (this.#current !== null) this.#lost(this.#current, error);
    else if (this.#state === 'associating' || this.#state === 'authenticating') this.#give(error, nowMs);
    this.#work(nowMs);
  }

  #aare(aare: Aare, octets: Uint8Array, nowMs: number): void {
    if (this.#state !== 'associating') {
      this.#events.push({ kind: 'discarded', code: 'SESSION_STALE', octets });
      return;
    }
    this.#answerByMs = null;
    try {
      const agreement = this.#guard.agreement(aare);
      const pdu = agreement.serverMaxReceivePduSize;
      this.#association = {
        conformance: agreement.conformance & this.#options.conformance,
        serverPduMaxBytes: pdu === 0 ? 0 : pdu - this.#guard.overheadBytes,
        clientPduMaxBytes: this.#options.clientPduMaxBytes,
        dlmsVersion: agreement.negotiatedDlmsVersion,
      };
      this.#move(this.#guard.needsProof ? 'challenge' : 'accept');
      if (this.#guard.needsProof) this.#send(this.#guard.proofRequest(this.#nextInvokeId()), nowMs);
      else this.#associated(nowMs);
    } catch (error) {
      this.#give(asError(error), nowMs);
    }
  }

  #nextInvokeId(): number {
    this.#invokeId = (this.#invokeId + 1) % INVOKE_IDS;
    return this.#invokeId;
  }

  /** Pass 4: the meter proves that it has the secret too, or nothing more is said to it. */
  #proof(apdu: Apdu, octets: Uint8Array, nowMs: number): void {
    if (invocationOf(apdu) !== this.#invokeId) {
      this.#events.push({ kind: 'discarded', code: 'SESSION_STALE', octets });
      return;
    }
    this.#answerByMs = null;
    try {
      this.#guard.acceptProof(apdu);
      this.#move('proof');
      this.#associated(nowMs);
    } catch (error) {
      this.#give(asError(error), nowMs);
    }
  }

  #associated(nowMs: number): void {
    if (this.#association === null) return;
    this.#guard.associated();
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
    if (job === null || invocationOf(apdu) !== this.#invokeId) {
      this.#events.push({ kind: 'discarded', code: 'SESSION_STALE', octets });
      return;
    }
    this.#step(job, apdu, octets, nowMs);
  }

  /** The whole request, or the association, is refused. */
  #refused(refusal: Refusal, unprotected: boolean, octets: Uint8Array, nowMs: number): void {
    const counter = refusal.apdu === 'exception-response' && refusal.serviceError === INVOCATION_COUNTER_ERROR;
    const expected = counter ? refusal.invocationCounter : null;
    if (counter) this.#events.push({ kind: 'counter-refused', expected });
    const error = counter
      ? sessionError('SESSION_COUNTER', `expected ${expected ?? 'not told'}`)
      : sessionError('SESSION_ASSOCIATION_REFUSED', JSON.stringify(refusal));
    const job = this.#current;
    if (job !== null) {
      this.#current = null;
      if (!counter && job.shorten(this.#lists)) {
        this.#start(job, nowMs);
        return;
      }
      // Anyone on the line can say a plain refusal: a write is not known to be undone because of it.
      if (counter || (unprotected && !job.isRead)) this.#lost(job, counter ? error : refusalError(refusal));
      else this.#finish(job, { kind: 'refused', refusal });
      this.#work(nowMs);
    } else if (this.#state === 'associating' || this.#state === 'authenticating') this.#give(error, nowMs);
    else if (this.#state === 'releasing') this.#rlre(octets, nowMs);
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
      if (this.#releasing && this.#state === 'closed' && !this.#ended && this.#closeReason === null)
        this.#disconnect(nowMs);
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
    const first = job.begin(this.#association, this.#nextInvokeId(), this.#lists);
    this.#retriesLeft = this.#transport.reliable ? 0 : this.#options.readRetries;
    this.#send(first, nowMs);
  }

  #sayGoodbye(nowMs: number): void {
    if (this.#state === 'associated' && this.#options.release) {
      this.#move('release');
      this.#transport.send(encodeApdu({ apdu: 'rlrq', reason: 0, userInformation: this.#goodbye() }), nowMs);
      this.#answerByMs = nowMs + Math.min(RELEASE_TIMEOUT_MS, this.#options.requestTimeoutMs);
    } else this.#disconnect(nowMs);
  }

  /** Without a counter left the goodbye goes without proof. */
  #goodbye(): Uint8Array | null {
    try {
      return this.#guard.releaseInformation();
    } catch (error) {
      asError(error);
      return null;
    }
  }

  #noAnswer(nowMs: number): void {
    this.#answerByMs = null;
    const job = this.#current;
    if (job?.isRead === true && this.#retriesLeft > 0) {
      this.#retriesLeft--;
      this.#again(job, nowMs);
    } else if (job !== null) {
      this.#lost(job, sessionError('SESSION_TIMEOUT', `${this.#options.requestTimeoutMs} ms`));
      this.#work(nowMs);
    } else if (this.#state === 'releasing') this.#rlre(NO_OCTETS, nowMs);
    else if (this.#state === 'associating') this.#give(sessionError('SESSION_TIMEOUT', 'AARQ'), nowMs);
    else if (this.#state === 'authenticating') this.#give(sessionError('SESSION_TIMEOUT', 'proof'), nowMs);
  }

  /** The same request under a new counter. */
  #again(job: Job, nowMs: number): void {
    try {
      this.#send(job.last, nowMs);
    } catch (error) {
      this.#lost(job, asError(error));
      this.#work(nowMs);
    }
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
    this.#ended = true;
    this.#closeReason = error;
    // Made only for those who wait: an orderly end, thousands of times an hour, needs no error and its stack.
    if (this.#current !== null) this.#lost(this.#current, error ?? sessionError('SESSION_CLOSED'));
    for (const job of this.#queue)
      this.#finish(job, { kind: 'failed', error: error ?? sessionError('SESSION_CLOSED') });
    this.#queue = [];
    this.#events.push({ kind: 'closed', error });
  }
}

function refusalError(refusal: Refusal): DeltawattError {
  return sessionError('SESSION_REFUSED', JSON.stringify(refusal));
}
