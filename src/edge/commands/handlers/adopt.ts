/**
 * Takes a meter in that joined a network of this concentrator: nothing is said to the meter, its settings are kept, and it is
 * read after the concentrator has started anew with them, which it does by itself. Taken in twice it is the same.
 */
import type { AdoptBody } from '../../../model/command.ts';
import type { Outcome, SettingsHandler, SettingsTools } from './handler.ts';

async function settle(
  { kind: _kind, ...body }: AdoptBody,
  { meterId, adopting, isRead }: SettingsTools,
): Promise<Outcome> {
  const done = { state: 'done', code: '', values: [], groups: [] } as const;
  if (isRead) return { ...done, sentence: 'The concentrator reads it already.' };
  const { missing } = await adopting.adopt({ ...body, meterId });
  const rest =
    missing === null
      ? ''
      : ` It will not let us in without ${missing}: put that file into place, and start the concentrator anew.`;
  return { ...done, sentence: `Taken in on line ${body.line}: it is read from now on.${rest}` };
}

/** See the head of the file. */
export const ADOPT_HANDLER: SettingsHandler<AdoptBody> = { acts: false, settle };
