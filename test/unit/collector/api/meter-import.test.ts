import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Compile } from 'typebox/compile';
import { ImportBody } from '../../../../src/collector/api/schemas.ts';
import { rig } from './rig.ts';

const URL = '/api/v1/meters/import';
const HEADERS = { 'content-type': 'text/csv; charset=utf-8' };

test('MDM-6 a list over REST: dry run, refusal line by line, import, audit', async () => {
  const r = await rig();
  const list = 'meter_id,serial,edge\nm7,1007,e1\nm8,1008,e9\n';
  const send = (query: string, text: string) => r.send('POST', `${URL}${query}`, Buffer.from(text), HEADERS);
  const refused = await send('', list);
  assert.equal(refused.statusCode, 200, refused.body);
  const strict = Compile(ImportBody);
  assert.deepEqual([...strict.Errors(refused.json())], []);
  const [fault] = refused.json().faults;
  assert.deepEqual(
    [refused.json().isApplied, fault.line, fault.column, fault.problem],
    [false, 3, 'edge', 'There is no active concentrator e9.'],
  );
  assert.equal((await send('?dryRun=yes&take=valid', list)).json().created, 1);
  assert.equal(r.store.meterMap.has('m7'), false);
  const taken = (await send('?take=valid', list)).json();
  assert.deepEqual([taken.isApplied, taken.created, taken.refused], [true, 1, 1]);
  const shown = (await r.get('/api/v1/meters/m7')).json();
  assert.deepEqual([shown.serial, shown.edgeId], ['1007', 'e1']);
  const [audit] = r.store.audits.filter(({ action }) => action === 'meters.import');
  assert.deepEqual([audit?.actor, audit?.detail], ['admin', '1 new, 0 changed, 0 as they were, 1 refused']);
  await r.end();
});

test('MDM-6 a body that is no CSV is refused, and one that is too large', async () => {
  const r = await rig();
  const json = await r.send('POST', URL, { a: 1 });
  assert.deepEqual([json.statusCode, json.json().code], [415, 'MEDIA_TYPE_UNKNOWN']);
  const huge = await r.send('POST', URL, Buffer.alloc(32 * 1_048_576 + 1, 0x61), HEADERS);
  assert.deepEqual([huge.statusCode, huge.json().code], [413, 'BODY_TOO_LARGE']);
  await r.end();
});

test('a serial number that was mistyped is mended with PUT, and stays when it is left out', async () => {
  const r = await rig();
  await r.send('PUT', '/api/v1/meters/m9', { serial: '1009' });
  assert.equal((await r.send('PUT', '/api/v1/meters/m9', { name: 'Bakery' })).json().serial, '1009');
  const wrong = await r.send('PUT', '/api/v1/meters/m9', { title: 'XYZ' });
  assert.equal(wrong.json().pointer, '#/body/title');
  await r.end();
});
