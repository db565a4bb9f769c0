/**
 * A board whose image was copied to another one: two edges run with one identity, one certificate of the wire and one copy of
 * the journal, before a real broker, a real collector and PostgreSQL. What the second writer of the epoch has under numbers that
 * are taken is refused, and the alarm stands in REST; the way back of docs/operations.md ends in 0 0 0 0.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { type Collector, startCollector } from '../../src/collector/collector.ts';
import type { RunningProgram } from '../../src/lab/program.ts';
import { freePort } from '../../src/lab/program.ts';
import {
  type EdgeSite,
  endYard,
  figuresOf,
  judgeYard,
  makeYard,
  openYardStore,
  settle,
  startKeyed,
  startMeters,
  startYardEdge,
  useBroker,
  type Yard,
} from '../../src/lab/proofs/yard.ts';
import { RestClient } from '../../src/lab/rest-client.ts';

const PROGRAM = {
  file: process.execPath,
  args: [fileURLToPath(new URL('../../dist/bin/deltawatt.js', import.meta.url))],
};
const PROFILE = readFileSync(new URL('../../config/profiles/generic/idis.yaml', import.meta.url), 'utf8');
const PATIENCE_MS = 90_000;
const LOOK_MS = 100;
const STOP_MS = 15_000;
/** Blocks that the clone makes by itself: more than the original needs to take one of their numbers. */
const OWN_BLOCKS = 3;

const said: string[] = [];
const tell = (line: string) => said.push(line);

test('a cloned board: its blocks are refused, the operator is told, and the way back ends in 0 0 0 0', async (context) => {
  const yard = await makeYard(
    { name: 'clone', seed: 7, program: PROGRAM, profile: PROFILE, edges: 2, meters: 3, days: 12 },
    tell,
  );
  const programs = new Map<string, RunningProgram>();
  after(async () => {
    await endYard(yard, programs.values());
    await yard.host.files.remove(yard.folder);
  });
  const [original, board] = yard.sites as [EdgeSite, EdgeSite];
  await useBroker(yard, 'embedded');
  programs.set('sim', await startMeters(yard));
  for (const site of yard.sites) programs.set(site.keyed, await startKeyed(yard, site));
  const opened = await openYardStore(yard);
  try {
    const collector = await startYardApi(yard, opened.store);
    try {
      await clonedAndBack(yard, programs, collector, original, board);
      for (const name of [...programs.keys()].reverse()) await programs.get(name)?.stop(STOP_MS);
      programs.clear();
    } finally {
      await collector.stop();
    }
  } finally {
    await opened.close();
  }
  const { lost, duplicated, altered, invented, countersTwice, produced, samples } = await judgeYard(yard);
  const found = { lost, duplicated, altered, invented };
  assert.deepEqual(found, { lost: 0, duplicated: 0, altered: 0, invented: 0 }, [...said, ...samples].join('\n'));
  assert.ok(produced > 5_000, `${produced} values`);
  // Two boards that read one meter with one copy of its counters: neither can see the other, so it is told and not judged.
  context.diagnostic(`${produced} values, ${countersTwice} invocation counters came twice while both ran`);
});

/** The collector of the yard in this process, with REST. */
function startYardApi(yard: Yard, store: Parameters<typeof startCollector>[1]): Promise<Collector> {
  return startCollector(yard.env, store, {
    keysFolder: `${yard.folder}/collector/keys`,
    broker: { kind: 'embedded', host: '127.0.0.1', port: yard.brokerPorts.embedded },
    foldPeriodMs: 5_000,
    api: { host: '127.0.0.1', port: 0 },
  });
}

