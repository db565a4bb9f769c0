import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Compile } from 'typebox/compile';
import { ReadingColumns } from '../../../../src/collector/api/schemas.ts';
import { START_MS } from '../fake-env.ts';
import { rig } from './rig.ts';

const desk = await rig();
after(() => desk.end());
desk.store.fill(3_000);
const FIRST = desk.store.rows[0];
const BASE = '/api/v1/meters/m1/readings?obis=1-0:1.8.0*255&from=2026-01-01';

test('a page of readings comes as columns that say their type', async () => {
  const answer = await desk.get(`${BASE}&limit=96`);
  assert.equal(answer.statusCode, 200, answer.body);
  const page = answer.json();
  assert.deepEqual(Compile(ReadingColumns).Errors(page), []);
  assert.equal(page.rows, 96);
  assert.deepEqual(page.columns.unit, { type: 'string', constant: 'Wh' });
  assert.equal(page.columns.value.type, 'integer');
  assert.equal(page.columns.value.values[95], 1_000 + 95 * 125);
  assert.equal(page.columns.atMs.values[0], FIRST?.atMs);
});

test('cursor pages give every reading once', async () => {
  const seen: number[] = [];
  let cursor = '';
  for (let pages = 0; pages < 10; pages++) {
    const page = (await desk.get(`${BASE}&limit=700${cursor}`)).json();
    seen.push(...page.columns.atMs.values);
    if (page.cursor === undefined) break;
    cursor = `&cursor=${page.cursor}`;
  }
  assert.deepEqual(
    seen,
    desk.store.rows.map((row) => row.atMs),
  );
});

test('a page with an integer beyond 2^53-1 has a value column of texts, also in rows and NDJSON', async () => {
  const other = await rig();
  other.store.fill(3, (at) => (at === 1 ? 18_446_744_073_709_551_615n : at));
  const page = (await other.get(BASE)).json();
  assert.deepEqual(page.columns.value, { type: 'string', values: ['0', '18446744073709551615', '2'] });
  const rows = (await other.get(`${BASE}&format=rows`)).json();
  assert.deepEqual(
    rows.items.map((row: { value: unknown }) => row.value),
    [0, '18446744073709551615', 2],
  );
  const lines = (await other.get(`${BASE}&format=ndjson`)).body.trim().split('\n');
  assert.match(lines[1] ?? '', /"value":"18446744073709551615"/);
  const csv = (await other.get(`${BASE}&format=csv`)).body;
  assert.match(csv, /,18446744073709551615,Wh,18446744073709551615,0,/);
  await other.end();
});

test('CSV streams the whole range in chunks of 64 kB', async () => {
  const { url } = await desk.api.listen();
  const answer = await fetch(`${url}${BASE}`, { headers: { ...desk.bearer('viewer'), accept: 'text/csv' } });
  assert.match(answer.headers.get('content-type') ?? '', /^text\/csv/);
  const text = await answer.text();
  const lines = text.split('\r\n');
  assert.equal(lines.length, 3_000 + 2);
  assert.match(lines[1] ?? '', /^2026-01-29T06:15:00\.000Z,1000,Wh,1000,0,good,,-60,profile,/);
});

test('all versions of a reading stay on one page', async () => {
  const other = await rig();
  other.store.fill(6);
  const [, second] = other.store.rows;
  assert.ok(second);
  other.store.rows.splice(2, 0, { ...second, value: 7, versions: 2 }, { ...second, value: 8, versions: 3 });
  const first = (await other.get(`${BASE}&versions=all&limit=3`)).json();
  assert.equal(first.rows, 1);
  const next = (await other.get(`${BASE}&versions=all&limit=3&cursor=${first.cursor}`)).json();
  assert.deepEqual(next.columns.value.values, [1_125, 7, 8]);
  const one = (await other.get(`${BASE}&versions=all&limit=1&cursor=${first.cursor}`)).json();
  assert.deepEqual(one.columns.value.values.slice(0, 3), [1_125, 7, 8], 'a page grows rather than cut a reading');
  await other.end();
});

test('times are ISO 8601 with a zone, a date or milliseconds', async () => {
  const forms = [`from=${START_MS - 900_000}`, 'from=2026-03-01T11:45:00Z', 'from=2026-03-01T12:45:00%2B01:00'];
  for (const form of forms) {
    const page = (await desk.get(`/api/v1/meters/m1/readings?obis=1-0:1.8.0*255&${form}`)).json();
    assert.equal(page.rows, 1, form);
  }
});

test('what is wrong with a query is said at its place', async () => {
  const cases: [string, number, string, string][] = [
    [`${BASE}&colour=red`, 400, 'QUERY_KEY_UNKNOWN', '#/query/colour'],
    [`${BASE}&limit=0`, 400, 'QUERY_INVALID', '#/query/limit'],
    [`${BASE}&limit=ten`, 400, 'QUERY_INVALID', '#/query/limit'],
    [`${BASE}&limit=1&limit=2`, 400, 'QUERY_INVALID', '#/query/limit'],
    [`${BASE}&to=yesterday`, 400, 'QUERY_INVALID', '#/query/to'],
    [`${BASE}&to=2020-01-01`, 400, 'RANGE_INVALID', '#/query/from'],
    [`${BASE}&cursor=bogus`, 400, 'CURSOR_INVALID', '#/query/cursor'],
    [`${BASE}&format=xml`, 400, 'QUERY_INVALID', '#/query/format'],
    ['/api/v1/meters/m1/readings', 400, 'QUERY_INVALID', '#/query/obis'],
    ['/api/v1/meters/m1/readings?obis=1-0:9.9.9*255', 404, 'CHANNEL_UNKNOWN', '#/query/obis'],
    ['/api/v1/meters/nobody/readings?obis=1-0:1.8.0*255', 404, 'METER_UNKNOWN', '#/path/meterId'],
    ['/api/v1/meters/a%20b/readings?obis=1-0:1.8.0*255', 400, 'PATH_INVALID', '#/path/meterId'],
  ];
  for (const [url, status, code, pointer] of cases) {
    const answer = await desk.get(url);
    assert.equal(answer.statusCode, status, `${url}: ${answer.body}`);
    assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
    assert.deepEqual([answer.json().code, answer.json().pointer], [code, pointer], url);
  }
  assert.match(
    (await desk.get(`${BASE}&colour=red`)).json().detail,
    /'colour' is unknown here: it takes obis, intervalS, from/,
  );
});

test('a media type that we do not have is 406', async () => {
  const answer = await desk.get(BASE, { accept: 'application/xml' });
  assert.equal(answer.statusCode, 406);
  assert.equal(answer.json().pointer, '#/headers/accept');
});

test('the interval length is needed only when the OBIS code has several channels', async () => {
  const other = await rig();
  other.store.fill(4);
  const [channel] = other.store.channelList;
  assert.ok(channel);
  other.store.channelList.push({ ...channel, intervalS: 86_400 });
  const answer = await other.get(BASE);
  assert.equal(answer.json().code, 'CHANNEL_AMBIGUOUS');
  assert.match(answer.json().detail, /900, 86400/);
  assert.equal((await other.get(`${BASE}&intervalS=900`)).json().rows, 4);
  await other.end();
});
