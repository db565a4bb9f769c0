/** Meters with keys at the edge: the key file, sign-on by GMAC over a line, counters over restarts, ciphered ports. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { parseConfig } from '../../../src/base/config.ts';
import { hasCode } from '../../../src/base/errors.ts';
import {
  CounterReceiver,
  CounterSender,
  HdlcServer,
  INVOCATION_COUNTER_ATTRIBUTE,
  namesOfObjects,
  ServerSession,
} from '../../../src/dlms/index.ts';
import { METER_KEYS, parseMeterKeys } from '../../../src/dlms/security/key-file.ts';
import { decodeApdu } from '../../../src/dlms/xdlms/codec.ts';
import type { AttributeDescriptor, GetDataResult, SelectiveAccess } from '../../../src/dlms/xdlms/service.ts';
import { openJournal } from '../../../src/edge/journal/journal.ts';
import { openJournalIn, wantRenewal } from '../../../src/edge/journal/open.ts';
import { COUNTER_PREFIX } from '../../../src/edge/limits.ts';
import { readMeterKeys } from '../../../src/edge/meter-keys.ts';
import type { Entry, Meter, MeterSecurity } from '../../../src/edge/ports.ts';
import { MeterCounters } from '../../../src/edge/reader/counters.ts';
import { PushCipher, unverified } from '../../../src/edge/reader/push-cipher.ts';
import { DEAF, LinkSessions } from '../../../src/edge/reader/sessions.ts';
import { LineDriver } from '../../../src/link/drive.ts';
import type { LineLink } from '../../../src/link/link.ts';
import { MemoryLines } from '../../../src/link/memory.ts';
import { linkOf } from '../../../src/link/registry.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import { readPush } from '../../../src/profile/push.ts';
import type { QuirkName } from '../../../src/profile/schema/profile.ts';
import { during } from '../../support/during.ts';
import { vectors } from '../../vectors/vector.ts';
import { BenchMeter, register } from '../dlms/session/bench-meter.ts';
import { profileOf } from './bus.ts';
import { FakeJournal } from './fake-journal.ts';
import { testWorld } from './world.ts';

const EK = '000102030405060708090a0b0c0d0e0f';
const AK = 'd0d1d2d3d4d5d6d7d8d9dadbdcdddedf';
const KEYS = [`encryptionKey: "${EK}"`, `authenticationKey: "${AK}"`, 'clientTitle: "4d4d4d0000000001"'];
const METER_TITLE = fromHex('4d4d4d0000bc614e');
const encode = (lines: readonly string[]): Uint8Array => new TextEncoder().encode(lines.join('\n'));

async function keysFrom(lines: readonly string[], mode?: number): Promise<MeterSecurity> {
  const { env } = testWorld().program('edge');
  await env.disk.writeFile('m1.keys', encode(lines), mode);
  return readMeterKeys('m1.keys', env);
}

test('a key file is read; its keys cannot be printed', async () => {
  const security = await keysFrom([...KEYS, 'suite: 1', 'protect: authenticated']);
  assert.equal(security.suite, 1);
  assert.deepEqual(security.policy.responses, { authenticated: true, encrypted: false, signed: false });
  assert.equal(security.keyPrint.length, 8);
  assert.doesNotMatch(inspect(security, { depth: 9 }) + JSON.stringify(security), new RegExp(EK.slice(0, 12)));
});

for (const [lines, mode, words] of [
  [KEYS, 0o640, /chmod 600/],
  [KEYS.slice(1), 0o600, /encryptionKey/],
  [['encryptionKey: "00112233xx"'], 0o600, /32 or 64 hexadecimal/],
  [[...KEYS, 'suite: 2'], 0o600, /suite 2 wants 64/],
  [[...KEYS, 'sweet: 1'], 0o600, /sweet/],
] as const) {
  test(`a key file is refused with ${words}, and no key is repeated`, async () => {
    await assert.rejects(keysFrom(lines, mode), (error: Error) => {
      assert.match(error.message, words);
      return !error.message.includes(EK) && !error.message.includes('00112233');
    });
  });
}

/** A bench meter that shows its counter to everybody. */
class ShowingMeter extends BenchMeter {
  asked = 0;

