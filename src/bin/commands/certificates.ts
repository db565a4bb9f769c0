/** `deltawatt certificates`: what a meter's Security setup has of certificates, and how they come and go. */
import { pemBlocks } from '../../base/pem.ts';
import { isObis, parseObis } from '../../dlms/cosem/obis.ts';
import { type Certificate, type CertificateTrust, type PairUse, parseCertificate } from '../../dlms/index.ts';
import { isSecurityError } from '../../dlms/security/errors.ts';
import { createHostEnv } from '../../host/env.ts';
import {
  certificateJson,
  certificatePem,
  certificatesJson,
  certificatesText,
  listedJson,
  listedText,
  orderPem,
} from '../../lab/certificates-text.ts';
import { MeterCertificates, type Whose } from '../../lab/meter-certificates.ts';
import { withMeter } from '../../lab/one-shot.ts';
import { defineCommand, type OptionValues } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';
import { givenFile } from '../given-file.ts';
import { clientOf, METER_OPTIONS, meterTarget } from '../meter-options.ts';

const OPTIONS = {
  client: { kind: 'text', value: 'N', what: 'client address; default 1, management' },
  ...METER_OPTIONS,
  setup: { kind: 'text', value: 'OBIS', what: 'the Security setup; default the one that the association names' },
  use: { kind: 'text', value: 'USE', what: 'with request: signature or agreement' },
  'same-pair': { kind: 'flag', what: 'with request: for the pair that waits already, not for a new one' },
  for: { kind: 'text', value: 'WHOSE', what: 'with import: meter, client or authority; default meter' },
  authority: { kind: 'texts', value: 'FILE', what: 'with import: certificate of who may have issued it, PEM or DER' },
  issuer: { kind: 'text', value: 'NAME', what: 'with export and remove: issuer, as list shows it' },
  serial: { kind: 'text', value: 'HEX', what: 'with export and remove: serial number, as list shows it' },
  json: { kind: 'flag', what: 'one JSON document' },
} as const;

const NONE_REVOKED: ReadonlySet<string> = new Set();

type Values = OptionValues<typeof OPTIONS>;

/** What a command prints: text, or the same as JSON; `told` goes beside it. */
interface Said {
  readonly text: string;
  readonly json: unknown;
  readonly told?: readonly string[];
}

type Task = (meter: MeterCertificates) => Promise<Said>;

/** Lists, orders, brings, shows and removes certificates of one meter. */
export const certificatesCommand = defineCommand({
  name: 'certificates',
  summary: 'Lists the certificates of one meter, asks for new ones, brings and removes them',
  arguments: 'LINK list | request --use USE | import FILE | export | remove [options]',
  details:
    'LINK and the sign-on are as for read. request makes a key pair in the meter and prints the request for its certificate;\n' +
    'have an authority sign it, and import brings the certificate, if it is for this meter, its pair and this day.\n' +
    'export prints one as PEM, remove has the meter forget it: both want --issuer and --serial as list shows them.',
  options: OPTIONS,
  run: async (values, words, io) => {
    const [link, action, ...rest] = words;
    if (link === undefined || action === undefined)
      throw new UsageError('certificates takes a LINK and one of list, request, import, export, remove.');
    const env = createHostEnv({ logLevel: 'warn' });
    const nowMs = env.clock.nowMs();
    const file = (path: string) => givenFile(env.disk, path);
    const setup = setupOf(values.setup);
    const target = await meterTarget(link, clientOf(values.client ?? '1'), values, env);
    const task = await taskOf(action, rest, values, { file, nowMs, trust: target.security?.keys.trust ?? null });
    const said = await withMeter(env, target, async (session) => task(await MeterCertificates.open(session, setup)));
    for (const line of said.told ?? []) io.tell(line);
    io.print(values.json ? `${JSON.stringify(said.json)}\n` : said.text);
    return EXIT.done;
  },
});

interface Desk {
  readonly file: (path: string) => Promise<Uint8Array>;
  readonly nowMs: number;
  /** Whom the key file believes, null = it names nobody. */
  readonly trust: CertificateTrust | null;
}

/** What is to be done, everything wrong with the command line told before the meter is called. */
async function taskOf(action: string, rest: readonly string[], values: Values, desk: Desk): Promise<Task> {
  const wanted = action === 'import' ? 1 : 0;
  if (rest.length !== wanted)
    throw new UsageError(`certificates LINK ${action} takes ${wanted === 1 ? 'one FILE' : 'nothing more'}.`);
  switch (action) {
    case 'list':
      return listing(desk);
    case 'request':
      return requesting(values);
    case 'import':
      return importing(rest.join(''), values, desk);
    case 'export':
      return exporting(values, desk);
    case 'remove':
      return removing(values);
    default:
      throw new UsageError(`certificates knows list, request, import, export and remove, not ${action}.`);
  }
}

