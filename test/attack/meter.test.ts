/** HE-7: the attacks on meters against our own server over real sockets, and against servers with a planted weakness. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../src/base/bytes.ts';
import { CounterReceiver, CounterSender } from '../../src/dlms/security/counters.ts';
import { UNPROTECTED } from '../../src/dlms/security/secure-channel.ts';
import { decodeApdu } from '../../src/dlms/xdlms/codec.ts';
import { createHostEnv } from '../../src/host/env.ts';
import { type AttackReport, attacksText, runAttacks } from '../../src/lab/attack/attack.ts';
import { METER_ATTACKS } from '../../src/lab/attack/meter-attacks.ts';
import { MeterVictim, type VictimOptions } from '../../src/lab/attack/victim.ts';
import { KEYS, PASSWORD, type ServedOptions, serveMeter } from './served-meter.ts';

/** Attacks a meter; gives the verdicts by name. */
async function attacked(
  served: ServedOptions,
  names: readonly string[] = [],
  changes: Partial<VictimOptions> = {},
  intrusive = false,
): Promise<ReadonlyMap<string, AttackReport>> {
  const meter = await serveMeter(served);
  try {
    const victim = new MeterVictim(createHostEnv({ logLevel: 'silent' }), meter.victim(changes));
    const attacks = names.length === 0 ? METER_ATTACKS : METER_ATTACKS.filter(({ name }) => names.includes(name));
    const reports = await runAttacks(attacks, victim, { intrusive, after: () => victim.endLines() });
    assert.deepEqual([meter.model.written, meter.model.invoked], [[], []], 'nothing was written or invoked');
    return new Map(reports.map((report) => [report.name, report]));
  } finally {
    await meter.stop();
  }
}

for (const framing of ['wrapper', 'hdlc'] as const) {
  test(`HE-7 a meter with keys holds against every attack over ${framing}`, async () => {
    const reports = await attacked({ framing });
    const notHeld = [...reports.values()].filter(({ verdict }) => verdict !== 'held');
    const expected = framing === 'wrapper' ? ['flag-in-checksum', 'plain-relay'] : ['plain-relay'];
    assert.deepEqual(
      notHeld.map(({ name, verdict }) => [name, verdict]),
      expected.map((name) => [name, 'not-applicable']),
      attacksText(notHeld),
    );
  });
}

test('HE-7 a meter with a password alone: what needs keys is not applicable, the rest holds', async () => {
  const lls = { mechanism: 'lls', password: PASSWORD } as const;
  const reports = await attacked(
    { framing: 'wrapper', authentication: lls, security: null },
    [],
    { authentication: lls, security: null },
    true,
  );
  for (const name of [
    'blocks-endless',
    'blocks-reordered',
    'blocks-empty',
    'bomb-depth',
    'random-apdus',
    'plain-relay',
  ])
    assert.equal(reports.get(name)?.verdict, 'held', `${name}: ${reports.get(name)?.sentence}`);
  assert.equal(reports.get('replay')?.verdict, 'not-applicable');
});

/** Believes every counter. */
class Forgetful extends CounterReceiver {
  override check(): void {}
  override accept(): void {}
  override acceptInside(): void {}
}

test('HE-7 weaknesses are seen: a meter that forgets counters, or takes less protection than agreed, falls', async () => {
  const forgetful = await attacked({ framing: 'wrapper', security: { clientCounter: new Forgetful() } }, [
    'replay',
    'lowered-counter',
    'wrong-title',
  ]);
  assert.equal(forgetful.get('replay')?.verdict, 'fell');
  assert.equal(forgetful.get('lowered-counter')?.verdict, 'fell');
  assert.equal(forgetful.get('wrong-title')?.verdict, 'held');
  const lax = { framing: 'wrapper', security: { policy: { ...KEYS.policy, requests: UNPROTECTED } } } as const;
  const weak = await attacked(lax, ['downgrade-service', 'downgrade-protection', 'truncated-tag']);
  assert.equal(weak.get('downgrade-service')?.verdict, 'fell', weak.get('downgrade-service')?.sentence);
  assert.equal(weak.get('downgrade-protection')?.verdict, 'fell', weak.get('downgrade-protection')?.sentence);
});

test('HE-7 a meter without fresh challenges falls', async () => {
  const fixed = new Uint8Array(16).fill(7);
  const reports = await attacked({ framing: 'wrapper', random: () => fixed }, ['challenge-reflection']);
  assert.equal(reports.get('challenge-reflection')?.verdict, 'fell');
});

test('HE-7 a meter that an attack brings down falls, it is not merely out of reach', async () => {
  const meter = await serveMeter({ framing: 'wrapper' });
  const victim = new MeterVictim(createHostEnv({ logLevel: 'silent' }), meter.victim({ timeoutMs: 300 }));
  assert.equal(await victim.serves(), true);
  victim.endLines();
  await meter.stop();
  assert.equal(await victim.serves(), false);
});

/** The ciphered APDU in the octets of a wrapper message, or in the AARQ there; null for anything else. */
function cipheredIn(message: Uint8Array): { readonly invocationCounter: number } | null {
  try {
    const apdu = decodeApdu(message.subarray(8));
    const inner = apdu.apdu === 'aarq' && apdu.userInformation !== null ? decodeApdu(apdu.userInformation) : apdu;
    return 'invocationCounter' in inner && typeof inner.invocationCounter === 'number'
      ? { invocationCounter: inner.invocationCounter }
      : null;
  } catch {
    // A random or truncated message has no counter to speak of.
    return null;
  }
}

test('HE-7 the attacks give no key away: no two messages are sealed under one counter, none that is not stored as used', async () => {
  const heard: Uint8Array[] = [];
  const meter = await serveMeter({
    framing: 'wrapper',
    tamper: (session) => {
      const receive = session.receive.bind(session);
      session.receive = (chunk, nowMs) => {
        heard.push(chunk.slice());
        return receive(chunk, nowMs);
      };
      return session;
    },
  });
  let stored = 0;
  const counter = new CounterSender(1);
  const reserve = (): Promise<void> => {
    stored = counter.reservation();
    counter.extend(stored);
    return Promise.resolve();
  };
  try {
    const victim = new MeterVictim(createHostEnv({ logLevel: 'silent' }), meter.victim({ counter, reserve }));
    const reports = await runAttacks(METER_ATTACKS, victim, { intrusive: false, after: () => victim.endLines() });
    assert.ok(!reports.some(({ sentence }) => sentence.includes('COUNTER')), attacksText(reports));
    assert.equal(reports.filter(({ verdict }) => verdict === 'held').length, METER_ATTACKS.length - 2);
  } finally {
    await meter.stop();
  }
  const sealed = new Map<number, string>();
  for (const message of heard) {
    const found = cipheredIn(message);
    if (found === null) continue;
    const hex = toHex(message);
    const before = sealed.get(found.invocationCounter) ?? hex;
    assert.equal(before, hex, `counter ${found.invocationCounter} for two messages`);
    assert.ok(found.invocationCounter < stored, `counter ${found.invocationCounter} is not stored as used`);
    sealed.set(found.invocationCounter, hex);
  }
  assert.ok(sealed.size > 1_000, `${sealed.size} sealed messages`);
});
