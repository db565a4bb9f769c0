/**
 * A new key for a meter (key_transfer of Security setup, class 64): write it down, hand it over once, sign on with it.
 *
 * The key is on the disk before the meter hears of it, and the old one is given up only when a sign-on has shown that the
 * meter has the new one; until then both are tried (reader/key-ring.ts). So wherever this work is cut off, the next sign-on
 * finds out which of the two the meter has, and a restart only looks: it never hands a key over by itself.
 *
 * A master key goes the same way, or is agreed on by both sides (key_agreement); as no sign-on shows it, its proof is the
 * transfer of a key that the meter has already, which changes nothing. A broadcast key too; its proof is the meter's answer.
 *
 * The answer carries the new key wrapped under the master key of the key file, which the collector does not have: whoever keeps the
 * key files can restore it, and nobody else can read it.
 */

import { toHex } from '../../../base/bytes.ts';
import { hasCode, reasonOf } from '../../../base/errors.ts';
import { dataToOctets } from '../../../dlms/axdr/decode.ts';
import { SECURITY_SETUP, SECURITY_SETUP_CLASS } from '../../../dlms/index.ts';
import type { KeyRotationBody, ObjectValue } from '../../../model/command.ts';
import { EDGE_ERRORS } from '../../errors.ts';
import { provenWords } from '../../key-words.ts';
import type { KeyChange, MeterAccess } from '../../ports.ts';
import { resultWords } from '../../result-words.ts';
import type { Handler, HandlerTools, Outcome } from './handler.ts';

/** The object as a whole: what is told of it is no attribute. */
const WHOLE_OBJECT = 0;

async function run(body: KeyRotationBody, meter: MeterAccess, tools: HandlerTools): Promise<Outcome> {
  const { keyChange } = meter;
  const { key, by = 'transfer' } = body;
  if (keyChange === null) return refused('COMMAND_NO_MASTER_KEY');
  const refusal = keyChange.refusal(key, by);
  if (refusal !== null) return refused(refusal);
  if (by === 'agreement') return await agree(body, keyChange, tools);
  const order = await keyChange.prepare(key, tools.commandId);
  let answer: number | null = null;
  try {
    answer = (await meter.invoke(order.classId, order.obis, order.method, order.argument)).result;
  } catch {
    // Whether it arrived is not known: only a sign-on can tell.
  }
  return { ...(await judge({ key }, answer, keyChange, tools)), values: [sealed(key, order.obis, order.wrapped)] };
}

/**
 * An answer that is lost takes the new master or broadcast key with it, and nothing else: the keys that are signed on with
 * stay, and the next agreement needs neither. With a lost encryption key the meter is signed on to without it, at the next
 * sign-on of any kind, and given one that was on the disk before (reader/sessions.ts).
 */
async function agree({ key }: KeyRotationBody, keyChange: KeyChange, tools: HandlerTools): Promise<Outcome> {
  let answer: number | null = null;
  let isAgreed = false;
  try {
    const { result, wrapped } = await keyChange.agree(key, tools.commandId);
    answer = result;
    isAgreed = wrapped !== null;
  } catch (error) {
    if (hasCode(error, 'COMMAND_KEY_WAITS') || hasCode(error, 'COMMAND_WAY_BACK_CLOSED')) throw error;
  }
  const judged = await judge({ key }, answer, keyChange, tools);
  const wrapped = await keyChange.wrapped(key, tools.commandId);
  const values = wrapped === null ? [] : [sealed(key, SECURITY_SETUP, wrapped)];
  if (key !== 'encryption' || isAgreed) return { ...judged, values };
  if (judged.state === 'done') return { ...judged, sentence: `${provenWords(key)} ${REPAIRED}`, values };
  return { ...judged, ...(judged.code === 'COMMAND_KEY_KEPT' ? { sentence: NOT_AGREED } : {}), values };
}

const REPAIRED =
  'The answer to the agreement was lost, and with it the key that the meter had; it was given this one under its master key, in the form that recovery in the key file names.';
const NOT_AGREED = 'The meter answers to its old key still: it did not agree on another. Order it again.';

