/** On-demand read of any objects: every one answers with a value or with the meter's reason. */
import type { CommandBody } from '../../../model/command.ts';
import type { MeterAccess } from '../../ports.ts';
import { resultWords } from '../../result-words.ts';
import type { Handler, HandlerTools, Outcome } from './handler.ts';
import { onDemandRows } from './on-demand-rows.ts';

type ReadBody = CommandBody & { readonly kind: 'read' };

async function run(body: ReadBody, meter: MeterAccess, tools: HandlerTools): Promise<Outcome> {
  const values = await meter.readObjects(body.objects);
  const groups = onDemandRows(values, { meterId: tools.meterId, timeZone: meter.timeZone }, tools.nowMs());
  const refused = values.filter((value) => value.result !== 0);
  const first = refused[0];
  if (first === undefined) {
    return { state: 'done', code: '', sentence: `Read ${objects(values.length)}.`, values, groups };
  }
  const reason = `${first.obis}: ${resultWords(first.result)}`;
  if (refused.length === values.length) {
    const sentence = `The meter refused ${values.length === 1 ? 'the object' : 'all objects'} (${reason}).`;
    return { state: 'refused', code: 'COMMAND_METER_REFUSED', sentence, values, groups };
  }
  const sentence = `Read ${values.length - refused.length} of ${objects(values.length)}; the meter refused the rest (${reason}).`;
  return { state: 'done', code: '', sentence, values, groups };
}

function objects(count: number): string {
  return count === 1 ? '1 object' : `${count} objects`;
}

/** See the head of the file. */
export const READ_HANDLER: Handler<ReadBody> = { jobClass: 'on-demand', acts: false, run };
