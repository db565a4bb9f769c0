import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { Compile } from 'typebox/compile';
import { API_ERRORS } from '../../../../src/collector/api/errors.ts';
import { createApi } from '../../../../src/collector/api/server.ts';
import { createCommissioner } from '../../../../src/collector/commissioning/commissioner.ts';
import { createImporter } from '../../../../src/collector/import/importer.ts';
import type { RereadRecord } from '../../../../src/collector/ports.ts';
import { type StoreErrorCode, storeError } from '../../../../src/collector/store/errors.ts';
import type { MeterId } from '../../../../src/model/ids.ts';
import { REREAD_STATES, type RereadState } from '../../../../src/model/reread.ts';
import { TEST_CERTIFICATE, TEST_KEY } from '../../../suite/tls-pair.ts';
import { E1, M1 } from '../fake-store.ts';
import { rig } from './rig.ts';

const desk = await rig();
const { url, port } = await desk.api.listen();
after(() => desk.end());

/** What a server says to octets sent as they are. */
async function raw(octets: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.write(octets);
  await once(socket, 'close');
  return text;
}

test('a body above 1 MiB is 413', async () => {
  const answer = await desk.send('POST', '/api/v1/tokens', { name: 'x'.repeat(1_048_600), role: 'viewer' });
  assert.equal(answer.statusCode, 413);
  assert.deepEqual([answer.json().code, answer.json().pointer], ['BODY_TOO_LARGE', '#/body']);
});

test('header lines that do not end are cut after 3 s', { timeout: 10_000 }, async () => {
  const beganMs = performance.now();
  const text = await raw('GET /health HTTP/1.1\r\nhost: x\r\n');
  const tookMs = performance.now() - beganMs;
  assert.match(text, /^HTTP\/1\.1 408/);
  assert.match(text, /"code":"REQUEST_TIMEOUT"/);
  assert.ok(tookMs > 2_900 && tookMs < 5_000, `${tookMs} ms`);
});

test('what is not HTTP is 400', async () => {
  assert.match(await raw('\x16\x03\x01\x02\x00\x01\x00\r\n\r\n'), /^HTTP\/1\.1 400 [\s\S]*"code":"REQUEST_MALFORMED"/);
});

test('bodies that are not JSON, of another type, or of a wrong form are named', async () => {
  const post = (payload: string, type: string) =>
    desk.api.inject({
      method: 'POST',
      url: '/api/v1/tokens',
      payload,
      headers: { ...desk.bearer('admin'), 'content-type': type },
    });
  const cases: [string, string, number, string, string][] = [
    ['{"name":', 'application/json', 400, 'BODY_NOT_JSON', '#/body'],
    ['', 'application/json', 400, 'BODY_NOT_JSON', '#/body'],
    ['name=x', 'application/x-www-form-urlencoded', 415, 'MEDIA_TYPE_UNKNOWN', '#/headers/content-type'],
    ['{"name":"x","role":"root"}', 'application/json', 400, 'BODY_INVALID', '#/body/role'],
    ['{"name":"x"}', 'application/json', 400, 'BODY_INVALID', '#/body/role'],
    ['{"name":5,"role":"viewer"}', 'application/json', 400, 'BODY_INVALID', '#/body/name'],
    ['{"name":"x","role":"viewer","is/admin":true}', 'application/json', 400, 'BODY_INVALID', '#/body/is~1admin'],
    ['{"name":"x","role":"viewer","__proto__":{"a":1}}', 'application/json', 400, 'BODY_NOT_JSON', '#/body'],
    ['[]', 'application/json', 400, 'BODY_INVALID', '#/body'],
  ];
  for (const [payload, type, status, code, pointer] of cases) {
    const answer = await post(payload, type);
    assert.equal(answer.statusCode, status, `${payload}: ${answer.body}`);
    assert.deepEqual([answer.json().code, answer.json().pointer], [code, pointer], payload);
  }
});

