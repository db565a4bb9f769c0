import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseConfig } from '../../../src/base/config.ts';
import type { Env } from '../../../src/base/env.ts';
import { hasCode } from '../../../src/base/errors.ts';
import { frameError } from '../../../src/dlms/frame/errors.ts';
import { sessionError } from '../../../src/dlms/session/errors.ts';
import { EDGE_CONFIG } from '../../../src/edge/config.ts';
import { parseEnrolment } from '../../../src/edge/enrolment.ts';
import { EDGE_ERRORS } from '../../../src/edge/errors.ts';
import type { Meter } from '../../../src/edge/ports.ts';
import { wantedData } from '../../../src/edge/reader/answers.ts';
import { clientFor } from '../../../src/edge/reader/client-for.ts';
import { ReaderMeterAccess } from '../../../src/edge/reader/meter-access.ts';
import { DEAF, LinkSessions } from '../../../src/edge/reader/sessions.ts';
import { verdictOf } from '../../../src/edge/reader/verdict.ts';
import { resultWords } from '../../../src/edge/result-words.ts';
import { resolveSettings } from '../../../src/edge/settings.ts';
import { linkError } from '../../../src/link/errors.ts';
import type { LineLink } from '../../../src/link/link.ts';
import { MemoryLines } from '../../../src/link/memory.ts';
import { linkOf } from '../../../src/link/registry.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import { plainRequest } from '../../../src/profile/plan.ts';
import type { Profile } from '../../../src/profile/schema/profile.ts';
import { profileOf } from './bus.ts';
import { testWorld } from './world.ts';

const SOURCES = new URL('../../../src/edge/', import.meta.url);
const IDIS = profileOf('generic/idis');

function meterWith(profile: Partial<Profile>, password: Uint8Array | null = null): Meter {
  return {
    meterId: 'm1' as MeterId,
    line: 'l',
    profile: { ...IDIS, ...profile },
    timeZone: 'UTC',
    logicalDevice: 1,
    physicalDevice: 17,
    password,
  };
}

function codeOf(code: string) {
  return (error: unknown) => hasCode(error, code);
}

test('every code of the table is thrown or reported somewhere, and says what to do in one sentence', () => {
  const files = (readdirSync(SOURCES, { recursive: true }) as string[]).filter(
    (name) => /\.ts$/.test(name) && !['errors.ts', 'reader-errors.ts'].includes(name),
  );
  const sources = files.map((name) => readFileSync(new URL(name, SOURCES), 'utf8')).join('\n');
  for (const [code, row] of Object.entries(EDGE_ERRORS)) {
    assert.ok(sources.includes(code), `${code} is never used`);
    assert.match(row.sentence, /^[A-Z].*\.$/, code);
  }
});

test('an enrolment file is checked as a whole', () => {
  const good = {
    edgeId: 'e1',
    url: 'mqtts://h:8883',
    password: 'p',
    key: 'ab'.repeat(32),
    commandPublicKey: 'cd'.repeat(32),
    limitsPublicKey: 'ef'.repeat(32),
  };
  const parse = (value: unknown) =>
    parseEnrolment(new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value)));
  assert.equal(parse(good).edgeId, 'e1');
  assert.equal(parse(good).key.length, 32);
  for (const bad of [
    '',
    '7',
    { ...good, key: 'short' },
    { ...good, url: 'http://h' },
    { ...good, edgeId: 'a b' },
    { ...good, password: 1 },
  ]) {
    assert.throws(() => parse(bad), codeOf('EDGE_ENROLMENT'));
  }
  assert.throws(
    () => parse({ ...good, key: 1, url: '' }),
    (error) => error instanceof Error && error.message.includes('key must be') && error.message.includes('url must'),
  );
});