  constructor(private readonly shown: () => number | null) {
    super();
  }

  override objectList(client: number) {
    const { classId, instanceId } = INVOCATION_COUNTER_ATTRIBUTE;
    const counter = { classId, version: 0, instanceId, attributes: [{ id: 2, access: 1 }], methods: [] };
    return [...super.objectList(client), ...(this.shown() === null ? [] : [counter])];
  }

  override read(attribute: AttributeDescriptor, access: SelectiveAccess | null): GetDataResult {
    const value = this.shown();
    if (attribute.instanceId !== INVOCATION_COUNTER_ATTRIBUTE.instanceId || value === null)
      return super.read(attribute, access);
    this.asked++;
    return { data: { type: 'double-long-unsigned', value } };
  }
}

/** A meter with keys on a line, and an edge that may restart. */
async function site(
  shown: (last: number | null) => number | null = () => null,
  referencing: 'logical' | 'short' = 'logical',
  quirks: readonly QuirkName[] = [],
) {
  const world = testWorld();
  const { env } = world.program('edge');
  const lines = new MemoryLines({ timers: env.timers, clock: env.clock, random: env.random });
  const line = lines.create('bus1', { framing: 'hdlc' });
  const security = await keysFrom(KEYS);
  const clientCounter = new CounterReceiver();
  const { suite, keys, policy } = security;
  const bench = new ShowingMeter(() => shown(clientCounter.last));
  const server = { suite, keys, policy, clientTitle: null, counter: CounterSender.unreserved(1), clientCounter };
  new LineDriver(line.attach(), env).run(
    new ServerSession(new HdlcServer({ physicalDevice: 17 }), {
      model: bench,
      shortNames: referencing === 'short' ? namesOfObjects(bench.objectList(1)) : null,
      clients: [
        { sap: 1, authentication: { mechanism: 'hls-gmac' }, security: server },
        { sap: 16, authentication: { mechanism: 'none' } },
      ],
      systemTitle: METER_TITLE,
      random: (count) => env.random.bytes(count),
    }),
    () => undefined,
    () => undefined,
  );
  const meter: Meter = {
    meterId: 'm1' as MeterId,
    line: 'bus1',
    profile: {
      ...profileOf('generic/idis'),
      referencing,
      quirks: quirks.map((name) => ({ name, sentence: 'seen', firmwareFrom: null, firmwareTo: null })),
    },
    timeZone: 'Europe/Berlin',
    logicalDevice: 1,
    physicalDevice: 17,
    password: null,
    security,
  };
  const journal = new FakeJournal();
  const link = linkOf('memory:bus1', { ...env, lines }) as LineLink;
  const client = { name: 'reading', address: 1, security: 'hls-gmac', uses: ['read'] } as const;
  const restart = () => {
    const sessions = new LinkSessions(link, env, new MeterCounters(journal, env.clock));
    return {
      close: () => sessions.closeLine(),
      open: () => during(world.clock, sessions.open(meter, client, DEAF)),
    };
  };
  return { restart, during: <Value>(work: Promise<Value>) => during(world.clock, work), journal, clientCounter, bench };
}

for (const referencing of ['logical', 'short'] as const)
  test(`HE-7 the edge signs on by GMAC, ${referencing} names, and its counter goes on above what was sent after every restart`, async () => {
    const { restart, during, clientCounter } = await site(() => null, referencing);
    let last = 0;
    for (let boot = 0; boot < 3; boot++) {
      const edge = restart();
      const session = await edge.open();
      const [result] = await during(session.get([register(7)]));
      assert.deepEqual(result, { data: { type: 'double-long-unsigned', value: 700 } });
      await during(session.release());
      edge.close();
      assert.ok((clientCounter.last ?? 0) > last);
      last = clientCounter.last ?? 0;
    }
  });

