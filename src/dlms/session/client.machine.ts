/**
 * The client's session: one association with one server, over any framing layer.
 *
 * Requests wait in a queue, as many are in flight as link and settings allow. A long list is cut as `list-plan.ts` says; a
 * list of reads that is refused whole is asked again in shorter ones. A read that was lost is asked again over a transport
 * that loses; a write or a method is never repeated: its answer lost is the outcome `unknown`, for the caller to read back.
 */
import type { DeltawattError } from '../../base/errors.ts';
import type { Machine } from '../../base/machine.ts';
import type { Aare } from '../acse/acse.ts';
import type { ClientTransport, TransportEvent } from '../frame/transport.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import { encodeApdu } from '../xdlms/codec.ts';
import { type Association, agreed } from './association.ts';
import { type ChannelEvent, ClientChannel } from './client-channel.ts';
import { ClientGuard, type Heard } from './client-guard.ts';
import { type ClientSessionEvent, type ClientSessionOptions, isNotification, settingsOf } from './client-words.ts';
import { sessionError } from './errors.ts';
import { asError } from './exchange.ts';
import { ANSWER_NOISE_MAX_BYTES, RELEASE_TIMEOUT_MS } from './limits.ts';
import { LOGICAL_REFERENCING } from './logical-referencing.ts';
import { Patience } from './patience.ts';
import type { ProofForm } from './proof.ts';
import type { Referencing } from './referencing.ts';
import type { MeterRequest } from './request.ts';
import { type Refusal, RequestDesk } from './request-desk.ts';
import { ShortReferencing } from './short-referencing.ts';
import { type AssociationEvent, type AssociationState, nextState } from './state.ts';

export type { ClientSessionEvent, ClientSessionOptions } from './client-words.ts';

/** Service error of an exception-response. */
const INVOCATION_COUNTER_ERROR = 6;
const NO_OCTETS: Uint8Array = new Uint8Array(0);

/** The client's session machine. */
export class ClientSession implements Machine<ClientSessionEvent> {
  readonly #transport: ClientTransport;
  readonly #options: Required<ClientSessionOptions>;
  readonly #guard: ClientGuard;
  readonly #referencing: Referencing;
  readonly #channel: ClientChannel;
  readonly #desk: RequestDesk;
  /** The wait for AARE, for the proof, for RLRE. */
  readonly #patience: Patience;
  #state: AssociationState = 'closed';
  #association: Association | null = null;
  /** Invoke id of pass 3. */
  #proofId = 0;
  #events: ClientSessionEvent[] = [];
  /** Octets that belong to no frame, heard since a request went out last. */
  #noiseOctets = 0;
  #releasing = false;
  #closeReason: DeltawattError | null = null;
  /** Somebody waits for the line. */
  #wayWanted = false;
  /** Whether the link has gone down: nothing is asked any more. */
  #ended = false;

