import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuth } from '../../../../src/collector/auth/auth.ts';
import { fakeEnv } from '../fake-env.ts';
import { FakeStore } from '../fake-store.ts';

function fresh() {
  const { env, time } = fakeEnv();
  const store = new FakeStore();
  return { auth: createAuth({ env, store }), store, time };
}

test('a set-up code works once, and for an hour', async () => {
  const { auth, time } = fresh();
  const late = await auth.newSetupCode();
  assert.ok(late);
  await time.advance(3_600_000);
  await assert.rejects(auth.setUp(late.code, 'Ada'), { code: 'SETUP_CODE_WRONG' });
  const offered = await auth.newSetupCode();
  assert.ok(offered);
  const issued = await auth.setUp(offered.code, 'Ada');
  assert.deepEqual([issued.record.role, issued.record.name], ['admin', 'Ada']);
  await assert.rejects(auth.setUp(offered.code, 'Eve'), { code: 'SETUP_CLOSED' });
  assert.equal(await auth.newSetupCode(), null, 'a collector with an administrator prints no code');
});

test('guessing codes is slowed down', async () => {
  const { auth, time } = fresh();
  const offered = await auth.newSetupCode();
  assert.ok(offered);
  for (let attempt = 0; attempt < 10; attempt++)
    await assert.rejects(auth.setUp(`GUESS${attempt}`, 'Eve'), { code: 'SETUP_CODE_WRONG' });
  await assert.rejects(auth.setUp(offered.code, 'Ada'), { code: 'TOO_MANY_ATTEMPTS' });
  await time.advance(60_001);
  assert.equal((await auth.setUp(offered.code, 'Ada')).record.role, 'admin');
});

test('the store holds hashes only', async () => {
  const { auth, store } = fresh();
  const { text, record } = await auth.issue({ name: 'ci', role: 'viewer', tenantId: 'default' as never }, 'test');
  assert.match(text, /^dw_[A-Za-z0-9_-]{43}$/);
  assert.equal(record.hash.length, 32);
  assert.ok(!JSON.stringify([...store.tokenMap]).includes(text.slice(3)));
  assert.equal((await auth.authenticate(text))?.name, 'ci');
  assert.equal(await auth.authenticate(`${text}x`), null);
  assert.equal(await auth.revoke('unknown', 'test'), false);
});