test('HE-7 quirks of a profile: methods by writing bring no proof back, and only a one-sided meter is then let in', async () => {
  const silent = await site(() => null, 'short', ['sn-method-write']);
  await assert.rejects(silent.restart().open(), { code: 'SECURITY_PROOF' });
  const oneSided = await site(() => null, 'short', ['sn-method-write', 'one-sided-hls']);
  const session = await oneSided.restart().open();
  assert.deepEqual(await oneSided.during(session.get([register(7)])), [
    { data: { type: 'double-long-unsigned', value: 700 } },
  ]);
  const reading = await site(() => null, 'short', ['sn-method-read']);
  await reading.restart().open();
});

test('HE-7 no number is sent that is not stored as used', async () => {
  const { restart, journal, clientCounter } = await site();
  const edge = restart();
  journal.failure = new Error('the disk is full');
  await assert.rejects(edge.open(), /disk is full/);
  assert.equal(clientCounter.last, null);
  await edge.open();
  const [stored] = await journal.keptUnder('counter:');
  assert.ok(stored !== undefined && Number(new TextDecoder().decode(stored[1])) > (clientCounter.last ?? 0));
  edge.close();
});

test('HE-7 interop 17: a meter that is ahead says so once, and is asked above that', async () => {
  const { restart, clientCounter } = await site();
  const edge = restart();
  await edge.open();
  edge.close();
  clientCounter.accept((clientCounter.last ?? 0) + 5_000);
  const ahead = clientCounter.last ?? 0;
  await assert.rejects(edge.open(), (error) => hasCode(error, 'SESSION_COUNTER'));
  edge.close();
  await edge.open();
  assert.ok((clientCounter.last ?? 0) > ahead);
  edge.close();
});

test('HE-7 a thousand meters that are asked at once: their counters are stored in two writes, one key twice is one block', async () => {
  const { env } = testWorld().program('edge');
  const journal = new FakeJournal();
  // A write takes its time, as one that is synced does.
  const slow = {
    kept: (key: string) => journal.kept(key),
    append: (entry: Entry) => new Promise<void>(setImmediate).then(() => journal.append(entry)),
  };
  const counters = new MeterCounters(slow, env.clock);
  const security = await keysFrom(KEYS);
  const profile = profileOf('generic/idis');
  const meters = Array.from(
    { length: 1_000 },
    (_, at): Meter => ({
      meterId: `m${at}` as MeterId,
      line: `line${at}`,
      profile,
      timeZone: 'UTC',
      logicalDevice: 1,
      physicalDevice: null,
      password: null,
      security,
    }),
  );
  const held = await Promise.all([...meters, ...meters].map((meter) => counters.of(meter, security)));
  assert.ok(journal.entries.length <= 2, `${journal.entries.length} writes`);
  assert.equal(journal.entries.flatMap(({ keep }) => keep).length, 1_000);
  assert.ok(
    held.every(({ own }, at) => own.left > 0 && own === held[at % 1_000]?.own),
    'every one may send, and one key has one counter',
  );
});

test('HE-7 a counter that is not known is read over the public client first, once, and ours begins above it', async () => {
  const { restart, during, clientCounter, bench } = await site((last) => last);
  // The meter was asked by somebody else before, more often than once a second since 2020.
  const ahead = Math.floor((testWorld().program('edge').env.clock.nowMs() - 1_577_836_800_000) / 1000) + 500_000;
  clientCounter.accept(ahead);
  for (let boot = 0; boot < 3; boot++) {
    const edge = restart();
    const session = await edge.open();
    await during(session.release());
    edge.close();
    assert.ok((clientCounter.last ?? 0) > ahead);
  }
  assert.equal(bench.asked, 1);
});

test('HE-7 interop 17: what the public client shows never lowers ours, and a jump beyond the limit asks for a person', async () => {
  const low = await site(() => 3);
  const edge = low.restart();
  await edge.open();
  edge.close();
  assert.ok((low.clientCounter.last ?? 0) > 1_000);
  const far = await site(() => 4_000_000_000);
  await assert.rejects(
    far.restart().open(),
    (error) => hasCode(error, 'SECURITY_COUNTER_JUMP') && /by hand/.test(String(error)),
  );
  assert.equal(far.clientCounter.last, null);
});