test('HE-6 every answer has a request id, and a refusal repeats it', async () => {
  const answer = await desk.get('/api/v1/nothing');
  assert.equal(answer.statusCode, 404);
  assert.match(String(answer.headers['x-request-id']), /^[0-9a-f]{16}$/);
  assert.equal(answer.json().instance, `urn:deltawatt:request:${answer.headers['x-request-id']}`);
  assert.equal(answer.json().type, '/api/v1/problems/ROUTE_UNKNOWN');
  const meaning = await desk.api.inject({ method: 'GET', url: answer.json().type });
  assert.equal(meaning.json().sentence, API_ERRORS.ROUTE_UNKNOWN.sentence);
});

test('a method that an address does not take is 405 and says which it takes', async () => {
  const answer = await desk.send('DELETE', '/api/v1/meters/m1');
  assert.equal(answer.statusCode, 405);
  assert.equal(answer.headers['allow'], 'GET, PUT');
});

test('an error of ours tells the caller nothing but the request id', async () => {
  const edges = desk.store.edges;
  desk.store.edges = async () => {
    throw new Error('password=hunter2 at db.internal');
  };
  const answer = await desk.get('/api/v1/edges');
  desk.store.edges = edges;
  assert.equal(answer.statusCode, 500);
  assert.doesNotMatch(answer.body, /hunter2|db\.internal/);
});

test('AG-1 health is 503 with the reason when the store may not acknowledge', async () => {
  assert.equal((await desk.get('/health')).statusCode, 200);
  desk.store.unsafe = ['fsync is off.'];
  const answer = await desk.get('/health');
  desk.store.unsafe = [];
  assert.equal(answer.statusCode, 503);
  assert.deepEqual(answer.json().reasons, ['store: Nothing is acknowledged: fsync is off.']);
});

test('AG-1 health is degraded, in words, when the database is damaged or would not notice', async () => {
  desk.store.damaged = ['PostgreSQL runs without data checksums.'];
  const answer = await desk.get('/health');
  desk.store.damaged = [];
  assert.equal(answer.json().state, 'degraded');
  assert.deepEqual(answer.json().reasons, ['database: PostgreSQL runs without data checksums.']);
});

test('refusals of the store are told at their place', async () => {
  desk.store.fill(4);
  const { readings } = desk.store;
  const cases: [string, number, string, string][] = [
    ['STORE_AS_OF_TOO_LATE', 400, 'AS_OF_TOO_LATE', '#/query/asOf'],
    ['STORE_CURSOR', 400, 'CURSOR_INVALID', '#/query/cursor'],
    ['STORE_UNREACHABLE', 503, 'STORE_UNREACHABLE', '#'],
    ['STORE_DAMAGED', 500, 'STORE_DAMAGED', '#'],
  ];
  for (const [thrown, status, code, pointer] of cases) {
    desk.store.readings = async () => {
      throw storeError(thrown as StoreErrorCode);
    };
    const answer = await desk.get('/api/v1/meters/m1/readings?obis=1-0:1.8.0*255&asOf=2026-01-01');
    assert.deepEqual([answer.statusCode, answer.json().code, answer.json().pointer], [status, code, pointer]);
  }
  desk.store.readings = readings;
});

test('UD-17 with a certificate it speaks HTTPS and says so to browsers', async () => {
  const { env } = desk;
  const { store, auth, commands } = desk;
  const enroller = { adopt: () => Promise.reject(new Error('not here')), deactivate: async () => false };
  const tls = { cert: TEST_CERTIFICATE, key: TEST_KEY };
  const api = await createApi(
    {
      env,
      store,
      auth,
      commands,
      enroller,
      importer: createImporter({ env, store }),
      commissioner: createCommissioner({ env, store }),
    },
    { host: '127.0.0.1', port: 0, tls, processMetrics: false },
  );
  const { url, port } = await api.listen();
  assert.match(url, /^https:/);
  const [answer] = (await once(
    get({ host: '127.0.0.1', port, path: '/health', ca: TEST_CERTIFICATE, agent: false }),
    'response',
  )) as [IncomingMessage];
  answer.resume();
  assert.deepEqual([answer.statusCode, answer.headers['strict-transport-security']], [200, 'max-age=31536000']);
  await api.close();
});

