/** The octets on the wire, everything counted by the kernel, on a link of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { measureWay } from '../../src/lab/benches/way.ts';

const hasLinks = process.getuid?.() === 0 && spawnSync('ip', ['netns', 'list']).status === 0;
const program = fileURLToPath(new URL('../../dist/bin/deltawatt.js', import.meta.url));

test('UD-8 an hour of 200 meters takes at most 0.90 octets a value with TLS, TCP, MQTT, acks and keyframes', {
  skip: hasLinks ? false : 'needs root on Linux and ip (iproute2)',
}, async () => {
  const bench = { program: { file: process.execPath, args: [program] }, progress: () => {} };
  const [hourly] = await measureWay(bench, [4]);
  assert.ok(hourly !== undefined);
  assert.equal(hourly.dayValues, 200 * 96 * 4);
  const { dayOctets, dayPayloadOctets, dayValues } = hourly;
  assert.ok(dayPayloadOctets > 0.5 * dayValues, `${dayPayloadOctets} octets of blocks are below any code`);
  assert.ok(dayOctets > dayPayloadOctets && dayOctets <= 0.9 * dayValues, `${dayOctets / dayValues} octets a value`);
});
