/** Any APDU from octets and back: the tag and choice pick a row, the row does the rest. */

import { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { ACSE_FORMS } from '../acse/codec.ts';
import { DataWalk } from '../axdr/walk.ts';
import { dlmsError, guarded } from '../errors.ts';
import { APDU_ENCODED_MAX } from '../limits.ts';
import { ACCESS_FORMS } from './access.ts';
import { ACTION_FORMS } from './action.ts';
import type { Apdu, ApduName } from './apdu.ts';
import { BLOCK_TRANSFER_FORMS } from './block-transfer.ts';
import { CIPHERED_FORMS } from './ciphered.ts';
import { EXCEPTION_FORMS } from './exception.ts';
import type { ApduForm } from './form.ts';
import { badChoice } from './form.ts';
import { GATEWAY_FORMS } from './gateway.ts';
import { GET_FORMS } from './get.ts';
import { INITIATE_FORMS } from './initiate.ts';
import { NOTIFICATION_FORMS } from './notification.ts';
import { SET_FORMS } from './set.ts';
import { SHORT_NAME_FORMS } from './short-name.ts';

const FORMS: readonly ApduForm[] = [
  ...ACSE_FORMS,
  ...INITIATE_FORMS,
  ...GET_FORMS,
  ...SET_FORMS,
  ...ACTION_FORMS,
  ...NOTIFICATION_FORMS,
  ...EXCEPTION_FORMS,
  ...ACCESS_FORMS,
  ...BLOCK_TRANSFER_FORMS,
  ...GATEWAY_FORMS,
  ...CIPHERED_FORMS,
  ...SHORT_NAME_FORMS,
];

const BY_NAME: ReadonlyMap<string, ApduForm> = new Map(FORMS.map((entry) => [entry.name, entry]));
const BY_TAG: ReadonlyMap<number, readonly ApduForm[]> = new Map(
  FORMS.map(({ tag }) => [tag, FORMS.filter((entry) => entry.tag === tag)]),
);

/**
 * The one APDU that the octets are; throws only errors of `DLMS_ERRORS`, with the offset in the detail. Fields of octets are
 * views on the message: it must not be overwritten while they are in use. `walk` is for `explain`.
 */
export function decodeApdu(octets: Uint8Array, walk = new DataWalk()): Apdu {
  return guarded(() => {
    const reader = new ByteReader(octets);
    if (reader.remaining === 0) throw dlmsError('DLMS_EMPTY');
    const apdu = readForm(reader).read(reader, walk);
    if (reader.remaining > 0) throw dlmsError('DLMS_TRAILING', `offset ${reader.offset}: ${reader.remaining} octets`);
    return apdu as Apdu;
  });
}

function readForm(reader: ByteReader): ApduForm {
  const tag = reader.u8();
  const forms = BY_TAG.get(tag);
  const [only] = forms ?? [];
  if (forms === undefined || only === undefined)
    throw dlmsError('DLMS_APDU_TAG', `offset 0: tag ${tag.toString(16)} hex`);
  if (only.choice === null) return only;
  const choice = reader.u8();
  const found = forms.find((entry) => entry.choice === choice);
  if (found === undefined) throw badChoice(reader, 'form', choice);
  return found;
}

/** The octets of an APDU; throws `DLMS_VALUE` when a field does not fit. */
export function encodeApdu(apdu: Apdu): Uint8Array {
  return guarded(() => {
    const found = BY_NAME.get(apdu.apdu);
    if (found === undefined) throw dlmsError('DLMS_VALUE', `no service '${String(apdu.apdu)}'`);
    const writer = new ByteWriter(128, APDU_ENCODED_MAX);
    writer.u8(found.tag);
    if (found.choice !== null) writer.u8(found.choice);
    found.write(writer, apdu as never);
    return writer.finish();
  });
}

/** Whether an APDU can begin with this octet. */
export function isApduTag(tag: number): boolean {
  return BY_TAG.has(tag);
}

/** Names of all forms, for tables and tests. */
export function apduNames(): readonly ApduName[] {
  return FORMS.map((entry) => entry.name as ApduName);
}