test('settings that name what is not there are refused with everything that is wrong', async () => {
  const program = testWorld().program('edge');
  const { env } = program;
  const linkEnv = { ...env, lines: new MemoryLines({ timers: env.timers, clock: env.clock, random: env.random }) };
  linkEnv.lines.create('a');
  const around = { env: env as Env, linkEnv, profilesFolder: 'profiles', software: 'test' };
  const parsed = parseConfig(
    EDGE_CONFIG,
    'enrolmentFile: e.json\nlines: [{ id: a, url: "memory:a", meters: [{ id: m1, profile: none/such }, { id: m2, profile: x/y }] }]',
  );
  assert.ok(parsed.ok);
  await assert.rejects(resolveSettings(parsed.config, around), codeOf('EDGE_FILE'));
  const enrolment = {
    edgeId: 'e1',
    password: 'p',
    key: '00'.repeat(32),
    commandPublicKey: '00'.repeat(32),
    limitsPublicKey: '00'.repeat(32),
  };
  const enrol = (url: string) =>
    program.disk.writeFile('e.json', new TextEncoder().encode(JSON.stringify({ ...enrolment, url })));
  await enrol('mqtt://collector.example:1883');
  await assert.rejects(resolveSettings(parsed.config, around), codeOf('EDGE_PLAIN_MQTT'));
  await enrol('mqtts://collector.example:8883');
  await assert.rejects(
    resolveSettings(parsed.config, around),
    (error) => codeOf('EDGE_SETTINGS')(error) && /meter m1: .*meter m2: /.test((error as Error).message),
  );
  const network = parseConfig(
    EDGE_CONFIG,
    'enrolmentFile: e.json\nlines: [{ id: plc, url: "prime-tcp://node:4059", meters: [{ id: m1, profile: generic/gas }] }]',
  );
  const gas = readFileSync(new URL('../../../config/profiles/generic/gas.yaml', import.meta.url));
  await program.disk.writeFile('profiles/generic/gas.yaml', gas);
  assert.ok(network.ok);
  await assert.rejects(
    resolveSettings(network.config, around),
    (error) =>
      codeOf('EDGE_SETTINGS')(error) &&
      /m1: .*serial is missing: line plc finds its meters/.test((error as Error).message),
  );
  const misnamed = parseConfig(
    EDGE_CONFIG,
    'enrolmentFile: e.json\nlines: [{ id: plc, url: "g3-serial:///dev/ttyS2?pan=781D", meters: [{ id: m1, profile: generic/gas, serial: "10000001" }] }]',
  );
  assert.ok(misnamed.ok);
  await assert.rejects(
    resolveSettings(misnamed.config, around),
    (error) =>
      codeOf('EDGE_SETTINGS')(error) &&
      /m1: .*serial: '10000001' is no EUI-64: 16 hexadecimal digits/.test((error as Error).message),
  );
});

test('a profile without the client, the password, the mechanism or the relay that is needed', async () => {
  const { env } = testWorld().program('edge');
  const lines = new MemoryLines({ timers: env.timers, clock: env.clock, random: env.random });
  lines.create('a', { framing: 'hdlc' });
  const sessions = new LinkSessions(linkOf('memory:a', { ...env, lines }) as LineLink, env);
  assert.throws(() => clientFor(meterWith({ clients: [] }), 'read'), codeOf('READER_NO_CLIENT'));
  const reading = clientFor(meterWith({}), 'read');
  await assert.rejects(sessions.open(meterWith({}), reading, DEAF), codeOf('READER_NO_PASSWORD'));
  const strong = { ...reading, security: 'hls-gmac' as const };
  await assert.rejects(sessions.open(meterWith({}), strong, DEAF), codeOf('READER_SECURITY'));
  const access = new ReaderMeterAccess(
    meterWith({ relay: null }),
    () => Promise.reject(new Error('unused')),
    () => Promise.resolve(),
  );
  await assert.rejects(access.readRelay(), codeOf('READER_NO_RELAY'));
});

test('what an error says of a meter', () => {
  const say = (error: unknown, noise = 0) => {
    const { scope, state } = verdictOf(error, noise);
    return `${scope} ${state}`;
  };
  assert.equal(say(sessionError('SESSION_TIMEOUT')), 'meter silent');
  assert.equal(say(frameError('HDLC_NO_ANSWER')), 'meter silent');
  assert.equal(say(frameError('HDLC_NO_ANSWER'), 40), 'meter garbled');
  assert.equal(say(frameError('HDLC_NO_ANSWER'), 5_000), 'meter babbling');
  assert.equal(say(linkError('LINK_OPEN')), 'meter silent');
  assert.equal(say(sessionError('SESSION_ASSOCIATION_REFUSED')), 'sign-on refused');
  assert.equal(say(sessionError('SESSION_REFUSED')), 'job reachable');
  assert.equal(say(sessionError('SESSION_ANSWER')), 'meter garbled');
  assert.equal(say(frameError('HDLC_REJECTED')), 'meter garbled');
  assert.equal(say(new TypeError('a bug')), 'meter null');
  assert.equal(
    verdictOf(sessionError('SESSION_ASSOCIATION_REFUSED', 'authentication failure'), 0).failure.sentence.includes(
      'authentication failure',
    ),
    true,
  );
});

test('interop 19: a refused object and one that is not there are the same for people, as meters mix them up', () => {
  assert.equal(resultWords(3), 'not there or not allowed');
  assert.equal(resultWords(4), resultWords(3));
  const request = plainRequest(3, '1-0:1.8.0', 2);
  for (const dataAccessResult of [3, 4]) {
    assert.throws(
      () => wantedData(request, { dataAccessResult }),
      (error) => hasCode(error, 'READER_OBJECT_ABSENT') && /not there or not allowed/.test(String(error)),
    );
  }
});
