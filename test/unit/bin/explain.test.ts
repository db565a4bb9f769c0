/** `explain` with keys: what it prints of a ciphered message, and how wrong keys are told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommandLine } from '../../../src/bin/command.ts';
import { explainCommand } from '../../../src/bin/commands/explain.ts';
import { UsageError } from '../../../src/bin/errors.ts';
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
