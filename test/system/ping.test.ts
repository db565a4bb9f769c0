/**
 * How far the way to a meter goes, asked at the collector: each part that can fail fails once, and the answer names it, says who
 * can do something about it, and comes within 15 s.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import type { Fault } from '../../src/lab/virtual-faults.ts';
import type { SiteLayout } from '../../src/lab/virtual-places.ts';
import { VirtualSystem } from '../../src/lab/virtual-system.ts';
import { END_STATES } from '../../src/model/command.ts';
import { DEFAULT_TENANT, type MeterId } from '../../src/model/ids.ts';

const text = readFileSync(new URL('../../config/profiles/generic/idis.yaml', import.meta.url), 'utf8');
const METERS = 4;
const ANSWER_MAX_MS = 15_000;
const HOUR_MS = 3_600_000;

interface Pinged {
  readonly state: string;
  readonly code: string;
  readonly sentence: string;
  readonly tookMs: number;
  readonly values: number;
}

async function pinged(faults: readonly Fault[], layout: SiteLayout, failingForMs = 0): Promise<Pinged> {
  const profiles = [{ key: 'generic/idis', text }];
  const system = await VirtualSystem.start({ seed: 7, meters: METERS, profiles, crypto: HOST_CRYPTO, layout });
  await system.run(HOUR_MS);
  for (const fault of faults) system.fault(fault);
  await system.run(failingForMs);
  const answer = await ping(system);
  await system.stop();
  return answer;
}

async function ping(system: VirtualSystem): Promise<Pinged> {
  const desk = system.collector?.desk;
  const meterId = system.site.meters[0]?.device.meterId as MeterId;
  assert.ok(desk !== undefined);
  const fromMs = system.world.nowMs;
  let pinged: Pinged | undefined;
  const request = {
    meterId,
    body: { kind: 'ping' },
    author: 'test',
    tenantId: DEFAULT_TENANT,
    validForMs: 60_000,
  } as const;
  const watching = (async () => {
    const { record } = await desk.issue(request);
    while (pinged === undefined && system.world.nowMs - fromMs < 60_000) {
      await system.world.clock.sleep(100);
      const now = await desk.command(record.id);
      const last = now?.reports.find(({ state }) => END_STATES.has(state));
      if (last === undefined) continue;
      const { state, code, sentence, values } = last;
      pinged = { state, code, sentence, values: values.length, tookMs: system.world.nowMs - fromMs };
    }
  })();
  while (pinged === undefined && system.world.nowMs - fromMs <= 60_000) await system.run(100);
  await watching;
  assert.ok(pinged !== undefined, 'it is answered');
  return pinged;
}

const bad = (how: 'silent' | 'garbage' | 'refuse'): Fault => ({ kind: 'meter', meter: 0, how, forMs: HOUR_MS });

const CASES: readonly {
  readonly what: string;
  readonly layout: SiteLayout;
  readonly faults: readonly Fault[];
  readonly failingForMs?: number;
  readonly code: string;
  readonly says: readonly RegExp[];
}[] = [
  { what: 'a whole way', layout: 'one-bus', faults: [], code: '', says: [/all answer/] },
  {
    what: 'a meter without supply',
    layout: 'one-bus',
    faults: [bad('silent')],
    code: 'PING_METER',
    says: [/^Concentrator and line answer\./, /fitter at the meter/, /3 of 3 others on its line answer/],
  },
  {
    what: 'a bus that is cut, noticed by its other meters',
    layout: 'one-bus',
    faults: [{ kind: 'line-cut', line: 0, forMs: HOUR_MS }],
    failingForMs: 1_800_000,
    code: 'PING_LINE',
    says: [/^The concentrator answers\./, /cable, adapter/, /None of the 4 meters/],
  },
  {
    what: 'a socket that nobody serves',
    layout: 'mixed',
    faults: [{ kind: 'line-cut', line: 0, forMs: HOUR_MS }],
    code: 'PING_LINE',
    says: [/^The concentrator answers\./, /network/],
  },
  {
    what: 'a meter of which only garbage is heard',
    layout: 'one-bus',
    faults: [bad('garbage')],
    code: 'PING_NOISE',
    says: [/baud rate, parity/, /octets came that belong to no frame/],
  },
  {
    what: 'a meter with another password',
    layout: 'one-bus',
    faults: [bad('refuse')],
    code: 'PING_SIGN_ON',
    says: [/the link to the meter answer/, /password and keys/],
  },
];

for (const { what, layout, faults, failingForMs, code, says } of CASES) {
  test(`MDM-9 IT-17 GP-6 ${what}: the answer names ${code === '' ? 'no part' : code}, within 15 s`, async () => {
    const answer = await pinged(faults, layout, failingForMs);
    assert.equal(answer.code, code, answer.sentence);
    assert.equal(answer.state, code === '' ? 'done' : 'failed');
    for (const words of says) assert.match(answer.sentence, words);
    assert.ok(answer.tookMs < ANSWER_MAX_MS, `${answer.tookMs} ms`);
    assert.equal(answer.values, code === '' ? 2 : 0);
  });
}

test('MDM-9 a meter that lets us in and knows none of what every meter has: its objects are named', async () => {
  const { PING_HANDLER } = await import('../../src/edge/commands/handlers/ping.ts');
  const refusing = {
    readObjects: async (objects: readonly object[]) => objects.map((object) => ({ ...object, result: 4 })),
  };
  const outcome = await PING_HANDLER.run({ kind: 'ping' }, refusing as never, {} as never);
  assert.equal(outcome.code, 'PING_OBJECT');
  assert.match(
    outcome.sentence,
    /^Concentrator, line, the link to the meter and its association answer\..*not there or not allowed/,
  );
});
