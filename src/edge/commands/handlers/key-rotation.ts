/**
 * A new key for a meter (key_transfer of Security setup, class 64): write it down, hand it over once, sign on with it.
 *
 * The key is on the disk before the meter hears of it, and the old one is given up only when a sign-on has shown that the
 * meter has the new one; until then both are tried (reader/key-ring.ts). So wherever this work is cut off, the next sign-on
 * finds out which of the two the meter has, and a restart only looks: it never hands a key over by itself.
 *
 * The answer carries the new key wrapped under the meter's master key, which the collector does not have: whoever keeps the
 * key files can restore it, and nobody else can read it.
 */

import { toHex } from '../../../base/bytes.ts';
import { reasonOf } from '../../../base/errors.ts';
import { dataToOctets } from '../../../dlms/axdr/decode.ts';
import type { KeyRotationBody, ObjectValue } from '../../../model/command.ts';
import { EDGE_ERRORS } from '../../errors.ts';
import type { KeyChange, KeyOrder, MeterAccess } from '../../ports.ts';
import { resultWords } from '../../result-words.ts';
import type { Handler, HandlerTools, Outcome } from './handler.ts';

/** The object as a whole: what is told of it is no attribute. */
const WHOLE_OBJECT = 0;

async function run({ key }: KeyRotationBody, meter: MeterAccess, tools: HandlerTools): Promise<Outcome> {
  const { keyChange } = meter;
  if (keyChange === null) return refused('COMMAND_NO_MASTER_KEY');
  const refusal = keyChange.refusal(key);
  if (refusal !== null) return refused(refusal);
  const order = await keyChange.prepare(key, tools.commandId);
  let answer: number | null = null;
  try {
    answer = (await meter.invoke(order.classId, order.obis, order.method, order.argument)).result;
  } catch {
    // Whether it arrived is not known: only a sign-on can tell.
  }
  return { ...(await judge({ key }, answer, keyChange, tools)), values: [sealed(key, order)] };
}

async function judge(
  { key }: Pick<KeyRotationBody, 'key'>,
  answer: number | null,
  keyChange: KeyChange,
  tools: HandlerTools,
): Promise<Outcome> {
  let isProved: boolean;
  try {
    isProved = await keyChange.prove(tools.commandId);
  } catch (error) {
    const sentence = `${EDGE_ERRORS.COMMAND_KEY_UNPROVEN.sentence} (${reasonOf(error)})`;
    return ended('uncertain', 'COMMAND_KEY_UNPROVEN', sentence);
  }
  if (isProved) return ended('done', '', doneWords(key, answer));
  if (answer === null || answer === 0)
    return ended('failed', 'COMMAND_KEY_KEPT', EDGE_ERRORS.COMMAND_KEY_KEPT.sentence);
  const sentence = `The meter refused the new key (${resultWords(answer)}) and answers to its old one.`;
  return ended('refused', 'COMMAND_METER_REFUSED', sentence);
}

function doneWords(key: string, answer: number | null): string {
  const lost = answer === 0 ? '' : ' The answer to the order was another; this was found by signing on.';
  return `The meter answers to its new ${key} key; the old one is forgotten.${lost}`;
}

/** After a restart: the line signed on before this is asked, and that was with one of the two keys. */
async function recover({ key }: KeyRotationBody, meter: MeterAccess, tools: HandlerTools): Promise<Outcome> {
  const isProved = (await meter.keyChange?.isProved(tools.commandId)) === true;
  if (isProved) return ended('done', '', `The concentrator restarted meanwhile. ${doneWords(key, 0)}`);
  return ended('failed', 'COMMAND_KEY_KEPT', EDGE_ERRORS.COMMAND_KEY_KEPT.sentence);
}

/** The new key as whoever has the master key can read it. */
function sealed(key: KeyRotationBody['key'], { classId, obis, wrapped }: KeyOrder): ObjectValue {
  return {
    classId,
    obis,
    attribute: WHOLE_OBJECT,
    result: 0,
    text: `new ${key} key, wrapped under the master key of the meter: ${toHex(wrapped)}`,
    raw: dataToOctets({ type: 'octet-string', value: wrapped }),
  };
}

function refused(code: NonNullable<ReturnType<KeyChange['refusal']>>): Outcome {
  return ended('refused', code, EDGE_ERRORS[code].sentence);
}

function ended(state: Outcome['state'], code: Outcome['code'], sentence: string): Outcome {
  return { state, code, sentence, values: [], groups: [] };
}

/** See the head of the file. */
export const KEY_ROTATION_HANDLER: Handler<KeyRotationBody> = { jobClass: 'command', acts: true, run, recover };