async function clonedAndBack(
  yard: Yard,
  programs: Map<string, RunningProgram>,
  collector: Collector,
  original: EdgeSite,
  board: EdgeSite,
): Promise<void> {
  const rest = await RestClient.signIn(collector, 'operator');
  // The name that the yard enrolled for the second board is free again: nobody has its file.
  assert.equal((await rest.post(`edges/${board.edgeId}/deactivate`, {})).status, 204);
  // The image is taken of an edge in full work: some blocks are acknowledged, history is still on its way.
  programs.set(original.edgeId, await startYardEdge(yard, original));
  await until(yard, original, 'an acknowledgement', ({ acknowledgements }) => acknowledgements > 0);
  await stop(programs, original.edgeId);
  const clone = await cloneOf(yard, original, board);
  // The copy lives a while where no broker is: blocks of its own, under the numbers that the original gives meanwhile.
  await cut(yard, clone, true);
  programs.set('clone', await startYardEdge(yard, clone));
  const heldBack = (await figuresOf(yard, clone))?.pending ?? 0;
  await until(yard, clone, 'blocks of its own', ({ pending }) => pending > heldBack + OWN_BLOCKS);
  await stop(programs, 'clone');
  programs.set(original.edgeId, await startYardEdge(yard, original));
  await until(yard, original, 'blocks of the original', ({ acknowledgements }) => acknowledgements > 1);
  await cut(yard, clone, false);
  programs.set('clone', await startYardEdge(yard, clone));
  const alarm = await untilAlarm(yard, rest, programs);
  assert.match(alarm.sentence, /two devices may use this identity/);
  assert.equal(alarm.edgeId, original.edgeId);

  // docs/operations.md: take it away, adopt it under a name of its own, with an empty state folder.
  await stop(programs, 'clone');
  const adopted = await rest.post(`edges/${board.edgeId}/adopt`, {});
  assert.equal(adopted.status, 201);
  await writeText(yard, `${board.edgeId}.json`, JSON.stringify(adopted.body));
  await yard.host.files.remove(`${clone.folder}/state`);
  programs.set(board.edgeId, await startYardEdge(yard, board));
  // As fast as they go; and an edge that was thrown off the broker again and again waits for minutes.
  await stop(programs, 'sim');
  programs.set('sim', await startMeters(yard, 0));
  await stop(programs, original.edgeId);
  programs.set(original.edgeId, await startYardEdge(yard, original));
  assert.ok(await settle(yard, tell), said.join('\n'));
}

/** The other board with the image of the first: settings, enrolment, journal; only the place of its files differs. */
async function cloneOf(yard: Yard, original: EdgeSite, board: EdgeSite): Promise<EdgeSite> {
  const folder = `${board.folder}/image`;
  await yard.host.files.copyTree(`${original.folder}/state`, `${folder}/state`, () => true);
  return { ...original, folder, healthPort: await freePort(yard.env), edgeId: 'clone' as EdgeSite['edgeId'] };
}

/** Writes the settings of the clone, with its broker, or with an address where nobody is. */
async function cut(yard: Yard, clone: EdgeSite, isCut: boolean): Promise<void> {
  const settings = parse(readFileSync(`${yard.folder}/${yard.sites[0]?.edgeId}.yaml`, 'utf8'));
  const nowhere = { ...settings.uplink, url: `mqtt://127.0.0.1:${await freePort(yard.env)}` };
  const changed = { stateFolder: `${clone.folder}/state`, health: { port: clone.healthPort } };
  const uplink = isCut ? nowhere : settings.uplink;
  await writeText(yard, `${clone.edgeId}.yaml`, stringify({ ...settings, ...changed, uplink }));
}

interface AlarmBody {
  readonly name: string;
  readonly severity: string;
  readonly sentence: string;
  readonly edgeId?: string;
}

async function untilAlarm(
  yard: Yard,
  rest: RestClient,
  programs: ReadonlyMap<string, RunningProgram>,
): Promise<AlarmBody> {
  const byMs = yard.env.clock.monotonicMs() + PATIENCE_MS;
  for (;;) {
    const { items } = await rest.get<{ readonly items: readonly AlarmBody[] }>('events?limit=1000');
    const found = items.find(({ name, severity }) => name === 'clone-suspected' && severity === 'alarm');
    if (found !== undefined) return found;
    if (yard.env.clock.monotonicMs() > byMs)
      assert.fail(
        `no alarm: ${[...programs].map(([name, { lastLines }]) => `${name}: ${lastLines().join(' | ')}`).join('\n')}`,
      );
    await yard.env.timers.sleep(LOOK_MS);
  }
}

type Figures = NonNullable<Awaited<ReturnType<typeof figuresOf>>>;

async function until(yard: Yard, site: EdgeSite, what: string, holds: (figures: Figures) => boolean): Promise<void> {
  const byMs = yard.env.clock.monotonicMs() + PATIENCE_MS;
  for (;;) {
    const figures = await figuresOf(yard, site);
    if (figures !== undefined && holds(figures)) return;
    if (yard.env.clock.monotonicMs() > byMs)
      assert.fail(`${what}: not within ${PATIENCE_MS} ms: ${JSON.stringify(figures)}`);
    await yard.env.timers.sleep(LOOK_MS);
  }
}

async function stop(programs: Map<string, RunningProgram>, name: string): Promise<void> {
  await programs.get(name)?.stop(STOP_MS);
  programs.delete(name);
}

const writeText = (yard: Yard, name: string, text: string) =>
  yard.env.disk.writeFile(`${yard.folder}/${name}`, new TextEncoder().encode(text));
