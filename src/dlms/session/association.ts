/** Opening and closing an association: the client's proposal, the server's answer, and what both agreed on. */

import { DeltawattError } from '../../base/errors.ts';
import type { Aare, Aarq } from '../acse/acse.ts';
import { PROVIDER_DIAGNOSTICS, USER_DIAGNOSTICS } from '../acse/names.ts';
import { decodeApdu, encodeApdu } from '../xdlms/codec.ts';
import {
  CONFORMANCE,
  type ConfirmedServiceError,
  type ConformanceName,
  type InitiateResponse,
} from '../xdlms/initiate.ts';
import { sessionError } from './errors.ts';
import { PDU_MIN_BYTES } from './limits.ts';

/**
 * How a client proves who it is. The high-level mechanisms (2-7) come with ciphering: they end up in the state
 * `authenticating` of the association table and need key material that this type will carry.
 */
export type Authentication =
  | { readonly mechanism: 'none' }
  /** Low-level security: a password in clear, at most 255 octets. */
  | { readonly mechanism: 'lls'; readonly password: Uint8Array };

/** Numbers of the mechanisms in AARQ and AARE. */
export const MECHANISM_NUMBERS = { none: 0, lls: 1 } as const;

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
}

/** Services that this code speaks as client and as server. */
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

/** Application context 1: logical names, no ciphering. */
export const LOGICAL_NAMES = 1;
/** The one version of xDLMS in use. */
export const DLMS_VERSION = 6;
/** Name of the association in an initiate-response with logical names. */
export const LN_VAA_NAME = 0x0007;
/** Bit string of one bit, set: authentication functional unit. */
const AUTHENTICATION_WANTED = Uint8Array.of(0x07, 0x80);

/** Whether a service was agreed on. */
export function agreed(association: Association, name: ConformanceName): boolean {
  return (association.conformance & CONFORMANCE[name]) !== 0;
}

/** The client's AARQ. */
export function aarqOf(authentication: Authentication, conformance: number, clientPduMaxBytes: number): Aarq {
  const lls = authentication.mechanism === 'lls';
  return {
    apdu: 'aarq',
    protocolVersion: null,
    applicationContext: LOGICAL_NAMES,
    callingApTitle: null,
    callingAeQualifier: null,
    senderAcseRequirements: lls ? AUTHENTICATION_WANTED : null,
    mechanism: lls ? MECHANISM_NUMBERS.lls : null,
    callingAuthenticationValue: lls ? authentication.password : null,
    userInformation: encodeApdu({
      apdu: 'initiate-request',
      dedicatedKey: null,
      responseAllowed: true,
      proposedQos: null,
      proposedDlmsVersion: DLMS_VERSION,
      conformance,
      clientMaxReceivePduSize: clientPduMaxBytes,
    }),
    otherFields: [],
  };
}

/** A server's AARE; `information` is an initiate-response or the error in its place. */
export function aareOf(
  result: 0 | 1 | 2,
  code: number,
  mechanism: number | null,
  information: InitiateResponse | ConfirmedServiceError | null,
): Aare {
  return {
    apdu: 'aare',
    protocolVersion: null,
    applicationContext: LOGICAL_NAMES,
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

/** What an AARE comes to: the agreement, or the reason why there is no association. */
export function judgeAare(aare: Aare): { readonly agreement: InitiateResponse } | { readonly refusal: DeltawattError } {
  try {
    return { agreement: agreementOf(aare) };
  } catch (error) {
    if (error instanceof DeltawattError) return { refusal: error };
    throw error;
  }
}

function agreementOf(aare: Aare): InitiateResponse {
  const inside = aare.userInformation === null ? null : decodeApdu(aare.userInformation);
  if (aare.result !== 0 || inside?.apdu !== 'initiate-response') {
    const isError = inside?.apdu === 'confirmed-service-error';
    const service = isError ? `, initiate error ${inside.errorChoice}/${inside.errorValue}` : '';
    throw sessionError('SESSION_ASSOCIATION_REFUSED', `${diagnosticText(aare)}${service}`);
  }
  if ((aare.mechanism ?? 0) > MECHANISM_NUMBERS.lls)
    throw sessionError('SESSION_MECHANISM', `mechanism ${aare.mechanism}`);
  const pdu = inside.serverMaxReceivePduSize;
  if (inside.negotiatedDlmsVersion !== DLMS_VERSION || (pdu > 0 && pdu < PDU_MIN_BYTES)) {
    const detail = `DLMS version ${inside.negotiatedDlmsVersion}, PDU ${pdu} octets`;
    throw sessionError('SESSION_ASSOCIATION_REFUSED', detail);
  }
  return inside;
}
