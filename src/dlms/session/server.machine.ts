/**
 * The server's session: associations of several clients with one device, over any framing layer.
 *
 * The machine opens and closes associations and passes their requests to `ServerAssociation`; it answers in the same call,
 * so a reader on a half-duplex line waits for nothing but the line.
 */

import type { DeltawattError } from '../../base/errors.ts';
import type { Machine } from '../../base/machine.ts';
import type { Aarq } from '../acse/acse.ts';
import type { BaseNames } from '../cosem/short-names.ts';
import { isDlmsError } from '../errors.ts';
import type { ServerTransport, Stations, TransportEvent } from '../frame/transport.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import { decodeApdu, encodeApdu } from '../xdlms/codec.ts';
import { CONFORMANCE, type InitiateRequest } from '../xdlms/initiate.ts';
import {
  aareOf,
  DLMS_VERSION,
  referencingOfContext,
  SERVER_CONFORMANCE,
  SHORT_CONFORMANCE,
  VAA_NAMES,
} from './association.ts';
import type { Notification } from './client-words.ts';
import { sessionError } from './errors.ts';
import { asError } from './exchange.ts';
import { type Happening, notificationOf } from './happening.ts';
import { PDU_MIN_BYTES, SERVER_ASSOCIATIONS_MAX, SERVER_PDU_DEFAULT_BYTES } from './limits.ts';
import { type ObjectModel, RESULT, type ServerClient } from './object-model.ts';
import { LOGICAL_PROOF, type ProofForm, shortProof } from './proof.ts';
import { Rights } from './rights.ts';
import { ServerAssociation } from './server-association.ts';
import { ServerChannel } from './server-channel.ts';
import { DIAGNOSTIC, ServerGuard, type ServerIdentity } from './server-guard.ts';
import { ShortServerAssociation } from './short-server-association.ts';
import { type AssociationState, nextState } from './state.ts';

/** Settings of a server session. */
export interface ServerSessionOptions {
  readonly model: ObjectModel;
  readonly clients: readonly ServerClient[];
  /** Longest APDU that this side takes, octets. */
  readonly serverPduMaxBytes?: number;
  /** Services that it has; masks in `CONFORMANCE`. */
  readonly conformance?: number;
  /** Base names of its objects: it then speaks short names, and those only. */
  readonly shortNames?: BaseNames | null;
  /** Its system title, 8 octets; wanted when a client has keys or a mechanism with titles. */
  readonly systemTitle?: Uint8Array | null;
  /** Fresh random octets, for challenges; wanted when a client has a high-level mechanism. */
  readonly random?: ((count: number) => Uint8Array) | null;
}

/** What a server session tells its owner. */
export type ServerSessionEvent =
  | { readonly kind: 'associated'; readonly stations: Stations }
  | { readonly kind: 'refused'; readonly stations: Stations; readonly diagnostic: number }
  | { readonly kind: 'released'; readonly stations: Stations }
  | { readonly kind: 'link-down'; readonly stations: Stations; readonly reason: DeltawattError | null }
  /** One answered request, by the name of its APDU: for counters and traces. */
  | { readonly kind: 'served'; readonly stations: Stations; readonly request: Apdu['apdu'] }
  | { readonly kind: 'discarded'; readonly code: string; readonly octets: Uint8Array };

/** confirmed-service-error: initiate, choice 6 and its values. */
const INITIATE_ERROR = {
  service: 1,
  choice: 6,
  versionTooLow: 1,
  incompatible: 2,
  pduTooShort: 3,
  refused: 4,
} as const;

/** Service errors of the exceptions that this server gives. */
const EXCEPTION = { notPossible: 1, unsupported: 2, other: 3, deciphering: 5, invocationCounter: 6 } as const;

type Refusal = { readonly diagnostic: number; readonly initiate: number };
type Verdict =
  | { readonly guard: ServerGuard; readonly initiate: InitiateRequest; readonly conformance: number }
  | Refusal;

