/** Association control: AARQ, AARE, RLRQ, RLRE (BER, tags 60 to 63). */

/** A field that this decoder does not interpret, kept with its tag and content. */
export interface BerField {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** Opens an association. */
export interface Aarq {
  readonly apdu: 'aarq';
  /** Content octets of the protocol-version bit string, or null when absent (as usual). */
  readonly protocolVersion: Uint8Array | null;
  /** 1 LN, 2 SN, 3 LN ciphered, 4 SN ciphered; see `APPLICATION_CONTEXTS`. */
  readonly applicationContext: number;
  /** The client's system title. */
  readonly callingApTitle: Uint8Array | null;
  /** The client's signing certificate. */
  readonly callingAeQualifier: Uint8Array | null;
  /** Bit string: 07 80 = authentication is asked for. */
  readonly senderAcseRequirements: Uint8Array | null;
  /** 0 none, 1 LLS, 2 to 7 HLS; see `MECHANISMS`. */
  readonly mechanism: number | null;
  /** Password or challenge. */
  readonly callingAuthenticationValue: Uint8Array | null;
  /** An initiate-request, plain or ciphered: hand it to `decodeApdu`. */
  readonly userInformation: Uint8Array | null;
  /** Fields not named above, by tag. */
  readonly otherFields: readonly BerField[];
}
/** Answers an AARQ. */
export interface Aare {
  readonly apdu: 'aare';
  readonly protocolVersion: Uint8Array | null;
  readonly applicationContext: number;
  /** 0 accepted, 1 rejected for good, 2 rejected for now. */
  readonly result: number;
  readonly diagnostic: AssociateDiagnostic;
  /** The server's system title. */
  readonly respondingApTitle: Uint8Array | null;
  /** The server's signing certificate. */
  readonly respondingAeQualifier: Uint8Array | null;
  readonly responderAcseRequirements: Uint8Array | null;
  readonly mechanism: number | null;
  /** The server's challenge. */
  readonly respondingAuthenticationValue: Uint8Array | null;
  /** An initiate-response or a confirmed-service-error, plain or ciphered. */
  readonly userInformation: Uint8Array | null;
  readonly otherFields: readonly BerField[];
}
/** Why, in the words of the side that decided. */
export interface AssociateDiagnostic {
  readonly source: 'acse-service-user' | 'acse-service-provider';
  readonly code: number;
}
/** Closes an association (rlrq), or confirms (rlre). */
export interface Release {
  readonly apdu: 'rlrq' | 'rlre';
  /** 0 normal, 1 urgent or not-finished, 30 user-defined; null when left out. */
  readonly reason: number | null;
  readonly userInformation: Uint8Array | null;
}
/** Every APDU of association control. */
export type AcseApdu = Aarq | Aare | Release;
