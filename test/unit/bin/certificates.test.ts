/** `deltawatt certificates` against a simulated meter over TCP, in one process. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SILENT_LOG } from '../../../src/base/log.ts';
import { pemBlocks, pemOf } from '../../../src/base/pem.ts';
import { parseCommandLine } from '../../../src/bin/command.ts';
import { certificatesCommand } from '../../../src/bin/commands/certificates.ts';
import { UsageError } from '../../../src/bin/errors.ts';
import { parseCertificateRequest, serialText } from '../../../src/dlms/index.ts';
import { createHostEnv } from '../../../src/host/env.ts';
import { Simulator } from '../../../src/sim/simulator.ts';
import { keyFiles, parsed } from '../../support/keyed-site.ts';
import { pemValue, testAuthority } from '../../support/test-authority.ts';

const CONFIG = join(import.meta.dirname, '..', '..', '..', 'config');
const CA = testAuthority(Date.now());

async function run(...args: readonly string[]): Promise<{ out: string; told: string }> {
  let [out, told] = ['', ''];
  const { values, words } = parseCommandLine(certificatesCommand.options, args);
  await certificatesCommand.run(values, words, {
    print: (text) => {
      out += text;
    },
    tell: (line) => {
      told += `${line}\n`;
    },
    readStdin: async () => new Uint8Array(0),
  });
  return { out, told };
}

test('MDM-20 an operator orders, brings, lists and removes a certificate of a meter with one command', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'deltawatt-certificates-'));
  const files = keyFiles(1);
  const env = createHostEnv({ log: SILENT_LOG });
  const meterKeys = `${files.meter}\nauthorities: [${pemValue(CA.certificate)}]`;
  const simulator = await Simulator.start(env, {
    configFolder: CONFIG,
    profiles: ['generic/idis'],
    listen: ['tcp://127.0.0.1:0'],
    count: 1,
    seed: 'certificates',
    days: 1,
    timeZone: 'Europe/Berlin',
    ledgerFile: null,
    securities: new Map([[0, parsed(meterKeys)]]),
  });
  try {
    const [reached] = simulator.reached;
    assert.ok(reached !== undefined);
    const keyFile = join(folder, 'm1.keys');
    await writeFile(keyFile, files.client, { mode: 0o600 });
    const meter = [reached.url, '--client', '1', '--security', keyFile];
    const ordered = await run(...meter, 'request', '--use', 'signature');
    assert.match(ordered.out, /^-----BEGIN CERTIFICATE REQUEST-----\n/);
    const [request] = pemBlocks(ordered.out, 'CERTIFICATE REQUEST') ?? [];
    const { commonName, publicKey } = parseCertificateRequest(request ?? new Uint8Array(0));
    const certificate = CA.issue({ name: commonName, use: 'signature', curve: 'P-256', publicKey });
    const [issued, authority] = [join(folder, 'm1.pem'), join(folder, 'ca.der')];
    await writeFile(issued, `Bag of words\n${pemOf('CERTIFICATE', certificate.octets)}`);
    await writeFile(authority, CA.certificate.octets);
    const brought = await run(...meter, 'import', issued, '--authority', authority);
    assert.match(brought.out, /^The meter has it: certificate of meter for signature, serial 01/);
    assert.match(brought.told, /its key file needs/);
    assert.match((await run(...meter, 'list')).out, /^meter +signature .* valid$/m);
    const listed = JSON.parse((await run(...meter, 'list', '--json')).out);
    assert.deepEqual([listed.meterTitle, listed.certificates.length], [commonName, 1]);
    const named = ['--issuer', 'Test authority', '--serial', serialText(certificate.serial)];
    assert.equal((await run(...meter, 'export', ...named)).out, pemOf('CERTIFICATE', certificate.octets));
    assert.match((await run(...meter, 'remove', ...named)).out, /^The meter has forgotten it: /);
    assert.match((await run(...meter, 'list')).out, /: 0 certificates\n$/);
    assert.doesNotMatch(JSON.stringify([ordered, brought]), /PRIVATE KEY/);
    const kept = await readFile(keyFile, 'utf8');
    assert.equal(kept, files.client, 'the key file is left alone');
  } finally {
    await simulator.stop();
    await rm(folder, { recursive: true });
  }
});

for (const [args, words] of [
  [[], /takes a LINK and one of/],
  [['tcp://127.0.0.1:1', 'show'], /knows list, request, import, export and remove, not show/],
  [['tcp://127.0.0.1:1', 'list', 'more'], /takes nothing more/],
  [['tcp://127.0.0.1:1', 'request'], /--use signature or --use agreement/],
  [['tcp://127.0.0.1:1', 'request', '--use', 'tls'], /not tls/],
  [['tcp://127.0.0.1:1', 'import'], /takes one FILE/],
  [['tcp://127.0.0.1:1', 'import', '/nowhere/m1.pem'], /There is no file/],
  [['tcp://127.0.0.1:1', 'import', import.meta.filename], /is no certificate for a meter|holds no certificate/],
  [['tcp://127.0.0.1:1', 'import', import.meta.filename, '--for', 'all'], /--for takes meter, client or authority/],
  [['tcp://127.0.0.1:1', 'remove', '--serial', '01'], /one certificate, no guess/],
  [['tcp://127.0.0.1:1', 'remove', '--issuer', 'CA'], /one certificate, no guess/],
  [['tcp://127.0.0.1:1', 'export', '--issuer', 'CA', '--serial', 'x'], /takes hexadecimal digits/],
  [['tcp://127.0.0.1:1', 'list', '--setup', 'x'], /--setup takes an OBIS code/],
] as const)
  test(`certificates ${args.slice(1).join(' ')}: wrong usage is told before a meter is called`, async () => {
    await assert.rejects(run(...args), (error) => error instanceof UsageError && words.test(error.message));
  });
