import { toHex } from '../../src/base/bytes.ts';
import { DeltawattError } from '../../src/base/errors.ts';

/** Code and detail with which something is refused, or `taken`; throws on what is no error of ours. */
export function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof DeltawattError) return `${error.code} ${error.detail}`;
    throw error;
  }
  return 'taken';
}

/** A message as the vectors have it: octets in hex, under the field's name and `Hex`. */
export function shownMessage(message: object): unknown {
  const fields = Object.entries(message).map(([name, value]) =>
    value instanceof Uint8Array ? [`${name}Hex`, toHex(value)] : [name, value],
  );
  return Object.fromEntries(fields);
}