test('a ciphered port remembers the last counter over a restart, with the readings', async () => {
  const journal = new FakeJournal();
  const meter = { meterId: 'm1' as MeterId, security: await keysFrom(PUSH_KEY) };
  const first = new PushCipher(meter);
  await first.load(journal);
  first.open(decodeApdu(PUSH));
  const keep = first.takeKeep();
  assert.deepEqual([keep.length, first.takeKeep().length], [1, 0]);
  await journal.append({ line: 'p1', groups: [], records: [], watermarks: [], keep, readAtMs: 0 });
  const second = new PushCipher(meter);
  await second.load(journal);
  assert.throws(
    () => second.open(decodeApdu(PUSH)),
    (error) => hasCode(error, 'SECURITY_REPLAY'),
  );
  const other = { ...meter, security: { ...meter.security, keyPrint: fromHex('0102030405060708') } };
  const third = new PushCipher(other);
  await third.load(journal);
  third.open(decodeApdu(PUSH));
});

test('HE-7 counters survive in the real journal: a restart goes on above, a new key begins anew', async () => {
  const { env } = testWorld().program('edge');
  const security = await keysFrom(KEYS);
  const meter = { meterId: 'm1' as MeterId, line: 'bus1' } as Meter;
  const open = async () =>
    openJournal({
      store: await env.disk.openStore('journal'),
      clock: env.clock,
      random: env.random,
      sha256: env.crypto.sha256,
      clockQuality: () => 'ntp',
    });
  const first = await open();
  const { own } = await new MeterCounters(first, env.clock).of(meter, security);
  const sent = Array.from({ length: 40 }, () => own.take());
  await first.close();
  const second = await open();
  const after = await new MeterCounters(second, env.clock).of(meter, security);
  assert.ok(after.own.next > Math.max(...sent), `${after.own.next}`);
  assert.equal(after.own.left, 100);
  const keys = await new MeterCounters(second, env.clock).of(meter, {
    ...security,
    keyPrint: fromHex('0102030405060708'),
  });
  assert.ok(keys.own.next < after.own.next);
  await second.close();
});

test('HE-7 a counter out of a damaged store may be an old one: it begins no lower than a new key, and the meter is asked', async () => {
  const { env } = testWorld().program('edge');
  const meter = { meterId: 'm1' as MeterId, line: 'bus1' } as Meter;
  const open = () =>
    openJournalIn({
      ...{ disk: env.disk, folder: 'state', name: 'journal', numbers: COUNTER_PREFIX },
      ...{ clock: env.clock, random: env.random, sha256: env.crypto.sha256, clockQuality: () => 'ntp' as const },
    });
  const security = await keysFrom(KEYS);
  const ofNewKey = (await new MeterCounters(new FakeJournal(), env.clock).of(meter, security)).own.next;
  for (const newest of [1_000, ofNewKey + 5_000]) {
    const journal = await open();
    const counters = new MeterCounters(journal, env.clock);
    const stored = `${COUNTER_PREFIX}m1:${toHex(security.keyPrint)}`;
    const keep = [{ key: stored, value: new TextEncoder().encode(String(newest)) }];
    await journal.append({ line: '', groups: [], records: [], watermarks: [], keep, readAtMs: 0 });
    const before = (await counters.of(meter, security)).own.next;
    assert.ok(!counters.takeUnknown(meter, security), 'what stands in a sound store is known');
    await journal.close();
    await wantRenewal({ disk: env.disk, folder: 'state', name: 'journal' });
    const fresh = await open();
    const salvaged = new MeterCounters(fresh, env.clock);
    const { own } = await salvaged.of(meter, security);
    assert.ok(own.next >= Math.max(ofNewKey, before), `${own.next} after ${before}`);
    assert.ok(salvaged.takeUnknown(meter, security));
    // The reservation is a number of this store's own: the next start believes it.
    const next = new MeterCounters(fresh, env.clock);
    assert.ok((await next.of(meter, security)).own.next > own.next);
    assert.ok(!next.takeUnknown(meter, security));
    await fresh.close();
  }
});

