/**
 * AES-GCM as DLMS uses it (Green Book, security header and additional authenticated data).
 *
 * The initialisation vector is the sender's system title and the invocation counter; the authenticated data are the
 * security control octet and the authentication key, in general-ciphering the header fields, and without encryption the
 * message itself. Encryption without authentication is the counter mode inside GCM, whose first block is number 2; the same
 * path opens a message whose tag cannot be checked because the authentication key is not known here.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { ByteWriter, concat } from '../../base/bytes.ts';
import { type CipheredText, SECURITY_CONTROL } from '../xdlms/ciphered.ts';
import { securityError } from './errors.ts';
import { TAG_BYTES } from './limits.ts';
import { octetsOfKey, type SecretKey } from './secret-key.ts';
import { checkedTitle, fitting, type Suite, suiteOf } from './suite.ts';

/** What one message is protected with. */
export interface GcmParameters {
  /** Suite, authenticated, encrypted, broadcast; see `SECURITY_CONTROL`. */
  readonly securityControl: number;
  readonly invocationCounter: number;
  /** The system title of the one who protects, 8 octets. */
  readonly title: Uint8Array;
  readonly encryptionKey: SecretKey;
  /** Null when it is not known: then nothing can be authenticated, and a tag not checked. */
  readonly authenticationKey: SecretKey | null;
  /** Header of general-ciphering that is authenticated too; empty elsewhere. */
  readonly header?: Uint8Array;
}

const NOTHING: Uint8Array = new Uint8Array(0);
/** In GCM with a vector of 96 bits, block 1 makes the tag and the message begins with block 2. */
const FIRST_MESSAGE_BLOCK = 2;

/** Whether the control octet asks for a tag. */
export function isAuthenticated(securityControl: number): boolean {
  return (securityControl & SECURITY_CONTROL.authenticated) !== 0;
}

/** Whether the control octet says that the payload is ciphertext. */
export function isEncrypted(securityControl: number): boolean {
  return (securityControl & SECURITY_CONTROL.encrypted) !== 0;
}

/** Protects a message. Throws SECURITY_* when suite, keys, title or control octet do not fit. */
export function protect(plaintext: Uint8Array, parameters: GcmParameters): CipheredText {
  const { securityControl, invocationCounter } = parameters;
  const suite = checkedControl(securityControl);
  const vector = vectorOf(parameters);
  if (!isAuthenticated(securityControl)) {
    const payload = isEncrypted(securityControl) ? counterMode(plaintext, vector, suite, parameters) : plaintext;
    return { securityControl, invocationCounter, payload, authenticationTag: NOTHING };
  }
  const encrypted = isEncrypted(securityControl);
  const cipher = createCipheriv(suite.gcm, encryptionKeyOf(suite, parameters), vector, { authTagLength: TAG_BYTES });
  cipher.setAAD(authenticatedData(suite, plaintext, parameters));
  const ciphertext = concat([encrypted ? cipher.update(plaintext) : NOTHING, cipher.final()]);
  const payload = encrypted ? ciphertext : plaintext;
  return { securityControl, invocationCounter, payload, authenticationTag: Uint8Array.from(cipher.getAuthTag()) };
}

/** A message opened; `verified` is false when it had no tag, or the key of the tag is not known. */
export interface Opened {
  readonly plaintext: Uint8Array;
  readonly verified: boolean;
}

/** Opens a message. Throws SECURITY_TAG when the tag does not fit, SECURITY_TAG_LENGTH when it is shortened. */
export function unprotect(text: CipheredText, parameters: Omit<GcmParameters, keyof CipheredText>): Opened {
  const { securityControl, invocationCounter, payload, authenticationTag } = text;
  const whole: GcmParameters = { ...parameters, securityControl, invocationCounter };
  const suite = checkedControl(securityControl);
  const encrypted = isEncrypted(securityControl);
  const vector = vectorOf(whole);
  if (!isAuthenticated(securityControl) || parameters.authenticationKey === null) {
    const plaintext = encrypted ? counterMode(payload, vector, suite, whole) : payload;
    return { plaintext, verified: false };
  }
  if (authenticationTag.length !== TAG_BYTES)
    throw securityError('SECURITY_TAG_LENGTH', `${authenticationTag.length} octets`);
  const decipher = createDecipheriv(suite.gcm, encryptionKeyOf(suite, whole), vector, { authTagLength: TAG_BYTES });
  decipher.setAAD(authenticatedData(suite, payload, whole));
  decipher.setAuthTag(authenticationTag);
  const deciphered = encrypted ? decipher.update(payload) : NOTHING;
  try {
    decipher.final();
  } catch (error) {
    throw securityError('SECURITY_TAG', `counter ${invocationCounter}`, error);
  }
  return { plaintext: encrypted ? Uint8Array.from(deciphered) : payload, verified: true };
}

/** The suite of a control octet that can be handled. */
function checkedControl(securityControl: number): Suite {
  if ((securityControl & SECURITY_CONTROL.compressed) !== 0) throw securityError('SECURITY_COMPRESSED');
  return suiteOf(securityControl);
}

function encryptionKeyOf(suite: Suite, { encryptionKey }: GcmParameters): Uint8Array {
  return octetsOfKey(fitting(encryptionKey, suite, 'encryption key'));
}

function vectorOf({ title, invocationCounter }: GcmParameters): Uint8Array {
  return new ByteWriter(12).bytes(checkedTitle(title, 'sender')).u32(invocationCounter).finish();
}

function counterMode(octets: Uint8Array, vector: Uint8Array, suite: Suite, parameters: GcmParameters): Uint8Array {
  const block = new ByteWriter(16).bytes(vector).u32(FIRST_MESSAGE_BLOCK).finish();
  const cipher = createCipheriv(suite.ctr, encryptionKeyOf(suite, parameters), block);
  return Uint8Array.from(cipher.update(octets));
}

/** SC | AK | header of general-ciphering | the message, when it is not encrypted. */
function authenticatedData(suite: Suite, plain: Uint8Array, parameters: GcmParameters): Uint8Array {
  const { securityControl, authenticationKey, header } = parameters;
  if (authenticationKey === null) throw securityError('SECURITY_KEY_MISSING', 'authentication key');
  const key = octetsOfKey(fitting(authenticationKey, suite, 'authentication key'));
  const message = isEncrypted(securityControl) ? NOTHING : plain;
  return concat([Uint8Array.of(securityControl), key, header ?? NOTHING, message]);
}
