/** `deltawatt read`: a one-shot client. */
import { parseIso } from '../../base/time.ts';
import { createHostEnv } from '../../host/env.ts';
import { parseReadObject, readOnce } from '../../lab/read-once.ts';
import { answersCsv, answersText } from '../../lab/read-text.ts';
import { defineCommand } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';
import { clientOf, METER_OPTIONS, meterTarget, PUBLIC_CLIENT } from '../meter-options.ts';

/** Reads objects of one meter over any link that can be asked. */
export const readCommand = defineCommand({
  name: 'read',
  summary: 'Reads objects of one meter, once',
  arguments: 'LINK [options] OBJECT...',
  details:
    'LINK is an address like tcp://host:4059, tcp+hdlc://host:4059, serial:///dev/ttyUSB0?baud=9600 or\n' +
    'optical:///dev/ttyUSB0. OBJECT is\n' +
    'class/obis/attribute, class/obis (all that may be read), or an OBIS alone (attribute 2, the class from the meter).\n' +
    '--from and --to select rows of profiles.',
  options: {
    client: { kind: 'text', value: 'N', what: `client address; default ${PUBLIC_CLIENT}, the public client` },
    ...METER_OPTIONS,
    access: { kind: 'flag', what: 'read with the ACCESS service instead of GET' },
    from: { kind: 'text', value: 'T', what: 'first interval end, ISO 8601 or ms since 1970' },
    to: { kind: 'text', value: 'T', what: 'last interval end' },
    csv: { kind: 'flag', what: 'comma-separated values: rows of profiles with a heading, everything else as a table' },
    json: { kind: 'flag', what: 'one JSON document: a list of answers' },
  },
  run: async (values, words, io) => {
    const [link, ...objects] = words;
    if (link === undefined || objects.length === 0) throw new UsageError('read takes a LINK and at least one OBJECT.');
    if (values.csv && values.json) throw new UsageError('Write --csv or --json, not both.');
    const env = createHostEnv({ logLevel: 'warn' });
    const answers = await readOnce(env, {
      ...(await meterTarget(link, clientOf(values.client ?? String(PUBLIC_CLIENT)), values, env)),
      ...timesOf(values.from, values.to),
      access: values.access,
      rules: { unsureClasses: values['unsure-classes'] },
      objects: objects.map((text) => {
        const object = parseReadObject(text);
        if (object === null) throw new UsageError(`${text} is no OBJECT: write 3/1-0:1.8.0*255/2 or 1-0:1.8.0*255.`);
        return object;
      }),
    });
    if (values.json) io.print(`${JSON.stringify(answers.map(({ answer }) => answer))}\n`);
    else io.print(values.csv ? answersCsv(answers) : answersText(answers));
    return answers.every(({ answer }) => answer.result === 'success') ? EXIT.done : EXIT.failed;
  },
});

function timesOf(from: string | undefined, to: string | undefined): { fromMs?: number; toMs?: number } {
  if (from === undefined && to === undefined) return {};
  if (from === undefined || to === undefined) throw new UsageError('--from and --to come together.');
  return { fromMs: timeOf('from', from), toMs: timeOf('to', to) };
}

function timeOf(option: string, text: string): number {
  const atMs = /^\d+$/.test(text) ? Number(text) : parseIso(text);
  if (atMs === null) throw new UsageError(`--${option} takes a time like 2026-03-01T00:00Z, not ${text}.`);
  return atMs;
}
