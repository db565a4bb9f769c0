/** Every APDU that this room knows, as one union; narrow it by `apdu`. */

import type { AcseApdu } from '../acse/acse.ts';
import type { AccessApdu } from './access.ts';
import type { ActionApdu } from './action.ts';
import type { GeneralBlockTransfer } from './block-transfer.ts';
import type { CipheredApdu } from './ciphered.ts';
import type { ExceptionResponse } from './exception.ts';
import type { GatewayApdu } from './gateway.ts';
import type { GetApdu } from './get.ts';
import type { InitiateApdu } from './initiate.ts';
import type { NotificationApdu } from './notification.ts';
import type { SetApdu } from './set.ts';
import type { ShortNameApdu } from './short-name.ts';

/** One decoded APDU. */
export type Apdu =
  | AcseApdu
  | InitiateApdu
  | GetApdu
  | SetApdu
  | ActionApdu
  | NotificationApdu
  | ExceptionResponse
  | AccessApdu
  | GeneralBlockTransfer
  | GatewayApdu
  | CipheredApdu
  | ShortNameApdu;

/** Name of an APDU. */
export type ApduName = Apdu['apdu'];

type Named<Any, Name> = Any extends { readonly apdu: infer Names } ? (Name extends Names ? Any : never) : never;

/** The APDU of a name. */
export type ApduOf<Name extends ApduName> = Named<Apdu, Name>;
