/** `deltawatt scan`: what a meter shows to its clients, and which meters a bus has. */
import { createHostEnv } from '../../host/env.ts';
import { proposeProfile } from '../../lab/propose-profile.ts';
import { type ClientScan, scanOnce } from '../../lab/scan-meter.ts';
import { scansJson, scansText } from '../../lab/scan-text.ts';
import { defineCommand } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';
import { NO_KEY_PARTS } from '../key-parts.ts';
import { clientOf, METER_OPTIONS, meterTarget, PUBLIC_CLIENT } from '../meter-options.ts';
import { BUS_OPTIONS, isBusScan, scanBusCommand } from '../scan-bus.ts';

/** A profile is no secret: the edge runs under an account of its own. */
const PROFILE_MODE = 0o644;
const NAME_DEFAULT = 'scanned/meter';

/** Walks the association's object list of one meter, as one client or several. */
export const scanCommand = defineCommand({
  name: 'scan',
  summary: 'Finds the meters of a bus, lists what one meter has, or proposes a profile for it',
  arguments: 'LINK [options]',
  details:
    'LINK is an address as for read. Only reads: the object list, and of each object its unit, type and period.\n' +
    `--client may be given several times; client ${PUBLIC_CLIENT} signs on without a password, the others as --auth says.\n` +
    '--list and --range ask the addresses of an HDLC bus who is there (docs/guides/wire-an-rs-485-bus.md).',
  options: {
    client: { kind: 'texts', value: 'N', what: `client address; default ${PUBLIC_CLIENT}, the public client` },
    ...METER_OPTIONS,
    ...BUS_OPTIONS,
    profile: { kind: 'text', value: 'FILE', what: 'writes the proposal of a profile there' },
    yaml: { kind: 'flag', what: 'a proposal of a profile file, ready to be edited' },
    name: { kind: 'text', value: 'V/M', what: `vendor and model of the proposal; default ${NAME_DEFAULT}` },
    json: { kind: 'flag', what: 'one JSON document: a list of clients with their objects' },
  },
  run: async (values, words, io) => {
    const [link, ...rest] = words;
    if (link === undefined || rest.length > 0) throw new UsageError('scan takes one LINK.');
    if (values.yaml && values.json) throw new UsageError('Write --yaml or --json, not both.');
    if (isBusScan(values)) return scanBusCommand(link, values, io);
    const names = namesOf(values.name ?? NAME_DEFAULT);
    const clients = (values.client.length === 0 ? [String(PUBLIC_CLIENT)] : values.client).map(clientOf);
    const env = createHostEnv({ logLevel: 'warn' });
    const scans: ClientScan[] = [];
    for (const client of new Set(clients)) {
      const auth = client === PUBLIC_CLIENT ? { auth: 'none', security: undefined, ...NO_KEY_PARTS } : {};
      scans.push(await scanOnce(env, await meterTarget(link, client, { ...values, ...auth }, env)));
    }
    const rules = { unsureClasses: values['unsure-classes'] };
    if (!values.yaml && values.profile === undefined) {
      io.print(values.json ? `${JSON.stringify(scansJson(scans, rules))}\n` : scansText(scans, rules));
      return EXIT.done;
    }
    const proposal = proposeProfile(scans, names);
    if (proposal === null) {
      io.tell('None of these clients sees a register: scan as a client that may read, as in --client 1 --auth lls.');
      return EXIT.failed;
    }
    if (values.profile === undefined) io.print(proposal);
    else {
      await env.disk.writeFile(values.profile, new TextEncoder().encode(proposal), PROFILE_MODE);
      io.tell(`The profile is in ${values.profile}; npm run profile-check checks it after you edited it.`);
    }
    return EXIT.done;
  },
});

function namesOf(text: string): { vendor: string; model: string } {
  const [, vendor, model] = /^([a-z0-9][a-z0-9-]{0,62})\/([a-z0-9][a-z0-9-]{0,62})$/.exec(text) ?? [];
  if (vendor === undefined || model === undefined) {
    throw new UsageError(`--name takes vendor/model in small letters, digits and hyphens, not ${text}.`);
  }
  return { vendor, model };
}