function listing({ nowMs }: Desk): Task {
  return async (meter) => {
    const held = await meter.list();
    return { text: certificatesText(meter, held, nowMs), json: certificatesJson(meter, held, nowMs) };
  };
}

function requesting(values: Values): Task {
  const use = useOf(values.use);
  return async (meter) => {
    const order = await meter.request(use, { isNewPair: !values['same-pair'] });
    const text = orderPem(order);
    return {
      text,
      json: { commonName: order.commonName, for: use, pem: text },
      told: [`The pair for ${use} waits in ${order.commonName}; it is used once its certificate was imported.`],
    };
  };
}

async function importing(path: string, values: Values, desk: Desk): Promise<Task> {
  const whose = whoseOf(values.for ?? 'meter');
  const octets = derOf(await desk.file(path), path);
  parsed(octets, path);
  const given = await Promise.all(
    values.authority.map(async (each) => parsed(derOf(await desk.file(each), each), each)),
  );
  const authorities = [...given, ...(desk.trust?.authorities ?? [])];
  const trust = authorities.length === 0 ? null : { authorities, revoked: desk.trust?.revoked ?? NONE_REVOKED };
  return async (meter) => {
    const held = await meter.import({ octets, whose, trust, nowMs: desk.nowMs });
    const unchecked = trust !== null ? [] : ['Who issued it was not checked here: --authority FILE does that.'];
    return {
      text: `The meter has it: ${listedText(held)}.\n`,
      json: certificateJson(held, desk.nowMs),
      told: [...unchecked, ...nextSteps(whose)],
    };
  };
}

/** What the operator has to do now, or the next sign-on may fail. */
function nextSteps(whose: Whose): string[] {
  if (whose === 'meter')
    return ['The meter uses its new pair from now on: its key file needs the public key of this certificate.'];
  if (whose === 'client')
    return ['The meter believes this key of the client from now on: the key file needs its private number.'];
  return [];
}

function exporting(values: Values, { nowMs }: Desk): Task {
  const { issuer, serial } = chosen('export', values);
  return async (meter) => {
    const held = await meter.export(issuer, serial);
    return { text: certificatePem(held.content), json: certificateJson(held, nowMs) };
  };
}

function removing(values: Values): Task {
  const { issuer, serial } = chosen('remove', values);
  return async (meter) => {
    const listed = await meter.remove(issuer, serial);
    return { text: `The meter has forgotten it: ${listedText(listed)}.\n`, json: { removed: listedJson(listed) } };
  };
}

function chosen(action: string, { issuer, serial }: Values): { issuer: string; serial: string } {
  if (issuer === undefined || serial === undefined)
    throw new UsageError(`${action} wants --issuer and --serial, both as list shows them: one certificate, no guess.`);
  if (!/^([0-9a-f]{2})+$/i.test(serial)) throw new UsageError(`--serial takes hexadecimal digits, not ${serial}.`);
  return { issuer, serial };
}

function useOf(text: string | undefined): PairUse {
  if (text === 'signature' || text === 'agreement') return text;
  throw new UsageError(`request wants --use signature or --use agreement${text === undefined ? '' : `, not ${text}`}.`);
}

function whoseOf(text: string): Whose {
  if (text === 'meter' || text === 'client' || text === 'authority') return text;
  throw new UsageError(`--for takes meter, client or authority, not ${text}.`);
}

function setupOf(text: string | undefined): ReturnType<typeof parseObis> | undefined {
  if (text === undefined) return undefined;
  if (!isObis(text)) throw new UsageError(`--setup takes an OBIS code as 0-0:43.0.0*255, not ${text}.`);
  return parseObis(text);
}

/** The one certificate of a file, PEM or DER. */
function derOf(octets: Uint8Array, path: string): Uint8Array {
  const text = new TextDecoder().decode(octets);
  if (!text.includes('-----BEGIN')) return octets;
  const [one, another] = pemBlocks(text, 'CERTIFICATE') ?? [];
  if (one === undefined) throw new UsageError(`${path} holds no certificate that can be read.`);
  if (another !== undefined) throw new UsageError(`${path} holds several certificates; give one file for each.`);
  return one;
}

function parsed(octets: Uint8Array, path: string): Certificate {
  try {
    return parseCertificate(octets);
  } catch (error) {
    if (isSecurityError(error)) throw new UsageError(`${path} is no certificate for a meter: ${error.detail}.`);
    throw error;
  }
}
