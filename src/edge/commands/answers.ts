/** What a command answers when its handler could not. */
import type { CommandState } from '../../model/command.ts';
import { EDGE_ERRORS } from '../errors.ts';
import type { Outcome } from './handlers/handler.ts';
import type { KeptCommand } from './kept.ts';

/** Codes of orders that this concentrator does not carry out; others failed on their way. */
const REFUSALS: ReadonlySet<string> = new Set(['COMMAND_CAP', 'COMMAND_ADOPTION']);

/** The edge restarted while it carried the order out. */
export function interrupted(reason: string): Outcome {
  const { sentence } = EDGE_ERRORS.COMMAND_INTERRUPTED;
  return { state: 'uncertain', code: 'COMMAND_INTERRUPTED', sentence: `${sentence} ${reason}`, values: [], groups: [] };
}

/** The result without what no block can hold: that it was done must not be lost with it. */
export function bare(kept: KeptCommand, code: string): KeptCommand {
  const sentence = `${kept.report.sentence} The values could not be stored (${code}).`;
  return { ...kept, report: { ...kept.report, sentence, values: [] } };
}

/** What a command says when its work could not be done. */
export function failureOutcome(code: string, sentence: string) {
  const state: CommandState = code === 'COMMAND_EXPIRED' ? 'expired' : REFUSALS.has(code) ? 'refused' : 'failed';
  return { state, code, sentence, values: [], groups: [] };
}
