/** Before the first octet of a piece of work goes to a meter, whoever wanted it may still say no. */
import { DeltawattError, reasonOf } from '../../base/errors.ts';
import type { WorkResult } from '../ports.ts';

/** Work of which nothing was said to the meter. */
export type NotBegun = WorkResult<never> & { readonly ok: false };

/** Begins work; null, or what is answered when whoever wanted it said no. Never rejects. */
export async function begin(started: () => Promise<void>): Promise<NotBegun | null> {
  try {
    await started();
    return null;
  } catch (error) {
    const code = error instanceof DeltawattError ? error.code : 'READER_CRASHED';
    const sentence = error instanceof DeltawattError ? error.sentence : reasonOf(error);
    return { ok: false, failure: { code, sentence, reached: 'no' } };
  }
}
