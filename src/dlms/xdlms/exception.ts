/** Exception-response: the server did not even look at the request (tag D8). */

import type { ApduForm } from './form.ts';
import { form, within } from './form.ts';

/** Why the server refuses; names in `exceptionText`. */
export interface ExceptionResponse {
  readonly apdu: 'exception-response';
  /** 1 service-not-allowed, 2 service-unknown. */
  readonly stateError: number;
  /** 1 operation-not-possible to 6 invocation-counter-error. */
  readonly serviceError: number;
  /** With service error 6: the counter that the server expects; null when the server left it out. */
  readonly invocationCounter: number | null;
}

const INVOCATION_COUNTER_ERROR = 6;

/** The form of the exception-response. */
export const EXCEPTION_FORMS: readonly ApduForm[] = [
  form<ExceptionResponse>(
    0xd8,
    null,
    'exception-response',
    (reader) => {
      const stateError = reader.u8();
      const serviceError = reader.u8();
      const counted = serviceError === INVOCATION_COUNTER_ERROR && reader.remaining > 0;
      return { stateError, serviceError, invocationCounter: counted ? reader.u32() : null };
    },
    (writer, apdu) => {
      writer.u8(within(apdu.stateError, 0, 0xff, 'stateError')).u8(within(apdu.serviceError, 0, 0xff, 'serviceError'));
      if (apdu.invocationCounter !== null)
        writer.u32(within(apdu.invocationCounter, 0, 0xff_ff_ff_ff, 'invocationCounter'));
    },
  ),
];
