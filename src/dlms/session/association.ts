/** Opening and closing an association: the client's proposal, the server's answer, and what both agreed on. */

import type { Aare, Aarq } from '../acse/acse.ts';
import { PROVIDER_DIAGNOSTICS, USER_DIAGNOSTICS } from '../acse/names.ts';
import { CURRENT_ASSOCIATION_NAME } from '../cosem/short-names.ts';
import { HLS_MECHANISMS, type HlsSecret } from '../security/hls.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import { encodeApdu } from '../xdlms/codec.ts';
import {
  CONFORMANCE,
  type ConfirmedServiceError,
  type ConformanceName,
  type InitiateRequest,
  type InitiateResponse,
} from '../xdlms/initiate.ts';
import { sessionError } from './errors.ts';
import { PDU_MIN_BYTES } from './limits.ts';

/** A high-level mechanism: what this side proves itself with, and the challenge that it sends (8 to 64 octets, fresh). */
export type HlsAuthentication = HlsSecret & { readonly challenge: Uint8Array };

/** How a client proves who it is. */
export type Authentication =
  | { readonly mechanism: 'none' }
  /** Low-level security: a password in clear, at most 255 octets. */
  | { readonly mechanism: 'lls'; readonly password: Uint8Array }
  | HlsAuthentication;

/** Numbers of the mechanisms in AARQ and AARE. */
export const MECHANISM_NUMBERS = { none: 0, lls: 1, ...HLS_MECHANISMS } as const;

/** Whether passes 3 and 4 belong to the mechanism. */
export function isHls<Any extends { readonly mechanism: string }>(
  authentication: Any,
): authentication is Exclude<Any, { readonly mechanism: 'none' | 'lls' }> {
  return authentication.mechanism !== 'none' && authentication.mechanism !== 'lls';
}

/** What both sides agreed on. */
export interface Association {
  /** Conformance bits that both have; masks in `CONFORMANCE`. */
  readonly conformance: number;
  /** Longest APDU that the server takes; 0 = no limit. */
  readonly serverPduMaxBytes: number;
  /** Longest APDU that the client takes; 0 = no limit. */
  readonly clientPduMaxBytes: number;
  /** 6 today. */
  readonly dlmsVersion: number;
  /** How objects are called in it; requests are the same in both. */
  readonly referencing: ReferencingName;
}

/** By class and OBIS, or by names of 16 bits. */
export type ReferencingName = 'logical' | 'short';

/** Services that a client proposes when nothing else is asked for: those that meters of today have. */
export const OUR_CONFORMANCE =
  CONFORMANCE['priority-mgmt-supported'] |
  CONFORMANCE['block-transfer-with-get-or-read'] |
  CONFORMANCE['block-transfer-with-set-or-write'] |
  CONFORMANCE['block-transfer-with-action'] |
  CONFORMANCE['multiple-references'] |
  CONFORMANCE['data-notification'] |
  CONFORMANCE.get |
  CONFORMANCE.set |
  CONFORMANCE['selective-access'] |
  CONFORMANCE['event-notification'] |
  CONFORMANCE.action;

/** Services that a server has, and that a client may propose besides. */
export const SERVER_CONFORMANCE =
  OUR_CONFORMANCE |
  CONFORMANCE['general-block-transfer'] |
  CONFORMANCE['attribute0-supported-with-get'] |
  CONFORMANCE['attribute0-supported-with-set'] |
  CONFORMANCE.access;

/** Services with short names, of client and server. */
export const SHORT_CONFORMANCE =
  CONFORMANCE.read |
  CONFORMANCE.write |
  CONFORMANCE['unconfirmed-write'] |
  CONFORMANCE['block-transfer-with-get-or-read'] |
  CONFORMANCE['block-transfer-with-set-or-write'] |
  CONFORMANCE['multiple-references'] |
  CONFORMANCE['information-report'] |
  CONFORMANCE['data-notification'] |
  CONFORMANCE['parameterized-access'];

/** Application contexts: logical or short names, plain or ciphered. */
const CONTEXTS = { logical: { plain: 1, ciphered: 3 }, short: { plain: 2, ciphered: 4 } } as const;

/** Number of an application context. */
export function contextOf(referencing: ReferencingName, isCiphering: boolean): number {
  const { plain, ciphered } = CONTEXTS[referencing];
  return isCiphering ? ciphered : plain;
}

/** Whether messages in this application context are ciphered. */
export function isCipheredContext(context: number): boolean {
  return context === CONTEXTS.logical.ciphered || context === CONTEXTS.short.ciphered;
}