  constructor(transport: ClientTransport, options: ClientSessionOptions = {}) {
    this.#transport = transport;
    const { shortNames = null } = options;
    this.#referencing = shortNames === null ? LOGICAL_REFERENCING : new ShortReferencing(shortNames);
    this.#options = settingsOf(options, this.#referencing.conformance);
    const { authentication, security, requestTimeoutMs, maxInFlight } = this.#options;
    this.#guard = new ClientGuard(authentication, security, this.#referencing.name);
    this.#channel = new ClientChannel(transport, this.#guard, requestTimeoutMs);
    const canTell = this.#referencing.numbersAnswers;
    this.#desk = new RequestDesk({
      maxInFlight: canTell ? Math.min(maxInFlight, transport.maxInFlight) : 1,
      requestTimeoutMs,
      readRetries: transport.reliable || !canTell ? 0 : this.#options.readRetries,
      listItemsMax: this.#options.listItemsMax,
      referencing: this.#referencing,
      send: (apdu, nowMs) => this.#send(apdu, nowMs),
      emit: (event) => this.#events.push(event),
    });
    this.#patience = new Patience(requestTimeoutMs);
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
    const id = this.#desk.add(request, this.#releasing || this.#ended || this.#closeReason !== null);
    this.#work(nowMs);
    return id;
  }

  /** Calls a request off: a waiting one is not sent; one in flight ends at once, a write or method as `unknown`. */
  cancel(id: number, nowMs: number): void {
    this.#desk.cancel(id);
    this.#work(nowMs);
  }

  /** Ends the association when the queue is empty, then the link; `closed` follows when {@link connect} was called. */
  release(nowMs: number): void {
    this.#releasing = true;
    this.#work(nowMs);
  }

  /** Whether somebody else waits for the line: then a server that has not answered is not asked again. */
  makeWay(wanted: boolean): void {
    this.#wayWanted = wanted;
    this.#transport.makeWay?.(this.#makesWay);
  }

  get #makesWay(): boolean {
    return this.#wayWanted && this.#desk.mayMakeWay;
  }

  /** When silence over a layer that does not repeat by itself is long enough to make way. */
  get #wayByMs(): number | null {
    if (!this.#makesWay || this.#transport.reliable || this.#state === 'releasing') return null;
    const sinceMs = this.#patience.silentSinceMs ?? this.#desk.silentSinceMs;
    return sinceMs === null ? null : sinceMs + this.#options.answerWindowMs;
  }

  receive(chunk: Uint8Array, nowMs: number): ClientSessionEvent[] {
    const events = this.#transport.receive(chunk, nowMs);
    if (this.#state !== 'releasing') this.#stillComing(events, nowMs);
    this.#consume(events, nowMs);
    return this.#take();
  }

  takeOutput(): Uint8Array[] {
    return this.#transport.takeOutput();
  }

  deadlineMs(): number | null {
    if (this.#events.length > 0) return 0;
    const waits = [this.#patience.byMs, this.#desk.deadlineMs, this.#channel.deadlineMs, this.#wayByMs];
    const due = [this.#transport.deadlineMs(), ...waits].filter((at) => at !== null);
    return due.length === 0 ? null : Math.min(...due);
  }

  tick(nowMs: number): ClientSessionEvent[] {
    this.#consume(this.#transport.tick(nowMs), nowMs);
    const wayByMs = this.#wayByMs;
    if (wayByMs !== null && nowMs >= wayByMs) this.#give(sessionError('SESSION_MADE_WAY'), nowMs);
    const broken = this.#channel.tick(nowMs);
    if (broken !== null) this.#heard(broken, nowMs);
    if (this.#patience.isOver(nowMs)) this.#noAgreement(nowMs);
    this.#desk.tick(nowMs);
    this.#work(nowMs);
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
      else this.#heard(this.#channel.hear(event.apdu, event.kind === 'unsolicited', nowMs), nowMs);
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
    try {
      this.#patience.begin(nowMs);
      this.#sendOctets(encodeApdu(this.#guard.aarq(conformance, clientPduMaxBytes)), nowMs);
    } catch (error) {
      this.#give(asError(error), nowMs);
    }
  }

  /** Throws SECURITY_COUNTER_* when nothing may be sent any more, SESSION_TOO_LONG. */
  #send(apdu: Apdu, nowMs: number): void {
    this.#sendOctets(this.#guard.seal(apdu), nowMs);
  }

  #sendOctets(octets: Uint8Array, nowMs: number): void {
    const reservation = this.#guard.wantedReservation;
    if (reservation !== null) this.#events.push({ kind: 'counter-low', reservation });
    this.#channel.send(octets, nowMs);
    this.#noiseOctets = 0;
    this.#transport.makeWay?.(this.#makesWay);
  }

  /** A long answer on a slow line is no silence: the wait begins anew with every octet of a frame, up to a bound. */
  #stillComing(events: readonly TransportEvent[], nowMs: number): void {
    const before = this.#noiseOctets;
    for (const event of events) if (event.kind === 'discarded') this.#noiseOctets += event.octets.length;
    // Noise is no answer; and on a line that babbles, what looks like the begin of a frame is no hope either.
    if (this.#noiseOctets > before || this.#noiseOctets > ANSWER_NOISE_MAX_BYTES) return;
    this.#patience.renew(nowMs);
    this.#desk.stillComing(nowMs);
  }

  #heard(event: ChannelEvent, nowMs: number): void {
    switch (event.kind) {
      case 'message':
        this.#apdu(event.heard, event.octets, event.unsolicited, nowMs);
        return;
      case 'unreadable':
        this.#undecodable(event.error, event.octets, event.unsolicited, nowMs);
        return;
      case 'progress':
        this.#desk.progress(nowMs);
        return;
      case 'broken':
        this.#desk.loseAll(() => event.error);
        this.#work(nowMs);
    }
  }

  #apdu(heard: Heard, octets: Uint8Array, unsolicited: boolean, nowMs: number): void {
    const learned = this.#guard.takeLearned();
    if (learned !== null) this.#events.push({ kind: 'dialect', learned });
    const { apdu } = heard;
    if (isNotification(apdu)) this.#unasked({ kind: 'notification', apdu }, nowMs);
    else if (unsolicited) this.#events.push({ kind: 'discarded', code: 'SESSION_STATE', octets });
    else if (apdu.apdu === 'aare') this.#aare(apdu, octets, nowMs);
    else if (apdu.apdu === 'rlre') this.#rlre(octets, nowMs);
    else if (apdu.apdu === 'exception-response' || apdu.apdu === 'confirmed-service-error')
      this.#refused(apdu, heard.unprotected, octets, nowMs);
    else if (this.#state === 'authenticating') this.#proof(apdu, octets, nowMs);
    else this.#answer(apdu, octets, nowMs);
  }

  /** What nobody asked for is told, and nothing else: a layer that took it for the answer hears that this is still to come. */
  #unasked(event: ClientSessionEvent, nowMs: number): void {
    this.#events.push(event);
    if (!this.#desk.isIdle || this.#patience.byMs !== null) this.#transport.stillWaiting?.(nowMs);
  }

  #undecodable(error: DeltawattError, octets: Uint8Array, unsolicited: boolean, nowMs: number): void {
    const discarded = { kind: 'discarded', code: error.code, octets } as const;
    if (unsolicited) {
      this.#unasked(discarded, nowMs);
      return;
    }
    this.#events.push(discarded);
    if (!this.#desk.isIdle) this.#desk.unreadable(error);
    // Some meters answer RLRQ with lengths that are too short: told above, and the session ends as it would have.
    else if (this.#state === 'releasing') this.#rlre(octets, nowMs);
    else if (this.#state === 'associating' || this.#state === 'authenticating') this.#give(error, nowMs);
    this.#work(nowMs);
  }

  #aare(aare: Aare, octets: Uint8Array, nowMs: number): void {
    if (this.#state !== 'associating') {
      this.#events.push({ kind: 'discarded', code: 'SESSION_STALE', octets });
      return;
    }
    this.#patience.end();
    try {
      const agreement = this.#guard.agreement(aare);
      const pdu = agreement.serverMaxReceivePduSize;
      this.#association = {
        conformance: agreement.conformance & this.#options.conformance,
        serverPduMaxBytes: pdu === 0 ? 0 : pdu - this.#guard.overheadBytes,
        clientPduMaxBytes: this.#options.clientPduMaxBytes,
        dlmsVersion: agreement.negotiatedDlmsVersion,
        referencing: this.#referencing.name,
      };
      if (agreed(this.#association, 'general-block-transfer')) {
        this.#channel.useBlocks(pdu, this.#options.blockWindow);
        this.#desk.oneAtATime();
      }
      this.#move(this.#guard.needsProof ? 'challenge' : 'accept');
      if (this.#guard.needsProof) this.#prove(nowMs);
      else this.#associated(nowMs);
    } catch (error) {
      this.#give(asError(error), nowMs);
    }
  }

  #prove(nowMs: number): void {
    this.#proofId = this.#desk.nextInvokeId();
    this.#patience.begin(nowMs);
    this.#send(this.#proofForm().request(this.#guard.proof(), this.#proofId), nowMs);
  }

  #proofForm(): ProofForm {
    return this.#referencing.proof(this.#association?.conformance ?? 0);
  }

  /** Pass 4: the meter proves that it has the secret too, or nothing more is said to it. */
  #proof(apdu: Apdu, octets: Uint8Array, nowMs: number): void {
    if (!this.#referencing.isAnswer(apdu, this.#proofId)) {
      this.#events.push({ kind: 'discarded', code: 'SESSION_STALE', octets });
      return;
    }
    this.#patience.end();
    try {
      const isOneSided = this.#options.shortNames?.rules.oneSidedProof === true;
      this.#guard.acceptProof(this.#proofForm().answered(apdu), !isOneSided);
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
    this.#patience.end();
    this.#transport.disconnect(nowMs);
  }

  #answer(apdu: Apdu, octets: Uint8Array, nowMs: number): void {
    if (this.#association === null) this.#events.push({ kind: 'discarded', code: 'SESSION_STALE', octets });
    else this.#desk.answer(apdu, octets, this.#association, nowMs);
    this.#work(nowMs);
  }

  /** The whole request, or the association, is refused. */
  #refused(refusal: Refusal, unprotected: boolean, octets: Uint8Array, nowMs: number): void {
    const counter = refusal.apdu === 'exception-response' && refusal.serviceError === INVOCATION_COUNTER_ERROR;
    const expected = counter ? refusal.invocationCounter : null;
    if (counter) this.#events.push({ kind: 'counter-refused', expected });
    const error = counter
      ? sessionError('SESSION_COUNTER', `expected ${expected ?? 'not told'}`)
      : sessionError('SESSION_ASSOCIATION_REFUSED', JSON.stringify(refusal));
    if (!this.#desk.isIdle && this.#association !== null) {
      this.#desk.refuse(refusal, unprotected, counter ? error : null, this.#association, nowMs);
      this.#work(nowMs);
    } else if (this.#state === 'associating' || this.#state === 'authenticating') this.#give(error, nowMs);
    else if (this.#state === 'releasing') this.#rlre(octets, nowMs);
  }

  /** Starts the next things to do, as many as may be in flight. */
  #work(nowMs: number): void {
    const { doubt } = this.#desk;
    if (this.#closeReason !== null) return;
    if (doubt !== null && !this.#ended) {
      this.#give(doubt, nowMs);
      return;
    }
    if (this.#state !== 'associated' && !(this.#releasing && this.#state === 'linked')) {
      if (this.#releasing && this.#state === 'closed' && !this.#ended) this.#disconnect(nowMs);
      return;
    }
    if (this.#state === 'associated' && this.#association !== null) this.#desk.work(this.#association, nowMs);
    if (this.#desk.isIdle && this.#releasing) this.#sayGoodbye(nowMs);
  }

  #sayGoodbye(nowMs: number): void {
    if (this.#state === 'associated' && this.#options.release) {
      this.#move('release');
      const rlrq = encodeApdu({ apdu: 'rlrq', reason: 0, userInformation: this.#goodbye() });
      this.#channel.send(rlrq, nowMs);
      this.#patience.begin(nowMs, Math.min(RELEASE_TIMEOUT_MS, this.#options.requestTimeoutMs));
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

  /** Nobody answered the AARQ, the proof or the RLRQ. */
  #noAgreement(nowMs: number): void {
    this.#patience.end();
    if (this.#state === 'releasing') this.#rlre(NO_OCTETS, nowMs);
    else if (this.#state === 'associating') this.#give(sessionError('SESSION_TIMEOUT', 'AARQ'), nowMs);
    else if (this.#state === 'authenticating') this.#give(sessionError('SESSION_TIMEOUT', 'proof'), nowMs);
  }

  /** Gives the session up for a reason, politely. */
  #give(reason: DeltawattError, nowMs: number): void {
    this.#closeReason = reason;
    this.#disconnect(nowMs);
  }

  #linkDown(reason: DeltawattError | null): void {
    const madeWay = reason === null && this.#makesWay && !this.#releasing;
    const error = this.#closeReason ?? (madeWay ? sessionError('SESSION_MADE_WAY') : reason);
    this.#state = 'closed';
    this.#patience.end();
    this.#ended = true;
    this.#closeReason = error;
    // Made only for those who wait: an orderly end, thousands of times an hour, needs no error and its stack.
    this.#desk.close(() => error ?? sessionError('SESSION_CLOSED'));
    this.#events.push({ kind: 'closed', error });
  }
}
