/** The conformance exam, examined: a good device passes, each planted fault fails at the number that it breaks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOST_CRYPTO } from '../../../src/host/crypto.ts';
import { runExam } from '../../../src/lab/conform/exam.ts';
import { Examiner } from '../../../src/lab/conform/examiner.ts';
import type { DeviceEvent } from '../../../src/lab/conform/stand.ts';
import { conformText, type RuleId, type RuleReport, Verdicts } from '../../../src/lab/conform/verdicts.ts';
import { VirtualWorld } from '../../../src/lab/virtual-env.ts';
import { ConformDevice, type DeviceFault } from '../../support/conform-device.ts';
import { MemoryStand } from '../../support/memory-stand.ts';

interface Planted {
  readonly fault?: DeviceFault;
  readonly twist?: (event: DeviceEvent) => DeviceEvent;
}

/** One exam of the double in virtual time. */
async function examined({ fault, twist }: Planted = {}): Promise<readonly RuleReport[]> {
  const world = new VirtualWorld({ seed: 5, crypto: HOST_CRYPTO });
  const stand = new MemoryStand(world.clock);
  if (twist !== undefined) stand.twist = twist;
  const { env } = world.program('device');
  const device = new ConformDevice({ ...env, mqtt: stand.connector }, new Uint8Array(32), fault ?? null);
  const { edgeId, key } = device.journal;
  const verdicts = new Verdicts();
  const exam = new Examiner(world.program('exam').env, stand, { edgeId, key }, verdicts);
  let done = false;
  const lines: string[] = [];
  const options = { patienceMs: 300_000, quick: false, tell: (line: string) => void lines.push(line) };
  const running = runExam(exam, options).finally(() => {
    done = true;
  });
  void device.start();
  await world.clock.runWhile(() => !done, 3_600_000);
  await running;
  return verdicts.reports();
}

const failures = (reports: readonly RuleReport[]) => reports.filter(({ verdict }) => verdict === 'failed');

test('UD-37 a device that was built from the pages passes: every rule is seen, none fails', async () => {
  const reports = await examined();
  assert.deepEqual(failures(reports), []);
  assert.deepEqual(
    reports.filter(({ verdict }) => verdict === 'not-seen').map(({ id }) => id),
    [],
  );
});

const PLANTED: readonly (readonly [DeviceFault, RuleId])[] = [
  ['qos-1-blocks', 'W-65'],
  ['foreign-topic', 'W-40'],
  ['foreign-key', 'W-42'],
  ['no-hello', 'W-52'],
  ['one-session', 'W-71'],
  ['hasty-hello', 'W-72'],
  ['early-blocks', 'W-73'],
  ['no-credit', 'W-74'],
  ['no-window', 'W-75'],
  ['believes-any-key', 'W-68'],
  ['believes-any-session', 'W-54'],
  ['believes-any-term', 'W-54'],
  ['believes-any-epoch', 'W-76'],
  ['believes-second-answer', 'W-76'],
  ['believes-ack-beyond', 'W-78'],
  ['lost-by-unknown', 'W-69'],
  ['deaf-to-credit', 'W-55'],
  ['never-stuck', 'W-70'],
  ['forgets-what-left', 'W-66'],
  ['no-dictionary', 'W-57'],
  ['no-keyframe', 'W-86'],
  ['repeats-after-ack', 'W-77'],
  ['ignores-also', 'W-80'],
  ['stays-away', 'W-52'],
  ['deaf-to-recall', 'W-61'],
  ['hasty-recall', 'W-61'],
  ['never-rewinds', 'W-89'],
  ['sends-when-refused', 'W-79'],
  ['obeys-anyone', 'W-92'],
  ['other-octets', 'W-81'],
  ['leaves-holes', 'W-81'],
  ['mixed-batch', 'W-41'],
  ['other-epoch', 'W-90'],
  ['broken-block', 'W-12'],
  ['loose-dictionary', 'W-48'],
  ['reads-again-twice', 'W-96'],
  ['refuses-to-read-again', 'W-97'],
  ['forgets-results', 'W-97'],
  ['reads-strangers', 'W-97'],
  ['reads-inside-a-group', 'W-98'],
  ['unreadable-rows', 'W-1'],
  ['unreadable-records', 'W-46'],
];

for (const [fault, id] of PLANTED)
  test(`UD-37 a device with the fault '${fault}' fails at ${id}`, async () => {
    const failed = failures(await examined({ fault })).map((report) => report.id);
    assert.ok(failed.includes(id), `failed: ${failed.join(', ')}`);
  });

test('UD-37 W-63 W-64 a will, a persistent session and retained messages are seen', async () => {
  const persistent = await examined({
    twist: (event) => (event.kind === 'connected' ? { ...event, clean: false } : event),
  });
  assert.deepEqual(
    failures(persistent).map(({ id }) => id),
    ['W-63'],
  );
  const retaining = await examined({
    twist: (event) => (event.kind === 'message' ? { ...event, retain: true } : event),
  });
  assert.deepEqual(
    failures(retaining).map(({ id }) => id),
    ['W-64'],
  );
});

test('a failure stays, the first one is told, and the table ends with sums', () => {
  const heard: string[] = [];
  const verdicts = new Verdicts((id, sentence) => heard.push(`${id}: ${sentence}`));
  verdicts.passed('W-40', 'good');
  verdicts.failed('W-40', 'bad');
  verdicts.failed('W-40', 'worse');
  verdicts.passed('W-40', 'good again');
  verdicts.missed('W-79', 'left out');
  assert.deepEqual(heard, ['W-40: bad']);
  const text = conformText(verdicts.reports());
  assert.match(text, /^W-40 +failed +.* bad$/m);
  assert.match(text, /^W-79 +not-seen +.* left out$/m);
  assert.match(text, /\n0 passed, 1 failed, \d+ not seen\n$/);
});
