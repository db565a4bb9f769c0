/**
 * In which form a protected message travels inside an association: with the tag of its service, in general-glo or general-
 * ded, or in general-ciphering with its key identified, wrapped or agreed (Green Book, protection of xDLMS APDUs).
 */
import type { CipheredApdu, GeneralSigning } from '../xdlms/ciphered.ts';
import { KEY_PARAMETERS } from './key-agreement.ts';
import { GENERAL_OVERHEAD_BYTES, SERVICE_OVERHEAD_BYTES, TITLE_BYTES, TRANSACTION_ID_BYTES } from './limits.ts';
import { CURVES, SUITES, type SuiteId } from './suite.ts';

/** How a message is wrapped; the last four are general-ciphering, by how the key is told. */
export type MessageForm = 'service' | 'general' | GeneralKeyForm;

/** How general-ciphering tells the key: the global one by number, a new one wrapped under the master key, or agreed. */
export type GeneralKeyForm = 'identified-key' | 'wrapped-key' | 'one-pass-key' | 'static-key';

/** Forms that need no global encryption key: what a meter is asked in when that key is not known. */
export type RecoveryForm = Exclude<GeneralKeyForm, 'identified-key'>;

/** Under which key and in which form to send. */
export interface SealForm {
  readonly dedicated: boolean;
  readonly form: MessageForm;
  /** Id of the transaction that is answered; null makes a new one. Only general-ciphering and general-signing have it. */
  readonly transactionId: Uint8Array | null;
}

/** Glo-services, under the global key. */
export const GLOBAL_SERVICE: SealForm = { dedicated: false, form: 'service', transactionId: null };

/** Whether the form is one of general-ciphering. */
export function isGeneralKeyForm(form: MessageForm): form is GeneralKeyForm {
  return form !== 'service' && form !== 'general';
}

/** The form of a ciphered message that was heard, for an answer in the same. */
export function formOf(apdu: Exclude<CipheredApdu, GeneralSigning>): SealForm {
  if (apdu.apdu === 'general-ciphering')
    return { dedicated: false, form: keyFormOf(apdu.keyInfo), transactionId: Uint8Array.from(apdu.transactionId) };
  const dedicated = /^(ded|general-ded)-/.test(apdu.apdu);
  return { dedicated, form: apdu.apdu.startsWith('general-') ? 'general' : 'service', transactionId: null };
}

function keyFormOf(keyInfo: Extract<CipheredApdu, { apdu: 'general-ciphering' }>['keyInfo']): GeneralKeyForm {
  if (keyInfo === null || keyInfo.kind === 'identified') return 'identified-key';
  if (keyInfo.kind === 'wrapped') return 'wrapped-key';
  return keyInfo.keyParameters.at(0) === KEY_PARAMETERS.static ? 'static-key' : 'one-pass-key';
}

/** Transaction id, two titles, date and other information, each with its length octet. */
const HEADER_BYTES = 1 + TRANSACTION_ID_BYTES + 2 * (1 + TITLE_BYTES) + 1 + 1;
const LENGTH_MAX_BYTES = 4;

/** Octets that a form adds to a message at most. */
export function formOverheadBytes(form: MessageForm, suite: SuiteId): number {
  if (form === 'service') return SERVICE_OVERHEAD_BYTES;
  if (form === 'general') return GENERAL_OVERHEAD_BYTES;
  return SERVICE_OVERHEAD_BYTES + HEADER_BYTES + KEY_INFO_BYTES[form](suite);
}

/** Presence and choice octets, then what each kind of key information holds. */
const KEY_INFO_BYTES: Readonly<Record<GeneralKeyForm, (suite: SuiteId) => number>> = {
  'identified-key': () => 2 + 1,
  'wrapped-key': (suite) => 2 + 1 + 1 + SUITES[suite].keyBytes + 8,
  'one-pass-key': (suite) => 2 + 2 + 2 + signatureBytes(suite) * 2,
  'static-key': () => 2 + 2 + 1,
};

/** Octets that general-signing adds at most. */
export function signingOverheadBytes(suite: SuiteId): number {
  return 1 + HEADER_BYTES + LENGTH_MAX_BYTES + 1 + signatureBytes(suite);
}

function signatureBytes(suite: SuiteId): number {
  const { curve } = SUITES[suite];
  return curve === null ? 0 : CURVES[curve].bytes * 2;
}
