/**
 * How far the way to a meter goes: concentrator, line, link to the meter, association, objects, in this order.
 *
 * That the handler runs shows the concentrator; signing on, which comes before every handler, shows line, link and
 * association; two objects that every meter has show the last. The first part that fails is named, with who can do
 * something about it. A meter without supply and one with a broken wire look the same from here; whether the others on
 * its line answer tells both from a dead line. Meters without associations (wired M-Bus, Modbus, ASCII) are read out.
 */
import type { ObjectReference, PingBody } from '../../../model/command.ts';
import { EDGE_ERRORS, type EdgeErrorCode } from '../../errors.ts';
import { JOB, SIGN_ON, SILENT, WAY_CLOSED } from '../../failure-kinds.ts';
import type { JobFailure, MeterAccess, Neighbours } from '../../ports.ts';
import { resultWords } from '../../result-words.ts';
import type { Handler, Outcome } from './handler.ts';

/** Logical device name and clock: mandatory in every logical device (Blue Book, clause 4.4 and 4.5.1). */
const ASKED: readonly ObjectReference[] = [
  { classId: 1, obis: '0-0:42.0.0*255', attribute: 2 },
  { classId: 8, obis: '0-0:1.0.0*255', attribute: 2 },
];

/** The parts of the way that answered before the one that failed. */
const BEFORE: Readonly<Record<PingCode, string>> = {
  PING_LINE: 'The concentrator answers.',
  PING_METER: 'Concentrator and line answer.',
  PING_NOISE: 'Concentrator and line answer.',
  PING_SIGN_ON: 'Concentrator, line and the link to the meter answer.',
  PING_OBJECT: 'Concentrator, line, the link to the meter and its association answer.',
};

type PingCode = Extract<EdgeErrorCode, `PING_${string}`>;

async function run(_body: PingBody, meter: MeterAccess): Promise<Outcome> {
  if (meter.readAll !== undefined) {
    const values = await meter.readAll();
    const sentence = `Concentrator, line and meter: all answer, with ${values.length} registers.`;
    return { state: 'done', code: '', sentence, values: [], groups: [] };
  }
  const values = await meter.readObjects(ASKED);
  const refused = values.find(({ result }) => result !== 0);
  if (refused !== undefined && values.every(({ result }) => result !== 0))
    return { ...failed('PING_OBJECT', `${refused.obis}: ${resultWords(refused.result)}.`), values };
  const sentence = 'Concentrator, line, link, association and objects: all answer.';
  return { state: 'done', code: '', sentence, values, groups: [] };
}

function explain(failure: JobFailure, neighbours: Neighbours): Outcome | null {
  const { code, sentence, reached, noiseOctets = 0 } = failure;
  if (SIGN_ON.has(code)) return failed('PING_SIGN_ON', sentence);
  if (JOB.has(code)) return failed('PING_OBJECT', sentence);
  if (WAY_CLOSED.has(code)) return failed('PING_LINE', sentence);
  // Time was up while the meter was called: it had not answered until then.
  const isSilent = SILENT.has(code) || (code === 'SCHEDULER_NOT_REACHED' && reached === 'maybe');
  if (!isSilent) return null;
  if (noiseOctets > 0) return failed('PING_NOISE', sentence);
  const { others, failing } = neighbours;
  if (others > 0 && failing === others) return failed('PING_LINE', `None of the ${others + 1} meters on it answers.`);
  const rest =
    others === 0 ? 'It is alone on its line.' : `${others - failing} of ${others} others on its line answer.`;
  return failed('PING_METER', rest);
}

function failed(code: PingCode, detail: string): Outcome {
  const sentence = `${BEFORE[code]} ${EDGE_ERRORS[code].sentence} ${detail}`;
  return { state: 'failed', code, sentence, values: [], groups: [] };
}

/** See the head of the file. */
export const PING_HANDLER: Handler<PingBody> = { jobClass: 'on-demand', acts: false, run, explain };