test('OpenAPI is 3.1 and describes every route with its parameters', async () => {
  const document = (await desk.get('/api/v1/openapi.json')).json();
  assert.equal(document.openapi, '3.1.0');
  const { get } = document.paths['/api/v1/meters/{meterId}/readings'];
  assert.deepEqual(get.parameters.map((parameter: { name: string }) => parameter.name).sort(), [
    'asOf',
    'cursor',
    'format',
    'from',
    'intervalS',
    'limit',
    'meterId',
    'obis',
    'to',
    'versions',
  ]);
  assert.ok(document.paths['/api/v1/commands'].post.requestBody);
  for (const [path, item] of Object.entries(document.paths as Record<string, Record<string, { summary?: string }>>)) {
    for (const [method, operation] of Object.entries(item))
      assert.ok(operation.summary, `${method} ${path} has no summary`);
  }
});

test('the first administrator comes through the one-time code, once', async () => {
  const fresh = await rig();
  fresh.store.tokenMap.clear();
  const setup = () => fresh.api.inject({ method: 'GET', url: '/api/v1/setup' });
  assert.deepEqual((await setup()).json(), { open: true });
  const offered = await fresh.auth.newSetupCode();
  assert.ok(offered);
  assert.match(offered.code, /^[0-9A-HJKMNP-TV-Z]{5}(-[0-9A-HJKMNP-TV-Z]{5}){3}$/);
  const use = (code: string) =>
    fresh.api.inject({ method: 'POST', url: '/api/v1/setup', payload: { code, name: 'Ada' } });
  assert.equal((await use('AAAAA-AAAAA-AAAAA-AAAAA')).json().code, 'SETUP_CODE_WRONG');
  const made = await use(offered.code.toLowerCase().replaceAll('-', ' '));
  assert.equal(made.statusCode, 201, made.body);
  const me = await fresh.api.inject({
    method: 'GET',
    url: '/api/v1/me',
    headers: { authorization: `Bearer ${made.json().token}` },
  });
  assert.deepEqual(me.json(), { name: 'Ada', role: 'admin', tenantId: 'default' });
  assert.equal((await use(offered.code)).statusCode, 409);
  assert.deepEqual((await setup()).json(), { open: false });
  await fresh.end();
});

test('no answer shows a key or a hash', async () => {
  const edges = await desk.get('/api/v1/edges');
  assert.equal(edges.json().items[0].edgeId, 'e1');
  assert.doesNotMatch(edges.body, /key|07070707|tenant/);
  const tokens = await desk.api.inject({ method: 'GET', url: '/api/v1/tokens', headers: desk.bearer('admin') });
  assert.equal(tokens.json().items.length, 3);
  assert.doesNotMatch(tokens.body, /hash|dw_/);
});

test('meters are searched, created and placed', async () => {
  const made = await desk.send('PUT', '/api/v1/meters/m2', { name: 'Mill Lane 4', timeZone: 'Europe/Athens' });
  assert.equal(made.statusCode, 200, made.body);
  const placed = await desk.send('POST', '/api/v1/meters/m2/placements', {
    edgeId: 'e1',
    from: '2026-02-01T00:00:00Z',
  });
  assert.equal(placed.statusCode, 201, placed.body);
  assert.equal(placed.json().placedFromMs, Date.UTC(2026, 1, 1));
  const found = (await desk.get('/api/v1/meters?text=m2')).json();
  assert.deepEqual(
    found.items.map((meter: { name: string; state: string }) => [meter.name, meter.state]),
    [['Mill Lane 4', 'unknown']],
  );
  const ended = await desk.send('POST', '/api/v1/meters/m2/placements/end', { to: '2026-02-20' });
  assert.equal(ended.json().placedToMs, Date.UTC(2026, 1, 20));
  const nowhere = await desk.send('POST', '/api/v1/meters/m2/placements', { edgeId: 'e9' });
  assert.deepEqual([nowhere.statusCode, nowhere.json().pointer], [404, '#/body/edgeId']);
  assert.deepEqual(
    desk.store.audits.filter((line) => line.subject === 'm2').map((line) => line.action),
    ['meter.save', 'meter.place', 'meter.end-placement'],
  );
});

