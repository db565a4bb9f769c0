/** What an error says about a meter: its state in words, and whether it is worth trying again. Pure. */
import { DeltawattError, reasonOf } from '../../base/errors.ts';
import type { MeterStateName } from '../../model/event.ts';
import { EDGE_ERRORS } from '../errors.ts';
import { JOB, NO_KEY, OTHER_METER, OTHERWISE, SIGN_ON, SILENT } from '../failure-kinds.ts';
import { BABBLE_OCTETS } from '../limits.ts';
import type { JobFailure, JobOutcome } from '../ports.ts';

/** An error, judged. */
export interface Verdict {
  readonly scope: Extract<JobOutcome, { ok: false }>['scope'];
  /** State that the meter is in from now on; null = the error says nothing about the meter. */
  readonly state: MeterStateName | null;
  readonly failure: JobFailure;
}

const OF_THE_LINE = /^(SESSION|SECURITY|HDLC|WRAPPER|FRAME|APDU|GBT|MBUS|IEC|MODBUS|DLMS|LINK)_/;

/** Judges an error; `noiseOctets` is what was heard and could not be used while the request ran. */
export function verdictOf(error: unknown, noiseOctets: number): Verdict {
  const code = error instanceof DeltawattError ? error.code : 'READER_CRASHED';
  const sentence =
    error instanceof DeltawattError ? withDetail(error) : `${EDGE_ERRORS.READER_CRASHED.sentence} (${reasonOf(error)})`;
  if (SIGN_ON.has(code)) return verdict('sign-on', 'refused', code, sentence, 'yes');
  if (NO_KEY.has(code)) return verdict('sign-on', 'no-key', code, sentence, 'no');
  const other = OTHER_METER.get(code);
  if (other !== undefined) return verdict('meter', other, code, sentence, 'yes');
  if (JOB.has(code)) return verdict('job', 'reachable', code, sentence, 'yes');
  if (OTHERWISE.has(code)) return verdict('meter', 'reconfigured', code, sentence, 'yes');
  if (SILENT.has(code)) {
    if (noiseOctets >= BABBLE_OCTETS) {
      const babble = `The line babbles: ${noiseOctets} octets came that belong to no frame. Disconnect devices one by one to find the one that talks.`;
      return verdict('meter', 'babbling', code, babble, 'maybe', noiseOctets);
    }
    const heard = noiseOctets > 0 ? ` ${noiseOctets} octets came that belong to no frame.` : '';
    return verdict('meter', noiseOctets > 0 ? 'garbled' : 'silent', code, `${sentence}${heard}`, 'maybe', noiseOctets);
  }
  if (code === 'READER_CRASHED') return verdict('meter', null, code, sentence, 'maybe');
  // Codes of lines and protocols speak of the meter; any other of ourselves.
  return OF_THE_LINE.test(code)
    ? verdict('meter', 'garbled', code, sentence, 'maybe')
    : verdict('job', null, code, sentence, 'maybe');
}

function withDetail(error: DeltawattError): string {
  return error.detail === '' ? error.sentence : `${error.sentence} (${error.detail})`;
}

function verdict(
  scope: Verdict['scope'],
  state: MeterStateName | null,
  code: string,
  sentence: string,
  reached: JobFailure['reached'],
  noiseOctets = 0,
): Verdict {
  return { scope, state, failure: { code, sentence, reached, ...(noiseOctets === 0 ? {} : { noiseOctets }) } };
}
