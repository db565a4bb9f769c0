import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decimal,
  list,
  maybe,
  oneOf,
  parseConfig,
  printExample,
  section,
  text,
  whole,
  yesNo,
} from '../../../src/base/config.ts';

const SETTINGS = section('settings of a test program', {
  id: text({
    what: 'name of this program',
    pattern: '^[a-z0-9-]{1,32}$',
    form: 'small letters, digits and hyphens',
    example: 'edge-1',
  }),
  level: oneOf(['error', 'warn', 'info'], { what: 'least level of the log', default: 'info' }),
  rest: section('health and metrics over HTTP', {
    host: text({ what: 'address to listen on', default: '127.0.0.1' }),
    port: whole({ what: 'TCP port, 0 takes a free one', from: 0, to: 65_535, default: 9100 }),
    tls: yesNo({ what: 'whether to speak TLS', default: false }),
    client: maybe(
      section('Certificates of those who may ask', {
        caFile: text({ what: 'File with the authority', example: '/etc/deltawatt/ca.pem' }),
        depth: whole({ what: 'longest chain', from: 1, to: 10, default: 3 }),
      }),
    ),
  }),
  uplink: section('the way to the collector', {
    url: text({ what: 'address of the broker', example: 'mqtt://localhost:1883' }),
    passwordFile: maybe(text({ what: 'file that holds the password', example: '/etc/deltawatt/password' })),
    retryFactor: decimal({ what: 'growth of the pause between tries', from: 1, to: 10, default: 1.5 }),
    bufferOctets: whole({ what: 'octets under way', from: 1_000, to: 10_000_000, unit: 'octets', default: 262_144 }),
  }),
  links: list(
    section('a line with its meters', {
      url: text({ what: 'address of the line' }),
      meters: list(text({ what: 'name of a meter' }), { what: 'meters on the line', max: 250 }),
    }),
    { what: 'lines to read', max: 64, example: [{ url: 'tcp://localhost:4059', meters: ['m1'] }] },
  ),
});

const GOOD = `
id: edge-7
uplink:
  url: mqtts://broker:8883
links:
  - url: serial:///dev/ttyS1?baud=9600
`;

function problems(fileText: string): string[] {
  const parsed = parseConfig(SETTINGS, fileText);
  assert.equal(parsed.ok, false);
  return parsed.ok ? [] : parsed.problems.map((problem) => `${problem.path}: ${problem.sentence}`);
}

test('a file is parsed with every default filled in, also in lists', () => {
  const parsed = parseConfig(SETTINGS, GOOD);
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.config, {
    id: 'edge-7',
    level: 'info',
    rest: { host: '127.0.0.1', port: 9100, tls: false },
    uplink: { url: 'mqtts://broker:8883', retryFactor: 1.5, bufferOctets: 262_144 },
    links: [{ url: 'serial:///dev/ttyS1?baud=9600', meters: [] }],
  });
});

test('the result is frozen all the way down', () => {
  const parsed = parseConfig(SETTINGS, GOOD);
  assert.ok(parsed.ok);
  assert.ok(
    Object.isFrozen(parsed.config) && Object.isFrozen(parsed.config.rest) && Object.isFrozen(parsed.config.links[0]),
  );
});

test('all problems are told at once, each with its path and the way out', () => {
  const told = problems(`
id: Not Allowed
level: loud
rest:
  prot: 80
  port: 70000
  tls: maybe
uplink:
  retryFactor: fast
links:
  - meters: [m1]
`);
  assert.deepEqual(told.sort(), [
    'id: Write name of this program: small letters, digits and hyphens.',
    'level: Write least level of the log: one of error, warn, info.',
    'links[0].url: This key is missing: write address of the line.',
    'rest.port: Write TCP port, 0 takes a free one: a whole number from 0 to 65535.',
    'rest.prot: This key is not known: did you mean port?',
    'rest.tls: Write whether to speak TLS: true or false.',
    'uplink.retryFactor: Write growth of the pause between tries: a number from 1 to 10.',
    'uplink.url: This key is missing: write address of the broker.',
  ]);
});

test('an unknown key that is like no other lists those there are', () => {
  assert.deepEqual(problems(`${GOOD}\nzzzzzzzz: 1\n`), [
    'zzzzzzzz: This key is not known: remove it, or use one of id, level, rest, uplink, links.',
  ]);
});