test('IT-12 exceptions count troubled meters, gaps, silent concentrators and failed commands', async () => {
  const other = await rig();
  other.store.meterMap.set('m7', {
    meterId: 'm7' as never,
    tenantId: 'default' as never,
    state: { meterId: 'm7' as never, state: 'silent', sentence: 'No answer since noon.', sinceMs: 1 },
  });
  const gap = {
    meterId: 'm1' as never,
    obis: '1-0:1.8.0*255',
    intervalS: 900,
    fromMs: 1,
    toMs: 2,
    count: 3,
    sentence: 'x',
  };
  other.store.gapList = [
    { ...gap, cause: 'missing-in-meter' },
    { ...gap, cause: 'not-due' },
  ];
  other.store.edgeMap.set('e5', {
    edgeId: 'e5' as never,
    tenantId: 'default' as never,
    state: 'active',
    lastHelloMs: 5,
  });
  other.store.edgeMap.set('e6', { edgeId: 'e6' as never, tenantId: 'default' as never, state: 'inbox' });
  const answer = (await other.get('/api/v1/exceptions')).json();
  assert.deepEqual(
    [answer.meters.total, answer.meters.byState, answer.meters.troubled[0].stateSentence],
    [2, { unknown: 1, silent: 1 }, 'No answer since noon.'],
  );
  assert.deepEqual([answer.gaps.meters, answer.gaps.intervals], [1, 3]);
  assert.deepEqual([answer.neverRead.meters, answer.neverRead.items[0].meterId], [1, 'm1']);
  assert.deepEqual([answer.edges.unheard[0].edgeId, answer.edges.inbox[0].edgeId], ['e5', 'e6']);
  await other.end();
});

test('the console is served under its policy, its hashed files for ever', async () => {
  const files = { 'web/index.html': '<!doctype html>', 'web/main-AB12CD34.js': '1', 'web/notes.md': 'not served' };
  const other = await rig({ webFolder: 'web', files });
  const page = await other.api.inject({ method: 'GET', url: '/?from=mail' });
  assert.deepEqual([page.statusCode, page.body, page.headers['cache-control']], [200, '<!doctype html>', 'no-cache']);
  assert.match(String(page.headers['content-security-policy']), /^default-src 'self';.*frame-ancestors 'none'/);
  const script = await other.api.inject({ method: 'GET', url: '/main-AB12CD34.js' });
  assert.match(String(script.headers['cache-control']), /immutable/);
  assert.equal(script.headers['content-type'], 'text/javascript; charset=utf-8');
  assert.equal((await other.api.inject({ method: 'GET', url: '/notes.md' })).statusCode, 404);
  await other.end();
  const missing = await desk.api.inject({ method: 'GET', url: '/' });
  assert.equal(missing.statusCode, 404);
  assert.match(missing.json().detail, /not built/);
});

test('addresses outside the list of files are unknown, however they are written', async () => {
  for (const path of ['/..%2fpackage.json', '/%2e%2e/package.json', '/index.html', '//etc/passwd']) {
    const answer = await fetch(url + path);
    assert.equal(answer.status, 404, path);
    assert.match(answer.headers.get('content-security-policy') ?? '', /^default-src 'self';/);
  }
});

