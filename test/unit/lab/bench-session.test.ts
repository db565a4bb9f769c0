/** The session bench: what it counts, and that its bars can fail. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { benchSession } from '../../../src/lab/benches/session.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

test('HE-7 the session bench: few round trips, the same in every run, and no fewer than segments and window need', async () => {
  const run = () =>
    benchSession({
      nowMs: () => 0,
      seed: 1,
      progress: () => undefined,
      readText: (path) => Promise.resolve(readFileSync(join(ROOT, path), 'utf8')),
    });
  const { figures, bars } = await run();
  assert.deepEqual((await run()).figures, figures);
  assert.deepEqual(
    bars.filter(({ holds }) => !holds),
    [],
  );
  assert.deepEqual(bars.map(({ limit }) => limit).slice(0, 6), [14, 7, 20, 12, 20, 12]);
  const trips = (name: string) => figures[`${name}RoundTrips`] ?? Number.NaN;
  assert.equal(trips('wrapperWarm'), 4, 'AARQ, proof, one list, release');
  assert.ok(trips('wrapperOneByOneCold') > 14, 'asked one by one it would fall short');
  assert.ok(trips('hdlc128Window1Cold') > trips('hdlc512Window1Cold'));
  assert.ok(trips('hdlc512Window1Cold') > trips('hdlc1024Window1Cold'));
  assert.ok((figures['wrapperColdBytes'] ?? 0) > 96 * 38, 'a day of rows went over the line');
});