/** One client's association and where it is in its life. */
interface Entry {
  readonly stations: Stations;
  /** Services that were agreed on; masks in `CONFORMANCE`. */
  readonly conformance: number;
  readonly association: { readonly isAnswering: boolean; serve(request: Apdu): Apdu | null };
  readonly channel: ServerChannel;
  state: AssociationState;
}

/** The server's session machine. */
export class ServerSession implements Machine<ServerSessionEvent> {
  readonly #transport: ServerTransport;
  readonly #options: Required<ServerSessionOptions> & ServerIdentity;
  readonly #proof: ProofForm;
  readonly #associations = new Map<string, Entry>();
  #events: ServerSessionEvent[] = [];

  constructor(transport: ServerTransport, options: ServerSessionOptions) {
    this.#transport = transport;
    const isShort = options.shortNames != null;
    this.#options = {
      serverPduMaxBytes: SERVER_PDU_DEFAULT_BYTES,
      conformance: isShort ? SHORT_CONFORMANCE : SERVER_CONFORMANCE,
      systemTitle: null,
      random: null,
      shortNames: null,
      ...options,
      referencing: isShort ? 'short' : 'logical',
    };
    this.#proof = isShort ? shortProof('read') : LOGICAL_PROOF;
  }

  /** Pushes a notification to a client, protected as its policy says. Throws SECURITY_COUNTER_SPENT. */
  push(apdu: Notification, stations: Stations, nowMs: number): void {
    const client = this.#options.clients.find(({ sap }) => sap === stations.client);
    const guard =
      this.#associations.get(keyOf(stations))?.channel.guard ?? (client && new ServerGuard(client, this.#options));
    this.#transport.push(guard === undefined ? encodeApdu(apdu) : guard.sealUnasked(apdu), stations, nowMs);
  }

  /**
   * Tells what happened to every client whose association has the service for it and may read the attribute, protected as its
   * policy says; gives how many that were. Who is gone, or has a counter left for nothing, is passed over with an event.
   */
  notify(happening: Happening, nowMs: number): number {
    const { referencing, shortNames, model } = this.#options;
    const apdu = notificationOf(happening, shortNames);
    if (apdu === null) return 0;
    const service = CONFORMANCE[referencing === 'short' ? 'information-report' : 'event-notification'];
    let told = 0;
    for (const { channel, conformance, state, stations } of this.#associations.values()) {
      if (state !== 'associated' || (conformance & service) === 0) continue;
      if (new Rights(model.objectList(stations.client)).attribute(happening.attribute, 1) !== RESULT.success) continue;
      const messages = this.#sealed(apdu, () => channel.unasked(apdu)) ?? [];
      for (const octets of messages) this.#transport.notify(octets, stations, nowMs);
      if (messages.length > 0) told++;
    }
    return told;
  }

  /** Whether any association is open. */
  get hasAssociations(): boolean {
    return this.#associations.size > 0;
  }

  receive(chunk: Uint8Array, nowMs: number): ServerSessionEvent[] {
    return this.#consume(this.#transport.receive(chunk, nowMs), nowMs);
  }

  takeOutput(): Uint8Array[] {
    return this.#transport.takeOutput();
  }

  deadlineMs(): number | null {
    return this.#transport.deadlineMs();
  }

  tick(nowMs: number): ServerSessionEvent[] {
    return this.#consume(this.#transport.tick(nowMs), nowMs);
  }

  #consume(events: TransportEvent[], nowMs: number): ServerSessionEvent[] {
    for (const event of events) {
      if (event.kind === 'discarded') this.#events.push(event);
      else if (event.kind === 'apdu') this.#apdu(event.apdu, event.stations, nowMs);
      else if (event.kind === 'unsolicited') this.#broadcast(event.apdu, event.stations);
      else if (event.kind === 'link-up') this.#associations.delete(keyOf(event.stations));
      else if (event.kind === 'link-down') this.#linkDown(event.stations, event.reason);
    }
    const told = this.#events;
    this.#events = [];
    return told;
  }

  /** To all stations: carried out with the rights of that client, or passed over; in no case is anything said. */
  #broadcast(octets: Uint8Array, stations: Stations): void {
    const { clients, model } = this.#options;
    const client = clients.find(({ sap }) => sap === stations.client);
    try {
      if (client === undefined) throw sessionError('SESSION_STATE', `client ${stations.client}`);
      const { apdu, method, parameters } = new ServerGuard(client, this.#options).openBroadcast(octets);
      if (new Rights(model.objectList(stations.client)).method(method) === RESULT.success)
        model.invoke(method, parameters, stations.client);
      this.#events.push({ kind: 'served', stations, request: apdu });
    } catch (error) {
      this.#events.push({ kind: 'discarded', code: asError(error).code, octets });
    }
  }

  #linkDown(stations: Stations, reason: DeltawattError | null): void {
    this.#associations.delete(keyOf(stations));
    this.#events.push({ kind: 'link-down', stations, reason });
  }

  #apdu(octets: Uint8Array, stations: Stations, nowMs: number): void {
    const entry = this.#associations.get(keyOf(stations));
    let apdu: Apdu | null;
    try {
      apdu = entry === undefined || isAcse(octets) ? decodeApdu(octets) : entry.channel.hear(octets, nowMs);
    } catch (error) {
      this.#unreadable(asError(error), entry?.channel.guard ?? null, octets, stations, nowMs);
      return;
    }
    // Part of a message: what there was to acknowledge is said, and a link with a token gets it back.
    if (apdu === null) this.#transport.noAnswer(stations, nowMs);
    else if (apdu.apdu === 'aarq') this.#associate(apdu, stations, nowMs);
    else if (apdu.apdu === 'rlrq') this.#release(stations, nowMs);
    else this.#request(apdu, entry, stations, nowMs);
  }

  /** Octets that are no APDU, or one that may not be believed: an exception that says which, always plain. */
  #unreadable(
    { code }: DeltawattError,
    guard: ServerGuard | null,
    octets: Uint8Array,
    stations: Stations,
    nowMs: number,
  ): void {
    this.#events.push({ kind: 'discarded', code, octets });
    if (code === 'SECURITY_REPLAY') {
      this.#except(1, EXCEPTION.invocationCounter, stations, nowMs, guard?.expectedCounter ?? null);
    } else if (code.startsWith('SECURITY_')) this.#except(1, EXCEPTION.deciphering, stations, nowMs);
    else if (code === 'DLMS_APDU_TAG' || code === 'DLMS_EMPTY') this.#except(2, EXCEPTION.unsupported, stations, nowMs);
    else this.#except(1, EXCEPTION.other, stations, nowMs);
  }

  #except(
    stateError: number,
    serviceError: number,
    stations: Stations,
    nowMs: number,
    invocationCounter: number | null = null,
  ): void {
    this.#answer({ apdu: 'exception-response', stateError, serviceError, invocationCounter }, stations, nowMs);
  }

  /** Answers without protection. */
  #answer(apdu: Apdu, stations: Stations, nowMs: number): void {
    this.#transport.send(encodeApdu(apdu), stations, nowMs);
  }

  /** Answers as the policy says; when that cannot be done any more, with an exception. */
  #answerSealed(apdu: Apdu, { channel }: Entry, stations: Stations, nowMs: number): void {
    try {
      channel.answer(apdu, nowMs);
    } catch (error) {
      this.#events.push({ kind: 'discarded', code: asError(error).code, octets: encodeApdu(apdu) });
      this.#except(1, EXCEPTION.notPossible, stations, nowMs);
    }
  }

  /** The octets of an answer, or null, with an event, when no counter is left. */
  #sealed<Octets>(apdu: Apdu, seal: () => Octets): Octets | null {
    try {
      return seal();
    } catch (error) {
      this.#events.push({ kind: 'discarded', code: asError(error).code, octets: encodeApdu(apdu) });
      return null;
    }
  }

  #associate(aarq: Aarq, stations: Stations, nowMs: number): void {
    this.#associations.delete(keyOf(stations));
    const client = this.#options.clients.find(({ sap }) => sap === stations.client);
    const guard = client === undefined ? null : new ServerGuard(client, this.#options);
    let verdict: Verdict;
    try {
      verdict = this.#judge(aarq, client, guard);
    } catch (error) {
      const refused = asError(error);
      if (refused.code === 'SECURITY_REPLAY') {
        this.#unreadable(refused, guard, aarq.userInformation ?? new Uint8Array(0), stations, nowMs);
        return;
      }
      verdict = { diagnostic: DIAGNOSTIC.failure, initiate: INITIATE_ERROR.refused };
    }
    if ('diagnostic' in verdict) this.#refuse(aarq, verdict, stations, nowMs);
    else this.#accept(verdict, stations, nowMs);
  }

  #refuse(aarq: Aarq, { diagnostic, initiate }: Refusal, stations: Stations, nowMs: number): void {
    const { service, choice } = INITIATE_ERROR;
    const error = { apdu: 'confirmed-service-error', service, errorChoice: choice, errorValue: initiate } as const;
    this.#answer(aareOf(1, diagnostic, aarq.mechanism, error), stations, nowMs);
    this.#events.push({ kind: 'refused', stations, diagnostic });
  }

  #accept({ guard, initiate, conformance }: Exclude<Verdict, Refusal>, stations: Stations, nowMs: number): void {
    const { serverPduMaxBytes, model, shortNames, referencing } = this.#options;
    const clientPduMaxBytes = initiate.clientMaxReceivePduSize;
    const proofWanted = guard.challenge !== null;
    const facts = {
      client: stations.client,
      server: stations.server,
      conformance,
      serverPduMaxBytes,
      clientPduMaxBytes,
      answerMaxBytes: () => (clientPduMaxBytes === 0 ? 0 : clientPduMaxBytes - guard.overheadBytes),
      mechanism: guard.mechanism,
      context: guard.context,
    };
    const association =
      shortNames === null ? new ServerAssociation(model, facts) : new ShortServerAssociation(model, shortNames, facts);
    const agreement = {
      apdu: 'initiate-response',
      negotiatedQos: null,
      negotiatedDlmsVersion: DLMS_VERSION,
      conformance,
      serverMaxReceivePduSize: serverPduMaxBytes,
      vaaName: VAA_NAMES[referencing],
    } as const;
    const userInformation = this.#sealed(agreement, () => guard.sealInitiate(agreement));
    if (userInformation === null) {
      this.#except(1, EXCEPTION.notPossible, stations, nowMs);
      return;
    }
    const channel = new ServerChannel(guard, this.#transport, stations);
    if ((conformance & CONFORMANCE['general-block-transfer']) !== 0) channel.useBlocks(clientPduMaxBytes);
    const state = proofWanted ? 'authenticating' : 'associated';
    this.#admit({ stations, conformance, association, channel, state }, stations);
    const diagnostic = proofWanted ? DIAGNOSTIC.authenticationRequired : DIAGNOSTIC.null;
    const aare = {
      ...aareOf(0, diagnostic, guard.mechanism === 0 ? null : guard.mechanism, agreement),
      userInformation,
      applicationContext: guard.context,
      respondingApTitle: guard.title,
      respondingAuthenticationValue: guard.challenge,
    };
    this.#answer(aare, stations, nowMs);
    if (!proofWanted) this.#events.push({ kind: 'associated', stations });
  }

  #admit(entry: Entry, stations: Stations): void {
    const oldest = this.#associations.keys().next().value;
    if (this.#associations.size >= SERVER_ASSOCIATIONS_MAX && oldest !== undefined) this.#associations.delete(oldest);
    this.#associations.set(keyOf(stations), entry);
  }

  /** Throws SECURITY_* when the initiate-request may not be believed. */
  #judge(aarq: Aarq, client: ServerClient | undefined, guard: ServerGuard | null): Verdict {
    const refused = (diagnostic: number, initiate: number = INITIATE_ERROR.refused): Refusal => ({
      diagnostic,
      initiate,
    });
    if (referencingOfContext(aarq.applicationContext) !== this.#options.referencing) return refused(DIAGNOSTIC.context);
    if (client === undefined || guard === null) return refused(DIAGNOSTIC.noReason);
    const diagnostic = guard.judge(aarq);
    if (diagnostic !== DIAGNOSTIC.null) return refused(diagnostic);
    const initiate = initiateIn(aarq, guard);
    if (initiate === null) return refused(DIAGNOSTIC.noReason);
    if (initiate.proposedDlmsVersion < DLMS_VERSION) return refused(DIAGNOSTIC.noReason, INITIATE_ERROR.versionTooLow);
    const pdu = initiate.clientMaxReceivePduSize;
    if (pdu > 0 && pdu < PDU_MIN_BYTES + guard.overheadBytes)
      return refused(DIAGNOSTIC.noReason, INITIATE_ERROR.pduTooShort);
    const conformance =
      initiate.conformance & this.#options.conformance & (client.conformance ?? this.#options.conformance);
    if (conformance === 0) return refused(DIAGNOSTIC.noReason, INITIATE_ERROR.incompatible);
    return { guard, initiate, conformance };
  }

  #release(stations: Stations, nowMs: number): void {
    const associated = this.#associations.delete(keyOf(stations));
    this.#answer({ apdu: 'rlre', reason: 0, userInformation: null }, stations, nowMs);
    if (associated) this.#events.push({ kind: 'released', stations });
  }

  #request(apdu: Apdu, entry: Entry | undefined, stations: Stations, nowMs: number): void {
    if (entry?.state === 'authenticating') {
      this.#prove(apdu, entry, stations, nowMs);
      return;
    }
    if (entry === undefined || nextState(entry.state, 'service') === null) {
      this.#except(1, EXCEPTION.notPossible, stations, nowMs);
      return;
    }
    const answer = entry.association.serve(apdu);
    this.#events.push({ kind: 'served', stations, request: apdu.apdu });
    if (answer === null) this.#transport.noAnswer(stations, nowMs);
    else this.#answerSealed(answer, entry, stations, nowMs);
    if (!entry.association.isAnswering) entry.channel.guard.renew();
  }

  /** Pass 3: the one thing that a client may say before it has proved itself. */
  #prove(apdu: Apdu, entry: Entry, stations: Stations, nowMs: number): void {
    const asked = this.#proof.asked(apdu);
    if (asked === undefined) {
      this.#except(1, EXCEPTION.notPossible, stations, nowMs);
      return;
    }
    const proof = entry.channel.guard.prove(asked);
    this.#answerSealed(this.#proof.answer(apdu, proof), entry, stations, nowMs);
    if (proof !== null) {
      entry.state = nextState(entry.state, 'proof') ?? entry.state;
      this.#events.push({ kind: 'associated', stations });
    } else {
      this.#associations.delete(keyOf(stations));
      this.#events.push({ kind: 'refused', stations, diagnostic: DIAGNOSTIC.failure });
    }
  }
}

const ACSE_REQUESTS: ReadonlySet<number | undefined> = new Set([0x60, 0x62]);

/** Whether octets are an AARQ or an RLRQ: they stand outside the protection of an association. */
function isAcse(octets: Uint8Array): boolean {
  return ACSE_REQUESTS.has(octets.at(0));
}

function keyOf({ client, server }: Stations): string {
  return `${client}>${server}`;
}

/** The initiate-request; null when there is none, or none that can be read. Throws SECURITY_*. */
function initiateIn(aarq: Aarq, guard: ServerGuard): InitiateRequest | null {
  try {
    return guard.initiate(aarq);
  } catch (error) {
    if (isDlmsError(error)) return null;
    throw error;
  }
}
