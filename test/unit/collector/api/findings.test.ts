import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Compile } from 'typebox/compile';
import { AcceptanceBody, FindingBody } from '../../../../src/collector/api/commissioning-schemas.ts';
import { rig } from './rig.ts';

const found = (address: number, serial: string) => ({ address, state: 'found', serial, sentence: 'Answers.' });

test('PROV-4 a scan is reported over REST, strangers are accepted and refused, the report is JSON and text', async () => {
  const r = await rig();
  await r.send('PUT', '/api/v1/meters/m7', { serial: '1007' });
  const addresses = [found(17, '1007'), found(18, '1008'), found(19, '1009')];
  const told = await r.send('POST', '/api/v1/edges/e1/findings', { line: 'bus1', addresses });
  assert.equal(told.statusCode, 200, told.body);
  const items: { state: string; findingId: string }[] = told.json().items;
  assert.deepEqual(
    items.map(({ state }) => state),
    ['commissioned', 'waiting', 'waiting'],
  );
  const strict = Compile(FindingBody);
  for (const item of items) assert.deepEqual([...strict.Errors(item)], []);
  const inbox = (await r.get('/api/v1/findings?state=waiting&edgeId=e1')).json().items;
  assert.deepEqual(
    inbox.map(({ address, serial, answer }: Record<string, unknown>) => [address, serial, answer]),
    [
      [18, '1008', 'found'],
      [19, '1009', 'found'],
    ],
  );
  const [, second, third] = items;
  const accepted = await r.send('POST', `/api/v1/findings/${second?.findingId}/accept`, { profile: 'generic/idis' });
  assert.deepEqual([accepted.json().state, accepted.json().meterId], ['commissioned', '1008']);
  const again = await r.send('POST', `/api/v1/findings/${second?.findingId}/accept`, {});
  assert.deepEqual([again.statusCode, again.json().code], [409, 'FINDING_DECIDED']);
  assert.equal((await r.send('POST', `/api/v1/findings/${third?.findingId}/refuse`)).json().state, 'refused');
  const unknown = await r.send('POST', `/api/v1/findings/${'0'.repeat(16)}/refuse`);
  assert.deepEqual([unknown.statusCode, unknown.json().pointer], [404, '#/path/findingId']);
  const report = (await r.get('/api/v1/edges/e1/acceptance')).json();
  assert.deepEqual([...Compile(AcceptanceBody).Errors(report)], []);
  assert.deepEqual([report.expected, report.found, report.isAccepted], [3, 2, false]);
  const text = await r.get('/api/v1/edges/e1/acceptance', { accept: 'text/plain' });
  assert.match(String(text.headers['content-type']), /^text\/plain/);
  assert.match(
    text.body,
    /^Acceptance of concentrator e1, 2026-03-01T12:00:00\.000Z\n3 meters expected, 2 found, 0 read: NOT accepted\.\n/,
  );
  assert.match(text.body, /\nm7 \(serial 1007\) at bus1\/17: found, no reading\. .*\n/);
  assert.match(text.body, /\nTo do:\n- .*No reading of it has come yet\.\n/);
  assert.deepEqual(
    r.store.audits.map(({ action }) => action).filter((action) => action.startsWith('meter')),
    ['meter.save', 'meters.found', 'meter.accepted', 'meter.refused'],
  );
  assert.equal((await r.send('POST', '/api/v1/edges/e9/findings', { line: 'bus1', addresses: [] })).statusCode, 404);
  await r.end();
});