async function judge(
  { key }: Pick<KeyRotationBody, 'key'>,
  answer: number | null,
  keyChange: KeyChange,
  tools: HandlerTools,
): Promise<Outcome> {
  let isProved: boolean;
  try {
    isProved = await keyChange.prove(key, tools.commandId, answer);
  } catch (error) {
    if (hasCode(error, 'COMMAND_MASTER_UNKNOWN'))
      return ended('failed', 'COMMAND_MASTER_UNKNOWN', EDGE_ERRORS.COMMAND_MASTER_UNKNOWN.sentence);
    if (key === 'broadcast') return broadcastUnknown();
    const sentence = `${EDGE_ERRORS.COMMAND_KEY_UNPROVEN.sentence} (${reasonOf(error)})`;
    return ended('uncertain', 'COMMAND_KEY_UNPROVEN', sentence);
  }
  if (isProved) return ended('done', '', doneWords(key, answer));
  if (answer === null || answer === 0)
    return ended('failed', 'COMMAND_KEY_KEPT', EDGE_ERRORS.COMMAND_KEY_KEPT.sentence);
  const keeps = key === 'broadcast' ? 'has its old one still' : 'answers to its old one';
  const sentence = `The meter refused the new key (${resultWords(answer)}) and ${keeps}.`;
  return ended('refused', 'COMMAND_METER_REFUSED', sentence);
}

/** By what it was found which key the meter has, when its answer did not say so. */
const FOUND_BY: Readonly<Record<KeyRotationBody['key'], string>> = {
  encryption: 'signing on',
  authentication: 'signing on',
  master: 'a key that it has already',
  broadcast: 'handing the same key over once more',
};

function doneWords(key: KeyRotationBody['key'], answer: number | null): string {
  const lost = answer === 0 ? '' : ` The answer to the order was another; this was found by ${FOUND_BY[key]}.`;
  return `${provenWords(key)}${lost}`;
}

function broadcastUnknown(): Outcome {
  return ended('uncertain', 'COMMAND_BROADCAST_UNKNOWN', EDGE_ERRORS.COMMAND_BROADCAST_UNKNOWN.sentence);
}

/**
 * After a restart: the line signed on before this is asked, and that was with one of the two keys. Which master key the meter
 * has, no sign-on shows: it is found out as after an order.
 */
async function recover(
  { key, by = 'transfer' }: KeyRotationBody,
  meter: MeterAccess,
  tools: HandlerTools,
): Promise<Outcome> {
  const { keyChange } = meter;
  if (keyChange === null) return ended('failed', 'COMMAND_KEY_KEPT', EDGE_ERRORS.COMMAND_KEY_KEPT.sentence);
  const found = await foundAfterRestart({ key, by }, keyChange, tools);
  // Nobody was told of the key before the restart, and a flash that dies must not take the only copy with it.
  const wrapped = await keyChange.wrapped(key, tools.commandId);
  return { ...found, values: wrapped === null ? [] : [sealed(key, SECURITY_SETUP, wrapped)] };
}

async function foundAfterRestart(
  { key, by }: Pick<KeyRotationBody, 'key' | 'by'>,
  keyChange: KeyChange,
  tools: HandlerTools,
): Promise<Outcome> {
  if (await keyChange.isProved(tools.commandId))
    return ended('done', '', `The concentrator restarted meanwhile. ${doneWords(key, 0)}`);
  if (key === 'broadcast') {
    const wasSaid = by === 'agreement' || (await keyChange.wrapped(key, tools.commandId)) !== null;
    if (wasSaid) return broadcastUnknown();
  }
  if (key !== 'master') return ended('failed', 'COMMAND_KEY_KEPT', EDGE_ERRORS.COMMAND_KEY_KEPT.sentence);
  const found = await judge({ key }, null, keyChange, tools);
  return { ...found, sentence: `The concentrator restarted meanwhile. ${found.sentence}` };
}

/** The new key as whoever has the master key can read it. */
function sealed(key: KeyRotationBody['key'], obis: string, wrapped: Uint8Array): ObjectValue {
  return {
    classId: SECURITY_SETUP_CLASS,
    obis,
    attribute: WHOLE_OBJECT,
    result: 0,
    text: `new ${key} key, wrapped under the master key of the key file: ${toHex(wrapped)}`,
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
