/**
 * General-signing: an APDU, plain or ciphered, with the signature of its sender (Green Book, digital signature).
 *
 * Signed are the header fields with their lengths and the content; whether the content's own length is signed too is not
 * agreed among implementations, so it is a switch.
 */
import { ByteWriter, concat } from '../../base/bytes.ts';
import { writeLength } from '../axdr/length.ts';
import type { GeneralHeader, GeneralSigning } from '../xdlms/ciphered.ts';
import { generalHeaderOctets } from './ciphering.ts';
import { isSignature, type KeyPair, signOctets } from './elliptic.ts';
import { securityError } from './errors.ts';
import type { CurveName } from './suite.ts';

/** Whether the length of the content is among the signed octets. */
export interface SigningSwitch {
  /** Default false. */
  readonly signContentLength?: boolean;
}

/** Signs an APDU: 64 octets of signature on P-256, 96 on P-384. */
export function signApdu(
  content: Uint8Array,
  header: GeneralHeader,
  signer: KeyPair,
  { signContentLength = false }: SigningSwitch = {},
): GeneralSigning {
  const signature = signOctets(signedOctets(content, header, signContentLength), signer);
  return { apdu: 'general-signing', ...header, content, signature };
}

/**
 * The content, when the signature is the signer's; throws SECURITY_SIGNATURE. Without the switch both forms are tried.
 */
export function checkedContent(
  apdu: GeneralSigning,
  curve: CurveName,
  signerPublicKey: Uint8Array,
  { signContentLength }: SigningSwitch = {},
): Uint8Array {
  const forms = signContentLength === undefined ? [false, true] : [signContentLength];
  const fits = (withLength: boolean): boolean =>
    isSignature(apdu.signature, signedOctets(apdu.content, apdu, withLength), curve, signerPublicKey);
  if (forms.some(fits)) return apdu.content;
  throw securityError('SECURITY_SIGNATURE', 'general-signing');
}

function signedOctets(content: Uint8Array, header: GeneralHeader, withLength: boolean): Uint8Array {
  const length = new ByteWriter(8);
  if (withLength) writeLength(length, content.length);
  return concat([generalHeaderOctets(header), length.finish(), content]);
}
