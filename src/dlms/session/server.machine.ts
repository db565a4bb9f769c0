/**
 * The server's session: associations of several clients with one device, over any framing layer.
 *
 * The machine opens and closes associations and passes their requests to `ServerAssociation`; it answers in the same call,
 * so a reader on a half-duplex line waits for nothing but the line.
 */

import { sameOctets } from '../../base/bytes.ts';
import type { DeltawattError } from '../../base/errors.ts';
import type { Machine } from '../../base/machine.ts';
import type { Aarq } from '../acse/acse.ts';
import type { ServerTransport, Stations, TransportEvent } from '../frame/transport.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import { decodeApdu, encodeApdu } from '../xdlms/codec.ts';
import type { InitiateRequest } from '../xdlms/initiate.ts';
import type { DataNotification, EventNotification } from '../xdlms/notification.ts';
import { aareOf, DLMS_VERSION, LN_VAA_NAME, LOGICAL_NAMES, MECHANISM_NUMBERS, OUR_CONFORMANCE } from './association.ts';
import { asError } from './exchange.ts';
import { PDU_MIN_BYTES, SERVER_ASSOCIATIONS_MAX, SERVER_PDU_DEFAULT_BYTES } from './limits.ts';
import type { ObjectModel, ServerClient } from './object-model.ts';
import { ServerAssociation } from './server-association.ts';
import { nextState } from './state.ts';

/** Settings of a server session. */
export interface ServerSessionOptions {
  readonly model: ObjectModel;
  readonly clients: readonly ServerClient[];
  /** Longest APDU that this side takes, octets. */
  readonly serverPduMaxBytes?: number;
  /** Services that it has; masks in `CONFORMANCE`. */
  readonly conformance?: number;
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

/** Diagnostics of the service user that this server gives. */
const DIAGNOSTIC = {
  null: 0,
  noReason: 1,
  context: 2,
  mechanismUnknown: 11,
  mechanismWanted: 12,
  failure: 13,
} as const;
/** confirmed-service-error: initiate, choice 6 and its values. */
const INITIATE_ERROR = {
  service: 1,
  choice: 6,
  versionTooLow: 1,
  incompatible: 2,
  pduTooShort: 3,
  refused: 4,
} as const;

type Refusal = { readonly diagnostic: number; readonly initiate: number };
type Verdict =
  | { readonly client: ServerClient; readonly initiate: InitiateRequest; readonly conformance: number }
  | Refusal;

/** The server's session machine. */
export class ServerSession implements Machine<ServerSessionEvent> {
  readonly #transport: ServerTransport;
  readonly #options: Required<ServerSessionOptions>;
  readonly #associations = new Map<string, ServerAssociation>();
  #events: ServerSessionEvent[] = [];

  constructor(transport: ServerTransport, options: ServerSessionOptions) {
    this.#transport = transport;
    this.#options = { serverPduMaxBytes: SERVER_PDU_DEFAULT_BYTES, conformance: OUR_CONFORMANCE, ...options };
  }

  /** Pushes a notification to a client. */
  push(apdu: DataNotification | EventNotification, stations: Stations, nowMs: number): void {
    this.#transport.push(encodeApdu(apdu), stations, nowMs);
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
      else if (event.kind === 'link-up') this.#associations.delete(keyOf(event.stations));
      else if (event.kind === 'link-down') this.#linkDown(event.stations, event.reason);
    }
    const told = this.#events;
    this.#events = [];
    return told;
  }

