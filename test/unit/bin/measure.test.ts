import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../../src/bin/errors.ts';
import { listEntries, pickEntries, runEntries } from '../../../src/bin/measure.ts';
import { atLeast, atMost, type BenchEntry, type BenchResult } from '../../../src/lab/benches/bench.ts';

function collected() {
  const printed: string[] = [];
  const told: string[] = [];
  return {
    printed,
    told,
    io: {
      print: (text: string) => printed.push(text),
      tell: (line: string) => told.push(line),
      readStdin: () => Promise.resolve(new Uint8Array()),
    },
  };
}

function entry(name: string, run: (seed: number) => BenchResult): BenchEntry {
  return { name, title: `title of ${name}`, load: async () => async (env) => run(env.seed) };
}

const DEFAULTS = { seed: undefined, json: false };
const good = entry('good', (seed) => ({
  figures: { seedTwice: seed * 2 },
  bars: [atMost('few', 3, 3), atLeast('many', 3, 3)],
}));
const short = entry('short', () => ({ figures: {}, bars: [atMost('few', 4, 3)] }));
const broken = entry('broken', () => {
  throw new Error('no such pty');
});

test('a run whose bars hold is exit 0, its report one line of JSON with seed and machine', async () => {
  const { io, printed } = collected();
  assert.equal(await runEntries([good], { seed: '21', json: false }, io), 0);
  assert.equal(printed.length, 1);
  const report = JSON.parse(printed[0] ?? '');
  assert.deepEqual(Object.keys(report), ['name', 'seed', 'machine', 'figures', 'bars']);
  assert.equal(report.figures.seedTwice, 42);
  assert.deepEqual(report.bars[0], { name: 'few', value: 3, limit: 3, holds: true });
  assert.ok(report.machine.cores >= 1);
});

test('an entry runs as often as it says, or as it is told', async () => {
  const counts: (number | undefined)[] = [];
  const load: BenchEntry['load'] = async () => async (env) => {
    counts.push(env.count);
    return { figures: {}, bars: [] };
  };
  const often: BenchEntry = { name: 'often', title: '', count: 1_000, load };
  await runEntries([often, { name: 'free', title: '', load }], DEFAULTS, collected().io);
  await runEntries([often], { ...DEFAULTS, cycles: '3' }, collected().io);
  assert.deepEqual(counts, [1_000, undefined, 3]);
});

test('a bar that does not hold is exit 1, and the others still run', async () => {
  const { io, printed, told } = collected();
  assert.equal(await runEntries([short, good], DEFAULTS, io), 1);
  assert.equal(printed.length, 2);
  assert.ok(told.some((line) => line.includes('FALLS SHORT: few = 4 (limit 3)')));
});

test('a run that throws is exit 1 with the reason, and prints no report', async () => {
  const { io, printed, told } = collected();
  assert.equal(await runEntries([broken], DEFAULTS, io), 1);
  assert.deepEqual(printed, []);
  assert.ok(told.some((line) => line.includes('no such pty')));
});

test('the list is text, or JSON when asked for', () => {
  const text = collected();
  assert.equal(listEntries('bench', [good, short], DEFAULTS, text.io), 0);
  assert.deepEqual(text.printed, ['good   title of good\n', 'short  title of short\n']);
  const json = collected();
  listEntries('bench', [good], { ...DEFAULTS, json: true }, json.io);
  assert.deepEqual(JSON.parse(json.printed.join('')), [{ name: 'good', title: 'title of good' }]);
});

test('a name that is not there is wrong usage with the nearest one', () => {
  assert.throws(
    () => pickEntries([good, short], ['shrot']),
    (error) => error instanceof UsageError && /did you mean short/.test(error.message),
  );
  assert.deepEqual(pickEntries([good, short], ['short']), [short]);
});

test('a seed that is none is wrong usage', async () => {
  await assert.rejects(runEntries([good], { seed: 'x', json: false }, collected().io), UsageError);
});
