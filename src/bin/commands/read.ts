/** `deltawatt read`: a one-shot client. */
import { parseIso } from '../../base/time.ts';
import type { Authentication } from '../../dlms/session/association.ts';
import { createHostEnv } from '../../host/env.ts';
import { parseReadObject, type ReadAnswer, type ReadRequest, readOnce } from '../../lab/read-once.ts';
import { defineCommand, wholeNumber } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';

/** Reads objects of one meter over any link that can be asked. */
export const readCommand = defineCommand({
  name: 'read',
  summary: 'Reads objects of one meter, once',
  arguments: 'LINK [options] OBJECT...',
  details:
    'LINK is an address like tcp://host:4059, tcp+hdlc://host:4059 or serial:///dev/ttyUSB0?baud=9600. OBJECT is\nclass/obis/attribute, or an OBIS alone (attribute 2, the class from the meter). --from and --to select rows of profiles.',
  options: {
    client: { kind: 'text', value: 'N', what: 'client address; default 16, the public client' },
    server: { kind: 'text', value: 'N[/P]', what: 'logical device and, for HDLC, physical device; default 1' },
    auth: { kind: 'text', value: 'KIND', what: 'none or lls; default none' },
    'password-file': { kind: 'text', value: 'FILE', what: 'file with the password of lls' },
    from: { kind: 'text', value: 'T', what: 'first interval end, ISO 8601 or ms since 1970' },
    to: { kind: 'text', value: 'T', what: 'last interval end' },
    timeout: { kind: 'text', value: 'S', what: 'seconds to wait for each answer; default 5' },
    json: { kind: 'flag', what: 'one JSON document: a list of answers' },
  },
  run: async (values, words, io) => {
    const [link, ...objects] = words;
    if (link === undefined || objects.length === 0) throw new UsageError('read takes a LINK and at least one OBJECT.');
    const env = createHostEnv({ logLevel: 'warn' });
    const client = wholeNumber('client', values.client ?? '16', 1, 65_535);
    const request: ReadRequest = {
      link,
      client,
      server: serverOf(values.server ?? '1'),
      authentication: await authenticationOf(values.auth ?? 'none', values['password-file'], (path) =>
        env.disk.readFile(path),
      ),
      ...timesOf(values.from, values.to),
      objects: objects.map((text) => {
        const object = parseReadObject(text);
        if (object === null) throw new UsageError(`${text} is no OBJECT: write 3/1-0:1.8.0*255/2 or 1-0:1.8.0*255.`);
        return object;
      }),
      requestTimeoutMs: wholeNumber('timeout', values.timeout ?? '5', 1, 3_600) * 1_000,
    };
    const answers = await readOnce(env, request);
    io.print(values.json ? `${JSON.stringify(answers)}\n` : answers.map(lineOf).join(''));
    return answers.every((answer) => answer.result === 'success') ? EXIT.done : EXIT.failed;
  },
});

function serverOf(text: string): ReadRequest['server'] {
  const parts = /^(\d{1,5})(?:\/(\d{1,5}))?$/.exec(text);
  if (parts?.[1] === undefined) throw new UsageError(`--server takes N or N/P, not ${text}.`);
  const logical = Number(parts[1]);
  return parts[2] === undefined ? { logical } : { logical, physical: Number(parts[2]) };
}

async function authenticationOf(
  kind: string,
  file: string | undefined,
  readFile: (path: string) => Promise<Uint8Array | undefined>,
): Promise<Authentication> {
  if (kind === 'none') return { mechanism: 'none' };
  if (kind !== 'lls') throw new UsageError(`--auth takes none or lls, not ${kind}.`);
  if (file === undefined) throw new UsageError('--auth lls needs --password-file FILE.');
  const content = await readFile(file);
  if (content === undefined) throw new UsageError(`There is no file ${file}.`);
  return { mechanism: 'lls', password: new TextEncoder().encode(new TextDecoder().decode(content).trimEnd()) };
}

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

function lineOf(answer: ReadAnswer): string {
  const value = answer.value ?? (answer.data === undefined ? answer.result : JSON.stringify(answer.data));
  const unit = answer.unit === undefined ? '' : ` ${answer.unit}`;
  return `${answer.classId}/${answer.obis}/${answer.attribute}  ${answer.className}  ${value}${unit}\n`;
}
