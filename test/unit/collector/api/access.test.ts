import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ACCESS, permits } from '../../../../src/collector/api/access.ts';
import { createApi } from '../../../../src/collector/api/server.ts';
import { rig } from './rig.ts';

const desk = await rig();
after(() => desk.end());

const ROLES = ['viewer', 'operator', 'admin'] as const;
const urlOf = (route: string): string =>
  route
    .replace(':meterId', 'm1')
    .replace(':edgeId', 'e9')
    .replace(':commandId', '00000000-0000-4000-8000-000000000000')
    .replace(':tokenId', 'none')
    .replace(':code', 'INTERNAL');

test('UD-23 every route asks for the role of its line in the table, and for a token before that', async () => {
  for (const [line, access] of Object.entries(ACCESS)) {
    const [method = '', route = ''] = line.split(' ');
    if (access === 'public' || access === 'loopback' || route === '/api/v1/stream') continue;
    const ask = { method: method as 'GET', url: urlOf(route) };
    const anonymous = await desk.api.inject(ask);
    assert.equal(anonymous.statusCode, 401, line);
    assert.equal(anonymous.json().code, 'TOKEN_MISSING');
    assert.equal(anonymous.headers['www-authenticate'], 'Bearer realm="deltawatt"');
    for (const role of ROLES) {
      const { statusCode } = await desk.api.inject({ ...ask, headers: desk.bearer(role) });
      const refused = statusCode === 403;
      assert.equal(refused, !permits(access, role), `${line} as ${role}: ${statusCode}`);
      assert.notEqual(statusCode, 401, `${line} as ${role}`);
      assert.ok(statusCode < 500, `${line} as ${role}: ${statusCode}`);
    }
  }
});

test('public routes answer without a token', async () => {
  for (const [line, access] of Object.entries(ACCESS)) {
    const [method, route = ''] = line.split(' ');
    if (access !== 'public' || method !== 'GET' || route === '/*') continue;
    assert.equal((await desk.api.inject({ method: 'GET', url: urlOf(route) })).statusCode, 200, line);
  }
});

test('a wrong, a revoked and an expired token are refused alike', async () => {
  const { auth, env, time } = desk;
  const request = { name: 'x', role: 'viewer' as const, tenantId: 'default' as never };
  const revoked = await auth.issue(request, 'test');
  await auth.revoke(revoked.record.id, 'test');
  const short = await auth.issue({ ...request, expiresAtMs: env.clock.nowMs() + 1_000 }, 'test');
  const me = async (token: string) =>
    (await desk.api.inject({ method: 'GET', url: '/api/v1/me', headers: { authorization: `Bearer ${token}` } })).json();
  assert.equal((await me(short.text)).role, 'viewer');
  await time.advance(1_000);
  for (const token of ['dw_wrong', 'nonsense', revoked.text, short.text])
    assert.equal((await me(token)).code, 'TOKEN_INVALID', token);
});

test('the API refuses to listen on a network in plain HTTP, in a sentence', async () => {
  await assert.rejects(createApi({} as never, { host: '0.0.0.0', port: 0 }), /BIND_NEEDS_TLS.*loopback.*0\.0\.0\.0/);
});

test('metrics are open on loopback', async () => {
  const answer = await desk.api.inject({ method: 'GET', url: '/metrics' });
  assert.equal(answer.statusCode, 200);
  assert.match(answer.body, /deltawatt_api_requests_total\{route="\/api\/v1\/me",method="GET",status="401"\} \d/);
});