/** How objects are called in an application context; null when it is none of DLMS. */
export function referencingOfContext(context: number): ReferencingName | null {
  if (context === CONTEXTS.logical.plain || context === CONTEXTS.logical.ciphered) return 'logical';
  return context === CONTEXTS.short.plain || context === CONTEXTS.short.ciphered ? 'short' : null;
}

/** The one version of xDLMS in use. */
export const DLMS_VERSION = 6;
/** Name of the association in an initiate-response. */
export const VAA_NAMES = { logical: 0x0007, short: CURRENT_ASSOCIATION_NAME } as const;
/** Bit string of one bit, set: authentication functional unit. */
const AUTHENTICATION_WANTED = Uint8Array.of(0x07, 0x80);

/** Whether a service was agreed on. */
export function agreed(association: Pick<Association, 'conformance'>, name: ConformanceName): boolean {
  return (association.conformance & CONFORMANCE[name]) !== 0;
}

/** Longest request that needs no blocks of its own, octets; 0 = any, as when there are general ones. */
export function requestMaxBytes(association: Association): number {
  return agreed(association, 'general-block-transfer') ? 0 : association.serverPduMaxBytes;
}

/** The client's proposal. */
export function initiateRequestOf(conformance: number, clientPduMaxBytes: number): InitiateRequest {
  return {
    apdu: 'initiate-request',
    dedicatedKey: null,
    responseAllowed: true,
    proposedQos: null,
    proposedDlmsVersion: DLMS_VERSION,
    conformance,
    clientMaxReceivePduSize: clientPduMaxBytes,
  };
}

/** The client's AARQ around an initiate-request, plain or ciphered; `initiate` given as octets. */
export function aarqOf(authentication: Authentication, initiate: Uint8Array): Aarq {
  const { mechanism } = authentication;
  const wanted = mechanism !== 'none';
  return {
    apdu: 'aarq',
    protocolVersion: null,
    applicationContext: CONTEXTS.logical.plain,
    callingApTitle: null,
    callingAeQualifier: null,
    senderAcseRequirements: wanted ? AUTHENTICATION_WANTED : null,
    mechanism: wanted ? MECHANISM_NUMBERS[mechanism] : null,
    callingAuthenticationValue: authenticationValueOf(authentication),
    userInformation: initiate,
    otherFields: [],
  };
}

function authenticationValueOf(authentication: Authentication): Uint8Array | null {
  if (isHls(authentication)) return authentication.challenge;
  return authentication.mechanism === 'lls' ? authentication.password : null;
}

/** A server's AARE without ciphering; `information` is an initiate-response or the error in its place. */
export function aareOf(
  result: 0 | 1 | 2,
  code: number,
  mechanism: number | null,
  information: InitiateResponse | ConfirmedServiceError | null,
): Aare {
  return {
    apdu: 'aare',
    protocolVersion: null,
    applicationContext: CONTEXTS.logical.plain,
    result,
    diagnostic: { source: 'acse-service-user', code },
    respondingApTitle: null,
    respondingAeQualifier: null,
    responderAcseRequirements: mechanism === null ? null : AUTHENTICATION_WANTED,
    mechanism,
    respondingAuthenticationValue: null,
    userInformation: information === null ? null : encodeApdu(information),
    otherFields: [],
  };
}

/** The diagnostic of an AARE in words. */
function diagnosticText({ result, diagnostic }: Aare): string {
  const names = diagnostic.source === 'acse-service-user' ? USER_DIAGNOSTICS : PROVIDER_DIAGNOSTICS;
  return `result ${result}, ${diagnostic.source}: ${names[diagnostic.code] ?? diagnostic.code}`;
}

/**
 * What an AARE agrees to, `inside` being its user information opened; throws SESSION_ASSOCIATION_REFUSED with the words of
 * the server. `overheadBytes` is what protection takes of each PDU.
 */
export function agreementOf(aare: Aare, inside: Apdu | null, overheadBytes = 0): InitiateResponse {
  if (aare.result !== 0 || inside?.apdu !== 'initiate-response') {
    const isError = inside?.apdu === 'confirmed-service-error';
    const service = isError ? `, initiate error ${inside.errorChoice}/${inside.errorValue}` : '';
    throw sessionError('SESSION_ASSOCIATION_REFUSED', `${diagnosticText(aare)}${service}`);
  }
  const pdu = inside.serverMaxReceivePduSize;
  if (inside.negotiatedDlmsVersion !== DLMS_VERSION || (pdu > 0 && pdu < PDU_MIN_BYTES + overheadBytes)) {
    const detail = `DLMS version ${inside.negotiatedDlmsVersion}, PDU ${pdu} octets`;
    throw sessionError('SESSION_ASSOCIATION_REFUSED', detail);
  }
  return inside;
}
