/** One-shot clients and simulated meters with key files: every suite, mechanism and form, and the counter on the disk. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { toHex } from '../../../src/base/bytes.ts';
import type { Env } from '../../../src/base/env.ts';
import { hasCode } from '../../../src/base/errors.ts';
import { keysOfParts } from '../../../src/bin/key-parts.ts';
import { type HlsMechanism, hlsSignOn } from '../../../src/dlms/index.ts';
import { parseMeterKeys } from '../../../src/dlms/security/key-file.ts';
import type { MeterSecurity } from '../../../src/dlms/security/meter-security.ts';
import { octetsOfKey } from '../../../src/dlms/security/secret-key.ts';
import { CURVES, SUITES, type SuiteId } from '../../../src/dlms/security/suite.ts';
import { FileCounter } from '../../../src/lab/file-counter.ts';
import { withMeter } from '../../../src/lab/one-shot.ts';
import { parseReadObject, readObjects } from '../../../src/lab/read-once.ts';
import { MemoryLines } from '../../../src/link/memory.ts';
import { SimMeter, serveLine } from '../../../src/sim/fleet.ts';
import { freshPair, randomOctets } from '../../support/fresh-pair.ts';
import { testWorld } from '../edge/world.ts';
import { profileOf } from '../sim/world.ts';

const CLIENT_TITLE = '4d4d4d0000000001';
const NEVER = /[0-9a-f]{32}/;

/** Key files of both sides of a suite; `more` stands in both. */
function keyFiles(suite: SuiteId, more: readonly string[] = []): { client: string; meter: string } {
  const key = () => toHex(randomOctets(SUITES[suite].keyBytes));
  const shared = [
    `suite: ${suite}`,
    `clientTitle: "${CLIENT_TITLE}"`,
    `encryptionKey: "${key()}"`,
    `authenticationKey: "${key()}"`,
    `masterKey: "${key()}"`,
    ...more,
  ];
  const { curve } = SUITES[suite];
  if (curve === null) return { client: shared.join('\n'), meter: shared.join('\n') };
  const [signs, meterSigns, agrees, meterAgrees] = [1, 2, 3, 4].map(() => freshPair(curve));
  const lines = (own = signs, peer = meterSigns, ownAgrees = agrees, peerAgrees = meterAgrees) =>
    own === undefined || peer === undefined || ownAgrees === undefined || peerAgrees === undefined
      ? []
      : [
          `signingKey: "${toHex(octetsOfKey(own.privateKey))}"`,
          `peerSigningKey: "${toHex(peer.publicKey)}"`,
          `agreementKey: "${toHex(octetsOfKey(ownAgrees.privateKey))}"`,
          `peerAgreementKey: "${toHex(peerAgrees.publicKey)}"`,
        ];
  return {
    client: [...shared, ...lines()].join('\n'),
    meter: [...shared, ...lines(meterSigns, signs, meterAgrees, agrees)].join('\n'),
  };
}

function parsed(document: string): MeterSecurity {
  const read = parseMeterKeys(document);
  assert.ok(read.ok, read.ok ? '' : read.problem);
  return read.security;
}

/** A simulated meter with keys, and a desk with a disk from which it is read. */
function site(files: { client: string; meter: string }) {
  const world = testWorld();
  const { env: bare } = world.program('desk');
  const lines = new MemoryLines({ timers: bare.timers, clock: bare.clock, random: bare.random });
  const line = lines.create('bus1', { framing: 'wrapper' });
  const env = { ...bare, lines } as Env;
  const meter = new SimMeter(
    {
      meterId: 'm1',
      serial: '10000001',
      profile: profileOf('generic/idis'),
      seed: 'secured',
      timeZone: 'Europe/Berlin',
      nowMs: () => env.clock.nowMs(),
      installedAtMs: env.clock.nowMs() - 86_400_000,
      password: new Uint8Array(0),
      security: parsed(files.meter),
    },
    null,
  );
  serveLine(line.attach(), [meter], 'wrapper', env, null);
  const keys = parsed(files.client);
  const read = async (mechanism: HlsMechanism, security = keys): Promise<string> => {
    const target = {
      link: 'memory:bus1',
      client: 1,
      server: { logical: 1 },
      referencing: 'logical' as const,
      authentication: hlsSignOn(mechanism, security, randomOctets),
      requestTimeoutMs: 5_000,
      security: { keys: security, counterFile: 'm1.keys.counter' },
    };
    const object = parseReadObject('1-0:32.7.0');
    assert.ok(object !== null);
    const [answer] = await during(withMeter(env, target, (session) => readObjects(session, { objects: [object] })));
    return answer?.answer.words ?? '';
  };
  /** Lets time go on until it is settled. */
  async function during<Value>(work: Promise<Value>): Promise<Value> {
    let settled = false;
    const done = work.finally(() => {
      settled = true;
    });
    done.catch(() => undefined);
    while (!settled) await world.clock.advance(100);
    return done;
  }
  return { env, meter, read, keys };
}

