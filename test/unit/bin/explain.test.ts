/** `explain` with keys: what it prints of a ciphered message, and how wrong keys are told. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fromHex } from '../../../src/base/bytes.ts';
import { parseCommandLine } from '../../../src/bin/command.ts';
import { explainCommand } from '../../../src/bin/commands/explain.ts';
import { UsageError } from '../../../src/bin/errors.ts';
import { pcapOf, planPackets } from '../../../src/lab/pcap-writer.ts';
import { vectors } from '../../vectors/vector.ts';

async function printed(...args: string[]): Promise<string> {
  const { values, words } = parseCommandLine(explainCommand.options, args);
  let text = '';
  const print = (more: string): void => {
    text += more;
  };
  const io = { print, tell: () => {}, readStdin: async () => new Uint8Array(0) };
  assert.equal(await explainCommand.run(values, words, io), 0);
  return text;
}

const EK = '000102030405060708090a0b0c0d0e0f';
const AK = 'd0d1d2d3d4d5d6d7d8d9dadbdcdddedf';
const TITLE = '4d4d4d0000bc614e';
const KEYS = ['--ek', EK, '--ak', AK, '--title', TITLE];
const REQUEST = 'c81e3001234567411312ff935a47566827c467bc7d825c3be4a77c3fcc056b6b';

test('explain deciphers a service, and says whether the tag was checked', async () => {
  assert.match(await printed(REQUEST, ...KEYS), /message deciphered, tag checked: get-request-normal/);
  const { messages } = JSON.parse(await printed('--json', REQUEST, ...KEYS));
  assert.equal(messages[0].plaintextHex, 'c0010000080000010000ff0200');
  assert.match(
    await printed(REQUEST, '--ek', EK, '--title', TITLE),
    /deciphered, not authenticated: get-request-normal/,
  );
});

test('explain says nothing of the inside without a key or a title, and refuses a wrong tag', async () => {
  assert.doesNotMatch(await printed(REQUEST), /deciphered/);
  assert.doesNotMatch(await printed(REQUEST, '--ek', EK, '--ak', AK), /deciphered/);
  const wrong = await printed(REQUEST, '--ek', EK, '--ak', EK, '--title', TITLE);
  assert.match(wrong, /message deciphered {2}= SECURITY_TAG/);
  assert.doesNotMatch(wrong, /get-request-normal/);
});

test('explain opens the initiate inside an AARQ', async () => {
  const aarq = vectors<{ userInformationPlaintext: unknown; userInformationPlaintextHex: string }>('security').find(
    ({ id }) => id === 'gb-aarq-ciphered-lls',
  );
  assert.ok(aarq);
  const { messages } = JSON.parse(await printed('--json', aarq.hex, ...KEYS));
  assert.deepEqual(messages[0].userInformationPlaintext, aarq.expect.userInformationPlaintext);
  assert.equal(messages[0].userInformationPlaintextHex, aarq.expect.userInformationPlaintextHex);
  assert.match(await printed(aarq.hex, ...KEYS), /message deciphered, tag checked: initiate-request/);
});

test('explain shows the readings of a ciphered push of a real meter', async () => {
  const capture = vectors('push-captures').find(({ id }) => id === 'kaifa-at-evn');
  assert.ok(capture?.context?.['encryptionKey']);
  const text = await printed(capture.hex, '--ek', capture.context['encryptionKey']);
  assert.match(text, /readings \(.*\)\n(.*\n)* {2}1-0:1\.8\.0\.255 {2}12937 Wh\n/);
});

for (const [args, words] of [
  [['--ek', '0011'], /--ek takes a key of 32 or 64/],
  [['--ak', AK], /--ak needs --ek/],
  [['--ek', EK, '--title', '4d4d4d'], /--title takes 8 octets, not 3/],
] as const) {
  test(`explain ${args.join(' ')} is wrong usage, and repeats no key`, async () => {
    await assert.rejects(printed(REQUEST, ...args), (error) => {
      assert.ok(error instanceof UsageError && words.test(error.message));
      return !error.message.includes('0011');
    });
  });
}

test('explain follows a capture: a line a message, its fields with --tree, a document a message with --json', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'deltawatt-explain-'));
  try {
    const file = join(folder, 'a.pcap');
    const said = [
      { speaker: 'client', octets: fromHex('0001001000010005c001c10000') },
      { speaker: 'client', octets: fromHex('000100100001000dc001c100080000010000ff0200') },
      { speaker: 'server', octets: fromHex('0001000100100006c401c1000301') },
    ] as const;
    const options = { serverPort: 4059, clientPort: 50_000, segmentBytes: 1_000 };
    writeFileSync(file, pcapOf(planPackets([said], options), options));
    assert.match(
      await printed('--file', file),
      /-> 16\/1 linked: get-request-normal, 13 octets \[Green Book, GET service\]/,
    );
    assert.match(await printed('--file', file, '--tree'), /class 8 Clock, 0-0:1\.0\.0\.255, attribute 2 time/);
    const lines = (await printed('--file', file, '--json')).trim().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).name),
      ['malformed', 'get-request-normal', 'get-response-normal'],
    );
    writeFileSync(file, '00000000: 7ea0 0802 2321 93bd 647e   ~...#!..d~\n');
    assert.match(await printed('--file', file), /SNRM/);
    await assert.rejects(printed('--file', join(folder, 'none')), UsageError);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