test('of very many problems the first hundred are told', () => {
  const unknown = Array.from({ length: 120 }, (_, at) => `zzzzz${at}: 1`);
  const told = problems(`${GOOD}\n${unknown.join('\n')}\n`);
  assert.equal(told.length, 100);
  assert.match(told.at(-1) ?? '', /^zzzzz99: /);
});

test('text that is no YAML, a key written twice and an alias bomb are told, not thrown', () => {
  assert.match(problems('id: [unclosed')[0] ?? '', /Line 1, column \d+: this is not YAML/);
  assert.match(problems('id: a\nid: b\n')[0] ?? '', /Line 2, column 1: this is not YAML: .*unique/);
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefgh'.split('').map((name, index) => {
      const before = 'abcdefgh'.charAt(index);
      return `${name}: &${name} [${Array(9).fill(`*${before}`).join(',')}]`;
    }),
  ];
  assert.match(problems(bomb.join('\n'))[0] ?? '', /not YAML/);
  assert.match(problems(`# ${'x'.repeat(300_000)}`)[0] ?? '', /characters/);
});

test('a file that is a list, a number or nothing is told what is missing', () => {
  for (const fileText of ['- a\n', '7\n']) assert.ok(problems(fileText).length > 0);
  assert.deepEqual(problems('').sort(), [
    'id: This key is missing: write name of this program: small letters, digits and hyphens.',
    'uplink.url: This key is missing: write address of the broker.',
  ]);
});

test('a section whose keys are all commented out has its defaults', () => {
  const parsed = parseConfig(SETTINGS, `${GOOD}\nrest:\n  # port: 1\n`);
  assert.ok(parsed.ok);
  assert.equal(parsed.config.rest.port, 9100);
});

test('an optional section is absent unless it is written, and then it is whole', () => {
  const without = parseConfig(SETTINGS, GOOD);
  assert.ok(without.ok && without.config.rest.client === undefined);
  const empty = parseConfig(SETTINGS, `${GOOD}\nrest:\n  client:\n`);
  assert.ok(empty.ok && empty.config.rest.client === undefined);
  const written = parseConfig(SETTINGS, `${GOOD}\nrest:\n  client:\n    caFile: ca.pem\n`);
  assert.ok(written.ok);
  assert.deepEqual(written.config.rest.client, { caFile: 'ca.pem', depth: 3 });
  assert.deepEqual(problems(`${GOOD}\nrest:\n  client:\n    depth: 2\n`), [
    'rest.client.caFile: This key is missing: write file with the authority.',
  ]);
});

test('contradictions between keys are told when each key is right', () => {
  const parsed = parseConfig(SETTINGS, GOOD, (config) =>
    config.uplink.url.startsWith('mqtts:') && !config.rest.tls ? [{ path: 'rest.tls', sentence: 'Both or none.' }] : [],
  );
  assert.deepEqual(parsed, { ok: false, problems: [{ path: 'rest.tls', sentence: 'Both or none.' }] });
});

test('the example says everything, parses, and equals the defaults', () => {
  const example = printExample(SETTINGS, 'A test program');
  const parsed = parseConfig(SETTINGS, example);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  assert.deepEqual(parsed.config, {
    id: 'edge-1',
    level: 'info',
    rest: { host: '127.0.0.1', port: 9100, tls: false },
    uplink: { url: 'mqtt://localhost:1883', retryFactor: 1.5, bufferOctets: 262_144 },
    links: [],
  });
  assert.match(example, /^# Name of this program: small letters, digits and hyphens, required\.\nid: edge-1$/m);
  assert.match(
    example,
    /^ {2}# Octets under way: a whole number from 1000 to 10,000,000 octets\.\n {2}bufferOctets: 262144$/m,
  );
  assert.match(example, /^ {2}# passwordFile: \/etc\/deltawatt\/password$/m);
  assert.match(example, /^# {3}- url: tcp:\/\/localhost:4059$/m);
  assert.match(example, /^ {2}# client:\n/m);
  assert.match(example, /^ {2}# {3}caFile: \/etc\/deltawatt\/ca.pem$/m);
  for (const line of example.split('\n')) assert.ok(line.length <= 110, line);
});