interface PushExpect {
  readonly messages: readonly { readonly apduHex: string }[];
}
const capture = vectors<PushExpect>('push-captures').find(({ id }) => id === 'sagemcom-at-evn');
assert.ok(capture?.context?.['encryptionKey'] !== undefined);
const PUSH = fromHex(capture.expect.messages[0]?.apduHex ?? '');
const PUSH_KEY = [`encryptionKey: "${capture.context['encryptionKey']}"`];

test('interop 15: a ciphered port: readings without a checked tag are unverified, the same push twice is refused', async () => {
  const cipher = new PushCipher({ meterId: 'm1' as MeterId, security: await keysFrom(PUSH_KEY) });
  const { apdu, verified } = cipher.open(decodeApdu(PUSH));
  assert.ok(apdu.apdu === 'data-notification' && !verified);
  const context = { meterId: 'p1' as MeterId, timeZone: 'Europe/Vienna', nowMs: 0 };
  const readout = unverified(readPush(profileOf('sagemcom/t210-d'), apdu, context));
  const rows = readout.groups.flatMap((group) => group.rows);
  assert.ok(rows.length > 0 && rows.every(({ quality }) => quality === 'unverified'));
  assert.throws(
    () => cipher.open(decodeApdu(PUSH)),
    (error) => hasCode(error, 'SECURITY_REPLAY'),
  );
});

test('a ciphered port believes no plain push, no wrong title, and no push without tag once it has the key for it', async () => {
  const plain = fromHex('0f40000000090c07e3020401173416ff800000020106000016dc');
  const refuses = async (lines: readonly string[], octets: Uint8Array, code: string) => {
    const cipher = new PushCipher({ meterId: 'm1' as MeterId, security: await keysFrom(lines) });
    assert.throws(
      () => cipher.open(decodeApdu(octets)),
      (error) => hasCode(error, code),
    );
  };
  await refuses(PUSH_KEY, plain, 'SECURITY_POLICY');
  await refuses([...PUSH_KEY, 'meterTitle: "5341475905e990f4"'], PUSH, 'SECURITY_TITLE');
  await refuses([...PUSH_KEY, `authenticationKey: "${AK}"`], PUSH, 'SECURITY_POLICY');
  assert.equal(new PushCipher({ meterId: 'm1' as MeterId, security: null }).open(decodeApdu(plain)).verified, true);
});

test('the key file of the documentation parses', () => {
  const text = readFileSync(new URL('../../../docs/dlms.md', import.meta.url), 'utf8');
  const [, example] = /```yaml\n(encryptionKey[^`]*)```/.exec(text) ?? [];
  assert.ok(example !== undefined);
  assert.ok(parseMeterKeys(example).ok);
  const parsed = parseConfig(METER_KEYS, example);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  // Certificates stand in place of keys that the example has; it names them in a comment.
  const inPlace = ['peerSigningCertificate', 'peerAgreementCertificate'];
  for (const name of inPlace) assert.ok(example.includes(`# ${name}: `), name);
  const names = Object.keys(METER_KEYS.properties).filter((name) => !inPlace.includes(name));
  assert.deepEqual(Object.keys(parsed.config).sort(), names.sort());
});

test('interop 15: where the key file refuses them, pushes whose tag cannot be checked are not believed', async () => {
  const refusing = new PushCipher({
    meterId: 'm1' as MeterId,
    security: await keysFrom([...PUSH_KEY, 'unverified: refuse']),
  });
  assert.throws(
    () => refusing.open(decodeApdu(PUSH)),
    (error) => hasCode(error, 'SECURITY_POLICY'),
  );
  assert.deepEqual(refusing.takeKeep(), [], 'and its counter is not taken');
});