test('answers keep to the schemas that OpenAPI shows', async () => {
  const { store } = desk;
  store.fill(8);
  const gap = {
    meterId: M1,
    obis: '1-0:1.8.0*255',
    intervalS: 900,
    fromMs: 1,
    toMs: 2,
    count: 3,
    sentence: 'x',
    etaMs: 5,
  };
  store.gapList = [{ ...gap, cause: 'missing-in-meter' }];
  store.attributeList = [{ meterId: M1, obis: '0-0:96.1.0*255', name: 'serial-number', text: '4711', readAtMs: 5 }];
  store.eventList = [
    {
      meterId: null,
      edgeId: E1,
      log: 'edge',
      code: 3,
      name: 'started',
      sentence: 'Started.',
      severity: 'info',
      atMs: 5,
      knownAtMs: 6,
    },
  ];
  store.rereadList = REREAD_STATES.map((state, at) => rereadOf(state, at % 2 === 0 ? M1 : null));
  const command = { meterId: 'm1', body: { kind: 'relay', action: 'reconnect' } };
  const { id } = (await desk.send('POST', '/api/v1/commands', command)).json();
  const relay = { outputOn: false, controlState: 2 };
  await store.report({ id, meterId: M1, state: 'done', code: '', sentence: 'Armed.', atMs: 1, values: [], relay });
  const document = (await desk.get('/api/v1/openapi.json')).json();
  const asked = [
    'meters',
    'meters/m1',
    'meters/m1/channels',
    'meters/m1/latest',
    'meters/m1/attributes',
    'meters/m1/gaps',
    'events',
    'edges',
    'edges/e1',
    'quarantine',
    'rereads',
    'commands',
    `commands/${id}`,
    'exceptions',
    'me',
    'tokens',
    'setup',
    'problems',
  ];
  for (const path of asked) {
    const answer = await desk.api.inject({ method: 'GET', url: `/api/v1/${path}`, headers: desk.bearer('admin') });
    assert.equal(answer.statusCode, 200, `${path}: ${answer.body}`);
    const route = `/api/v1/${path}`.replace('m1', '{meterId}').replace('e1', '{edgeId}').replace(id, '{commandId}');
    const schema = document.paths[route]?.get?.responses['200'].content['application/json'].schema;
    assert.ok(schema, `no schema for ${route}`);
    const strict = Compile(closed(schema));
    assert.deepEqual(
      strict.Errors(answer.json()).map((error) => `${path}${error.instancePath} ${error.message}`),
      [],
    );
  }
  const shown = (await desk.get(`/api/v1/commands/${id}`)).json();
  assert.match(shown.relay.sentence, /ready for reconnection: the load has NO supply/);
});

/** The schema with every object closed, so that a field that it does not name is a fault. */
function closed(schema: unknown): object {
  return JSON.parse(JSON.stringify(schema), (_key, value: unknown) =>
    typeof value === 'object' && value !== null && 'properties' in value && !('additionalProperties' in value)
      ? { ...value, additionalProperties: false }
      : value,
  ) as object;
}

function rereadOf(state: RereadState, meterId: MeterId | null): RereadRecord {
  const times = { fromMs: 1, toMs: 900_000, createdAtMs: 5, orderedAtMs: 6, endedAtMs: 7 };
  const at = { edgeId: E1, epoch: '00112233445566ff', lane: 2, sequence: 4, intervalS: 900, obis: ['1-0:1.8.0*255'] };
  return { ...at, ...times, id: `2/4/5/${state}`, meterId, reason: 'declared-gap', state, rows: 3 };
}

test('what is read again is listed by edge, meter and state, each with a sentence and without its place', async () => {
  desk.store.rereadList = REREAD_STATES.map((state) => rereadOf(state, M1));
  const listed = async (query: string) => (await desk.get(`/api/v1/rereads?${query}`)).json().items;
  const all = await listed('edgeId=e1&meterId=m1');
  assert.equal(new Set(all.map(({ sentence }: { sentence: string }) => sentence)).size, REREAD_STATES.length);
  assert.deepEqual(
    all.filter((item: object) => 'lane' in item || 'epoch' in item || 'sequence' in item),
    [],
  );
  assert.deepEqual(
    (await listed('state=gone')).map(({ id }: { id: string }) => id),
    ['2/4/5/gone'],
  );
  assert.deepEqual(await listed('meterId=m2'), []);
  assert.equal((await listed('limit=2')).length, 2);
  assert.equal((await desk.get('/api/v1/rereads?state=lost')).statusCode, 400);
});