const CASES: readonly (readonly [SuiteId, HlsMechanism, readonly string[]])[] = [
  [0, 'hls', ['mechanism: hls', 'secret: "3132333435363738"']],
  [0, 'hls-md5', ['mechanism: hls-md5', 'secret: "3132333435363738"']],
  [0, 'hls-sha1', ['mechanism: hls-sha1', 'secret: "3132333435363738"', 'protect: authenticated']],
  [0, 'hls-sha256', ['mechanism: hls-sha256', 'secret: "3132333435363738"', 'hls6: short']],
  [0, 'hls-gmac', ['form: wrapped-key']],
  [1, 'hls-gmac', ['form: general', 'sign: both']],
  [1, 'hls-ecdsa', ['mechanism: hls-ecdsa', 'form: static-key', 'sign: both']],
  [2, 'hls-ecdsa', ['mechanism: hls-ecdsa', 'form: one-pass-key', 'suite2Agreement: true']],
  [2, 'hls-gmac', ['form: identified-key', 'protect: encrypted']],
];
for (const [suite, mechanism, more] of CASES) {
  test(`read and sim, suite ${suite}, ${mechanism}: ${more.join(', ')}`, async () => {
    const { read } = site(keyFiles(suite, more));
    assert.match(await read(mechanism), /^2\d\d\.\d V$/);
  });
  test(`read with keys one by one, suite ${suite}, ${mechanism}: ${more.join(', ')}`, async () => {
    const files = keyFiles(suite, more);
    const { read, env } = site(files);
    const parts = files.client.split('\n').map((each) => each.replaceAll('"', '').split(': '));
    const secrets = new Map<string, string>();
    const [named, inVariables]: [string[], string[]] = [[], []];
    for (const [name = '', value = ''] of parts)
      if (/^(secret|(encryption|authentication|master|signing|agreement)Key)$/.test(name)) {
        secrets.set(`V_${name}`, value);
        inVariables.push(`${name}=V_${name}`);
      } else named.push(`${name}=${value}`);
    const values = { 'key-env': inVariables, 'key-file': [], 'key-with': named, 'counter-file': 'counter' };
    const { keys } = await keysOfParts(values, mechanism, { disk: env.disk, variable: (name) => secrets.get(name) });
    assert.match(await read(mechanism, keys), /^2\d\d\.\d V$/);
  });
}

test('a one-shot client never sends a counter twice: the block is on the disk before, and goes on after it', async () => {
  const { read, env, meter } = site(keyFiles(0));
  const bound = async () => Number(new TextDecoder().decode(await env.disk.readFile('m1.keys.counter')));
  await read('hls-gmac');
  const [first, seen] = [await bound(), meter.security?.setup.lastCounter(1) ?? 0];
  assert.ok(seen > 0 && first > seen, `${first} reserved, ${seen} seen`);
  await read('hls-gmac');
  assert.ok((meter.security?.setup.lastCounter(1) ?? 0) >= first);
  await env.disk.writeFile('m1.keys.counter', new TextEncoder().encode('x'));
  await assert.rejects(read('hls-gmac'), /holds no invocation counter/);
});

test('a meter that is ahead is asked by the public client once; ours is raised within the limit, else a person is asked', async () => {
  const { read, env, keys } = site(keyFiles(0));
  await read('hls-gmac');
  const used = await FileCounter.open('m1.keys.counter', keys, env);
  const write = (counter: number) => env.disk.writeFile('m1.keys.counter', new TextEncoder().encode(String(counter)));
  await write(used.sender.next - 1_000);
  assert.match(await read('hls-gmac'), /V$/);
  await write(7);
  await assert.rejects(read('hls-gmac'), (error) => hasCode(error, 'SECURITY_COUNTER_JUMP'));
});

test('a wrong key says so, and nothing that is thrown or shown carries a key', async () => {
  const files = keyFiles(1, ['sign: both']);
  const { read, keys } = site(files);
  const wrong = parsed(
    files.client.replace(/encryptionKey: "(..)/, (text) => `${text.slice(0, -2)}${text.endsWith('00') ? '11' : '00'}`),
  );
  await assert.rejects(read('hls-gmac', wrong), (error: Error) => !NEVER.test(inspect(error, { depth: 9 })));
  for (const shown of [inspect(keys, { depth: 9 }), JSON.stringify(keys), String(keys.keys.encryption)]) {
    for (const line of files.client.split('\n')) {
      const secret = /^(?:encryption|authentication|master|signing|agreement)Key: "([0-9a-f]+)"/.exec(line)?.[1];
      if (secret !== undefined) assert.ok(!shown.includes(secret.slice(0, 12)), line.slice(0, 12));
    }
  }
});

for (const [lines, words] of [
  [['sign: both'], /sign needs signingKey/],
  [['suite: 1', `signingKey: "${'11'.repeat(32)}"`], /come together/],
  [[`signingKey: "${'11'.repeat(32)}"`, `peerSigningKey: "${'22'.repeat(64)}"`], /belong to suites 1 and 2/],
  [['suite: 1', `signingKey: "${'00'.repeat(32)}"`, `peerSigningKey: "${'22'.repeat(64)}"`], /no private number/],
  [['suite: 1', `signingKey: "${'11'.repeat(48)}"`, `peerSigningKey: "${'22'.repeat(64)}"`], /64 and|64 digits/],
  [['mechanism: lls'], /mechanism/],
] as const) {
  test(`a key file is refused with ${words}`, () => {
    const read = parseMeterKeys([`encryptionKey: "${'00'.repeat(16)}"`, ...lines].join('\n'));
    assert.ok(!read.ok);
    assert.match(read.problem, words);
    assert.doesNotMatch(read.problem, /1111|2222/);
  });
}

test('a signature without a tag is refused in a key file: it has no counter', () => {
  const { curve } = SUITES[1];
  assert.ok(curve !== null && CURVES[curve].bytes === 32);
  const files = keyFiles(1, ['sign: both', 'protect: encrypted']);
  const read = parseMeterKeys(files.client);
  assert.ok(!read.ok && /sign needs protect/.test(read.problem));
});