  #linkDown(stations: Stations, reason: DeltawattError | null): void {
    this.#associations.delete(keyOf(stations));
    this.#events.push({ kind: 'link-down', stations, reason });
  }

  #apdu(octets: Uint8Array, stations: Stations, nowMs: number): void {
    let apdu: Apdu;
    try {
      apdu = decodeApdu(octets);
    } catch (error) {
      const { code } = asError(error);
      this.#events.push({ kind: 'discarded', code, octets });
      const unknown = code === 'DLMS_APDU_TAG' || code === 'DLMS_EMPTY';
      this.#answer(
        {
          apdu: 'exception-response',
          stateError: unknown ? 2 : 1,
          serviceError: unknown ? 2 : 3,
          invocationCounter: null,
        },
        stations,
        nowMs,
      );
      return;
    }
    if (apdu.apdu === 'aarq') this.#associate(apdu, stations, nowMs);
    else if (apdu.apdu === 'rlrq') this.#release(stations, nowMs);
    else this.#request(apdu, stations, nowMs);
  }

  #answer(apdu: Apdu, stations: Stations, nowMs: number): void {
    this.#transport.send(encodeApdu(apdu), stations, nowMs);
  }

  #associate(aarq: Aarq, stations: Stations, nowMs: number): void {
    const verdict = this.#judge(aarq, stations);
    this.#associations.delete(keyOf(stations));
    if ('diagnostic' in verdict) {
      const { service, choice } = INITIATE_ERROR;
      const error = {
        apdu: 'confirmed-service-error',
        service,
        errorChoice: choice,
        errorValue: verdict.initiate,
      } as const;
      this.#answer(aareOf(1, verdict.diagnostic, aarq.mechanism, error), stations, nowMs);
      this.#events.push({ kind: 'refused', stations, diagnostic: verdict.diagnostic });
      return;
    }
    const mechanism = MECHANISM_NUMBERS[verdict.client.authentication.mechanism];
    const { serverPduMaxBytes } = this.#options;
    this.#admit(
      new ServerAssociation(this.#options.model, {
        client: stations.client,
        server: stations.server,
        conformance: verdict.conformance,
        serverPduMaxBytes,
        clientPduMaxBytes: verdict.initiate.clientMaxReceivePduSize,
        mechanism,
      }),
      stations,
    );
    const agreement = {
      apdu: 'initiate-response',
      negotiatedQos: null,
      negotiatedDlmsVersion: DLMS_VERSION,
      conformance: verdict.conformance,
      serverMaxReceivePduSize: serverPduMaxBytes,
      vaaName: LN_VAA_NAME,
    } as const;
    this.#answer(aareOf(0, DIAGNOSTIC.null, mechanism === 0 ? null : mechanism, agreement), stations, nowMs);
    this.#events.push({ kind: 'associated', stations });
  }

  #admit(association: ServerAssociation, stations: Stations): void {
    const oldest = this.#associations.keys().next().value;
    if (this.#associations.size >= SERVER_ASSOCIATIONS_MAX && oldest !== undefined) this.#associations.delete(oldest);
    this.#associations.set(keyOf(stations), association);
  }

  #judge(aarq: Aarq, stations: Stations): Verdict {
    const refused = (diagnostic: number, initiate: number = INITIATE_ERROR.refused): Refusal => ({
      diagnostic,
      initiate,
    });
    if (aarq.applicationContext !== LOGICAL_NAMES) return refused(DIAGNOSTIC.context);
    const client = this.#options.clients.find(({ sap }) => sap === stations.client);
    if (client === undefined) return refused(DIAGNOSTIC.noReason);
    const diagnostic = checkAuthentication(aarq, client);
    if (diagnostic !== DIAGNOSTIC.null) return refused(diagnostic);
    const initiate = initiateRequestOf(aarq);
    if (initiate === null) return refused(DIAGNOSTIC.noReason);
    if (initiate.proposedDlmsVersion < DLMS_VERSION) return refused(DIAGNOSTIC.noReason, INITIATE_ERROR.versionTooLow);
    const pdu = initiate.clientMaxReceivePduSize;
    if (pdu > 0 && pdu < PDU_MIN_BYTES) return refused(DIAGNOSTIC.noReason, INITIATE_ERROR.pduTooShort);
    const conformance =
      initiate.conformance & this.#options.conformance & (client.conformance ?? this.#options.conformance);
    if (conformance === 0) return refused(DIAGNOSTIC.noReason, INITIATE_ERROR.incompatible);
    return { client, initiate, conformance };
  }

  #release(stations: Stations, nowMs: number): void {
    const associated = this.#associations.delete(keyOf(stations));
    this.#answer({ apdu: 'rlre', reason: 0, userInformation: null }, stations, nowMs);
    if (associated) this.#events.push({ kind: 'released', stations });
  }

  #request(apdu: Apdu, stations: Stations, nowMs: number): void {
    const association = this.#associations.get(keyOf(stations));
    const state = association === undefined ? 'linked' : 'associated';
    if (association === undefined || nextState(state, 'service') === null) {
      this.#answer(
        { apdu: 'exception-response', stateError: 1, serviceError: 1, invocationCounter: null },
        stations,
        nowMs,
      );
      return;
    }
    const answer = association.serve(apdu);
    this.#events.push({ kind: 'served', stations, request: apdu.apdu });
    if (answer === null) this.#transport.noAnswer(stations, nowMs);
    else this.#answer(answer, stations, nowMs);
  }
}

function keyOf({ client, server }: Stations): string {
  return `${client}>${server}`;
}

function checkAuthentication(aarq: Aarq, { authentication }: ServerClient): number {
  const mechanism = aarq.mechanism ?? MECHANISM_NUMBERS.none;
  if (authentication.mechanism === 'none')
    return mechanism === MECHANISM_NUMBERS.none ? DIAGNOSTIC.null : DIAGNOSTIC.mechanismUnknown;
  if (mechanism === MECHANISM_NUMBERS.none) return DIAGNOSTIC.mechanismWanted;
  if (mechanism !== MECHANISM_NUMBERS.lls) return DIAGNOSTIC.mechanismUnknown;
  const given = aarq.callingAuthenticationValue ?? new Uint8Array(0);
  return samePassword(given, authentication.password) ? DIAGNOSTIC.null : DIAGNOSTIC.failure;
}

/** Compares in a time that depends on the wrong password's length only. */
function samePassword(given: Uint8Array, right: Uint8Array): boolean {
  const padded = new Uint8Array(given.length);
  padded.set(right.subarray(0, given.length));
  const difference = given.reduce((sum, octet, at) => sum | (octet ^ (padded.at(at) ?? 0)), 0);
  return difference === 0 && given.length === right.length && sameOctets(given, right);
}

function initiateRequestOf(aarq: Aarq): InitiateRequest | null {
  if (aarq.userInformation === null) return null;
  try {
    const apdu = decodeApdu(aarq.userInformation);
    return apdu.apdu === 'initiate-request' ? apdu : null;
  } catch (error) {
    asError(error);
    return null;
  }
}
