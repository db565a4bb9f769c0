import assert from 'node:assert/strict';
import { test } from 'node:test';
import { helpOf, type OptionTable, parseCommandLine, wholeNumber } from '../../../src/bin/command.ts';
import { COMMANDS } from '../../../src/bin/commands.ts';
import { UsageError } from '../../../src/bin/errors.ts';

const TABLE = {
  meters: { kind: 'text', value: 'N', what: 'number of meters' },
  listen: { kind: 'texts', value: 'URL', what: 'addresses' },
  json: { kind: 'flag', what: 'as JSON' },
} as const satisfies OptionTable;

test('options and words are told apart, what is absent has its empty value', () => {
  const { values, words } = parseCommandLine(TABLE, ['one', '--meters=5', '--listen', 'a', '--listen', 'b', 'two']);
  assert.deepEqual(values, { meters: '5', listen: ['a', 'b'], json: false });
  assert.deepEqual(words, ['one', 'two']);
  assert.deepEqual(parseCommandLine(TABLE, []).values, { meters: undefined, listen: [], json: false });
});

test('after -- everything is a word', () => {
  assert.deepEqual(parseCommandLine(TABLE, ['--json', '--', '--meters']).words, ['--meters']);
});

for (const [args, sentence] of [
  [['--meter', '5'], /no option --meter; did you mean --meters\?/],
  [['--zzz'], /no option --zzz$/],
  [['--meters'], /meters/],
  [['--json=yes'], /json/],
  [['-x'], /-x/],
] as const) {
  test(`${args.join(' ')} is wrong usage, told in one sentence`, () => {
    assert.throws(
      () => parseCommandLine(TABLE, args),
      (error) => {
        assert.ok(error instanceof UsageError);
        assert.match(error.message, sentence);
        assert.ok(!error.message.includes('\n'));
        return true;
      },
    );
  });
}

test('whole numbers have a range', () => {
  assert.equal(wholeNumber('n', '12', 1, 20), 12);
  for (const bad of ['', '0', '21', '1.5', '1e1', 'ten', '0x5', ' 5']) {
    assert.throws(() => wholeNumber('n', bad, 1, 20), UsageError, bad);
  }
});

test('every command loads, is called what the list calls it, and its help shows each option', async () => {
  for (const entry of COMMANDS) {
    const command = await entry.load();
    assert.equal(command.name, entry.name);
    assert.equal(command.summary, entry.summary);
    const help = helpOf(command);
    assert.ok(help.startsWith(`deltawatt ${command.name} `));
    for (const name of [...Object.keys(command.options), 'help']) assert.ok(help.includes(`--${name}`), name);
    for (const line of help.split('\n')) assert.ok(line.length <= 120, line);
  }
});
