/** Meters that were taken in by order: the file, and the settings with them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../../src/base/config.ts';
import { adoptedPath, readAdopted, withAdopted, writeAdopted } from '../../../src/edge/adopted.ts';
import { EDGE_CONFIG, type EdgeConfig, edgeContradictions } from '../../../src/edge/config.ts';
import { MemoryDisk } from '../../../src/lab/virtual-env.ts';
import type { MeterId } from '../../../src/model/ids.ts';

const meter = (meterId: string, node: string, line = 'plc1') => ({
  meterId: meterId as MeterId,
  line,
  profile: 'a/b',
  node,
});
const octets = (text: string) => new TextEncoder().encode(text);

function configOf(meters: readonly object[]): EdgeConfig {
  const lines = [{ id: 'plc1', url: 'prime-tcp://host:4059', meters }];
  const parsed = parseConfig(EDGE_CONFIG, JSON.stringify({ metersFolder: 'meters', lines }));
  assert.ok(parsed.ok);
  return parsed.config;
}

test('PROV-4 a network may be set up without meters, another line may not', () => {
  assert.deepEqual(
    edgeContradictions(configOf([]), () => []),
    [],
  );
  const bus = configOf([]);
  const [line] = bus.lines;
  assert.ok(line !== undefined);
  const onBus = { ...bus, lines: [{ ...line, url: 'serial:///dev/ttyS1' }] };
  assert.match(edgeContradictions(onBus, () => [])[0]?.sentence ?? '', /^is empty/);
});

test('PROV-4 what was taken in is read back; a damaged file counts for nothing and says what to do', async () => {
  const disk = new MemoryDisk();
  assert.deepEqual(await readAdopted(disk, 'state'), { meters: [], problem: null });
  const meters = [meter('m1', '1'), { ...meter('m2', '2'), timeZone: 'Europe/Madrid' }];
  await writeAdopted(disk, 'state', meters);
  assert.deepEqual(await readAdopted(disk, 'state'), { meters, problem: null });
  for (const text of [
    '{',
    '{"version":2,"meters":[]}',
    '{"version":1,"meters":[{"meterId":"m1"}]}',
    '{"version":1,"meters":[1]}',
  ]) {
    await disk.writeFile(adoptedPath('state'), octets(text));
    const { meters: none, problem } = await readAdopted(disk, 'state');
    assert.deepEqual(none, []);
    assert.match(problem ?? '', /is damaged .* Remove it and accept them again\.$/, text);
  }
});

test('PROV-4 meters that were taken in stand behind those of the settings, with the files that lie there for them', async () => {
  const disk = new MemoryDisk();
  await disk.writeFile('meters/m3.password', octets('secret'));
  await disk.writeFile('meters/m4.keys', octets('{}'));
  const own = configOf([{ id: 'm1', profile: 'x/y', serial: '1' }]);
  const adopted = [meter('m1', '9'), meter('m2', '1'), meter('m3', '3'), meter('m4', '4'), meter('m5', '5', 'gone')];
  const made = await withAdopted(own, adopted, disk);
  assert.deepEqual(made.config.lines[0]?.meters, [
    { id: 'm1', profile: 'x/y', serial: '1' },
    { id: 'm3', profile: 'a/b', serial: '3', passwordFile: 'meters/m3.password' },
    { id: 'm4', profile: 'a/b', serial: '4', keysFile: 'meters/m4.keys' },
  ]);
  assert.deepEqual([...made.adopted], ['m3', 'm4']);
  assert.deepEqual(made.problems, [
    { meterId: 'm5', sentence: 'meter m5 was accepted on line gone, which the settings no longer have' },
  ]);
});
