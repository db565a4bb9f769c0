/** Commands from REST to the contacts of a relay and back, on real parts; see support/command-rig. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fromHex } from '../../src/base/bytes.ts';
import { dataFromOctets } from '../../src/dlms/axdr/decode.ts';
import { DEMO_EDGE } from '../../src/lab/demo/site.ts';
import type { Command, CommandBody } from '../../src/model/command.ts';
import type { CommandId, MeterId } from '../../src/model/ids.ts';
import { EVENT } from '../../src/sim/meter/events.ts';
import { commandSigningOctets, encodeCommand } from '../../src/wire/codec.ts';
import { CommandRig, type ShownCommand } from '../support/command-rig.ts';
import { until } from '../support/until.ts';

const DISCONNECT: CommandBody = { kind: 'relay', action: 'disconnect' };
const RECONNECT: CommandBody = { kind: 'relay', action: 'reconnect' };
const ENERGY = { classId: 3, obis: '1-0:1.8.0*255', attribute: 2 };
const POWER = { classId: 3, obis: '1-0:1.7.0*255', attribute: 2 };
const CLOCK = { classId: 8, obis: '0-0:1.0.0*255', attribute: 2 };
const OBJECT_LIST = { classId: 15, obis: '0-0:40.0.0*255', attribute: 2 };
const read = (...objects: readonly (typeof ENERGY)[]): CommandBody => ({ kind: 'read', objects });
/** Meters of the site: what each test does to a relay stays with its own. */
const [SWITCHED, ARMING, INTERRUPTED, SILENT, CAPPED, SPARE, LIVE] = [1, 2, 3, 4, 5, 6, 7] as const;
const HOUR_MS = 3_600_000;

let rig: CommandRig;

before(async () => {
  rig = await CommandRig.start({ meters: 7, misbehaviours: new Map([[SILENT - 1, 'silent']]) });
});

after(() => rig?.stop());

/** How often a relay was opened from afar, as the meter's own log has it. */
function openings(meter: number): number {
  const { device } = rig.meter(meter);
  return device.events.between(0, device.nowMs + HOUR_MS).filter(({ code }) => code === EVENT.relayRemoteOff).length;
}

test('SG-MR-9 HE-4 registers, the clock and the object list of a meter are read on demand within 15 s', async () => {
  const shown = await rig.run(SWITCHED, read(ENERGY, POWER, CLOCK));
  assert.equal(shown.state, 'done', shown.sentence);
  assert.ok(shown.tookMs < 15_000, `${shown.tookMs} ms`);
  const [energy, power, clock] = shown.values;
  const { device } = rig.meter(SWITCHED);
  const register = device.profile.registers.find(({ obis }) => obis === ENERGY.obis) ?? assert.fail();
  const now = Number(device.registerAt(register, device.nowMs));
  assert.ok(Number(energy?.value) > 0 && Number(energy?.value) <= now && now - Number(energy?.value) < 100);
  assert.deepEqual([energy?.unit, energy?.exponent, power?.unit], ['Wh', 0, 'W']);
  assert.ok((clock?.text ?? '').startsWith('20'), JSON.stringify(clock));
  const list = await rig.run(SWITCHED, read(OBJECT_LIST));
  assert.equal(list.state, 'done', list.sentence);
  assert.ok(list.tookMs < 15_000, `${list.tookMs} ms`);
  // Longer than any record of the journal: it comes in parts, and whole.
  const raw = fromHex(list.values[0]?.raw ?? '');
  assert.ok(raw.length > 1_024, `${raw.length} octets`);
  const objects = dataFromOctets(raw);
  assert.ok(objects.type === 'array' && objects.value.length > 10, objects.type);
  const path = `meters/${device.meterId}/readings?obis=${encodeURIComponent(ENERGY.obis)}&intervalS=0&format=rows`;
  const stored = await until('what was read is a reading too', async () => {
    const page = await rig.client.get<{ items: { value: number; source: string }[] }>(path);
    return page.items.find(({ source }) => source === 'on-demand');
  });
  assert.equal(stored.value, energy?.value);
});

test('SG-MR-6 SG-MR-8 an object that a meter does not have is a typed answer within 5 s, a silent meter one within 15 s', async () => {
  const refused = await rig.run(SWITCHED, read({ classId: 3, obis: '1-0:99.99.99*255', attribute: 2 }));
  assert.deepEqual([refused.state, codeOf(refused)], ['refused', 'COMMAND_METER_REFUSED'], refused.sentence);
  assert.notEqual(refused.values[0]?.result, 0);
  assert.ok(refused.tookMs < 5_000, `${refused.tookMs} ms`);
  const silent = await rig.run(SILENT, read(ENERGY));
  assert.ok(['not-reached', 'failed'].includes(silent.state), `${silent.state}: ${silent.sentence}`);
  assert.ok(codeOf(silent) !== '' && silent.sentence.length > 20, silent.sentence);
  assert.ok(silent.tookMs < 16_000, `${silent.tookMs} ms`);
});

test('HE-4 the same idempotency key gives the same command, for another order it is refused', async () => {
  const first = await rig.issue(SWITCHED, read(ENERGY), { key: 'order-1' });
  const again = await rig.issue(SWITCHED, read(ENERGY), { key: 'order-1' });
  assert.equal(again.id, first.id);
  const { meterId } = rig.meter(SWITCHED).device;
  const other = await rig.client.post('commands', { meterId, body: read(POWER) }, { 'idempotency-key': 'order-1' });
  assert.equal(other.status, 422, JSON.stringify(other.body));
  assert.equal((await rig.ended(first.id)).state, 'done');
});

test('IT-3 SG-PP-1 disconnect within 30 s: state, position and registers in one answer, and the registers stand still', async () => {
  const { device } = rig.meter(SWITCHED);
  const shown = await rig.run(SWITCHED, DISCONNECT);
  assert.equal(shown.state, 'done', shown.sentence);
  assert.ok(shown.tookMs < 30_000, `${shown.tookMs} ms`);
  assert.deepEqual([shown.relay?.outputOn, shown.relay?.controlState], [false, 0]);
  assert.match(shown.sentence, /no supply: disconnected/);
  assert.deepEqual(
    shown.reports.map(({ state }) => state).filter((state) => state !== 'sent'),
    ['accepted', 'started', 'done'],
  );
  assert.equal(openings(SWITCHED), 1);
  const atSwitch = shown.values.find(({ obis }) => obis === ENERGY.obis);
  assert.ok(Number(atSwitch?.value) > 0, 'the registers come with the answer');
  const later = await rig.run(SWITCHED, read(ENERGY, POWER));
  assert.deepEqual([later.values[0]?.value, later.values[1]?.value], [atSwitch?.value, 0]);
  const register = device.profile.registers.find(({ obis }) => obis === ENERGY.obis) ?? assert.fail();
  assert.equal(Number(device.registerAt(register, device.nowMs + HOUR_MS)), atSwitch?.value, 'nor in an hour');
  const again = await rig.run(SWITCHED, DISCONNECT);
  assert.match(again.sentence, /so already; nothing was done/);
  assert.equal(openings(SWITCHED), 1);
  const back = await rig.run(SWITCHED, RECONNECT);
  assert.deepEqual([back.state, back.relay?.outputOn, back.relay?.controlState], ['done', true, 1], back.sentence);
});

test('IT-4 where a reconnect only arms the meter, the answer says armed and not connected', async () => {
  const { device } = rig.meter(ARMING);
  device.relay.mode = 3;
  assert.equal((await rig.run(ARMING, DISCONNECT)).state, 'done');
  const shown = await rig.run(ARMING, RECONNECT);
  assert.equal(shown.state, 'done', shown.sentence);
  assert.deepEqual([shown.relay?.outputOn, shown.relay?.controlState], [false, 2]);
  assert.match(shown.sentence, /armed, not connected/);
  assert.match(shown.relay?.sentence ?? '', /NO supply until someone presses the button/);
  assert.equal(device.relay.isOn, false);
});

test('IT-4 behind welded contacts a disconnect has failed; a relay is not closed onto a load that feeds back', async () => {
  const { device } = rig.meter(LIVE);
  device.failLoad('welded');
  const welded = await rig.run(LIVE, DISCONNECT);
  assert.deepEqual([welded.state, welded.relay?.outputOn], ['failed', false], welded.sentence);
  assert.equal(codeOf(welded), 'COMMAND_LOAD_LIVE');
  assert.match(welded.sentence, /voltage behind the open relay.* 2\d\d V/);
  device.failLoad('backfed');
  const refused = await rig.run(LIVE, RECONNECT);
  assert.deepEqual([refused.state, codeOf(refused)], ['refused', 'COMMAND_LOAD_LIVE']);
  assert.equal(device.relay.isOn, false);
  device.failLoad(null);
  const closed = await rig.run(LIVE, RECONNECT);
  assert.deepEqual([closed.state, device.relay.isOn], ['done', true], closed.sentence);
});

/** An order made by hand, for the meter that nobody else touches. */
async function byHand(change: Partial<Command>, foreign = false): Promise<void> {
  const { collector } = rig.site;
  const edge = await rig.client.get<{ epoch: string }>(`edges/${DEMO_EDGE}`);
  const nowMs = Date.now();
  const octets = encodeCommand({
    id: '11111111-2222-4333-8444-555555555555' as CommandId,
    edgeId: DEMO_EDGE,
    epoch: edge.epoch,
    meterId: rig.meter(SPARE).device.meterId as MeterId,
    body: DISCONNECT,
    author: 'mallory',
    createdAtMs: nowMs,
    expiresAtMs: nowMs + 60_000,
    ...change,
  });
  const key = foreign ? rig.env.crypto.newSigningKey() : collector.keys.command;
  const signature = rig.env.crypto.sign(key.privateKey, commandSigningOctets(octets));
  assert.ok(
    await collector.ingest.sendCommand(DEMO_EDGE, octets, change.author === 'nobody' ? new Uint8Array(64) : signature),
  );
}

/** Code of the last report. */
const codeOf = ({ reports }: ShownCommand): string => reports.at(-1)?.code ?? '';

const counter = (name: string): number => new Map(rig.edge.health.counters()).get(name) ?? 0;

test('IT-4 orders that are unsigned, signed by a stranger, expired or for another epoch never reach a meter', async () => {
  await byHand({ author: 'nobody' });
  await until('the unsigned order is counted', () => counter('commands_unverified') === 1);
  await byHand({}, true);
  await until('the foreign order is counted', () => counter('commands_unverified') === 2);
  await byHand({ expiresAtMs: Date.now() - 1_000 });
  await until('the expired order is counted', () => counter('commands_expired') === 1);
  const refused = counter('commands_refused');
  await byHand({ id: '11111111-2222-4333-8444-666666666666' as CommandId, epoch: '00000000000000aa' });
  await until('the order of another epoch is counted', () => counter('commands_refused') === refused + 1);
  assert.equal(openings(SPARE), 0);
  assert.equal(rig.meter(SPARE).device.relay.isOn, true);
});

test('SG-MR-8 an edge that is away: "not reached within 15 s", then done when it calls; an order whose time ran out stays undone', async () => {
  await rig.stopEdge();
  const short = await rig.issue(SPARE, DISCONNECT, { validForMs: 10_000 });
  const long = await rig.issue(SPARE, read(ENERGY), { validForMs: 300_000 });
  const late = await until(
    'the sentence changes',
    async () => {
      const shown = await rig.show(long.id);
      return shown.sentence.startsWith('Not reached within 15 s') && shown;
    },
    20_000,
  );
  assert.match(
    late.sentence,
    /concentrator demo-edge (is not connected|has not answered)\. It is sent (again )?when it/,
  );
  const late10s = await rig.show(short.id);
  assert.match(late10s.sentence, /^Expired|the command's time has run out/);
  await rig.startEdge();
  assert.equal((await rig.ended(long.id)).state, 'done');
  assert.equal(openings(SPARE), 0);
});

test('IT-4 an edge that is killed after the order went out: uncertain, with what was seen, and the relay moved once', async () => {
  await rig.stopEdge();
  await rig.startEdgeProcess();
  const { device } = rig.meter(INTERRUPTED);
  const { id } = await rig.issue(INTERRUPTED, DISCONNECT);
  await until('the relay opens', () => !device.relay.isOn);
  await rig.killEdge();
  assert.equal((await rig.show(id)).ended, false);
  await rig.startEdge();
  const shown = await rig.ended(id);
  assert.deepEqual([shown.state, codeOf(shown)], ['uncertain', 'COMMAND_INTERRUPTED'], shown.sentence);
  assert.match(shown.sentence, /the order was not repeated\. The load has no supply: disconnected/);
  assert.deepEqual([shown.relay?.outputOn, shown.relay?.controlState], [false, 0]);
  assert.equal(openings(INTERRUPTED), 1);
});

test('IT-4 an edge that is killed while a silent meter does not answer: uncertain, and it says that nothing was seen', async () => {
  await rig.stopEdge();
  await rig.startEdgeProcess();
  // The line may be busy finding out that the meter is silent: then the order ends before it is started, and is given again.
  const { id } = await until(
    'an order is started',
    async () => {
      const given = await rig.issue(SILENT, RECONNECT);
      const seen = await until('it starts or ends', async () => {
        const shown = await rig.show(given.id);
        return (shown.state === 'started' || shown.ended) && shown;
      });
      return seen.state === 'started' && seen;
    },
    60_000,
  );
  await rig.killEdge();
  await rig.startEdge();
  const shown = await rig.ended(id);
  assert.deepEqual([shown.state, codeOf(shown)], ['uncertain', 'COMMAND_INTERRUPTED'], shown.sentence);
  assert.match(shown.sentence, /was not repeated/);
  assert.equal(shown.relay, undefined);
  assert.equal(openings(SILENT), 0);
});

test('IT-4 the signed cap of the edge: one disconnect more than it allows is refused in words', async () => {
  const started = [SWITCHED, SWITCHED, ARMING, INTERRUPTED, LIVE].length;
  await rig.stopEdge();
  await rig.startEdge(started + 1);
  assert.equal((await rig.run(CAPPED, DISCONNECT)).state, 'done');
  const shown = await rig.run(SPARE, DISCONNECT);
  assert.deepEqual([shown.state, codeOf(shown)], ['refused', 'COMMAND_CAP'], shown.sentence);
  assert.match(shown.sentence, /as many meters within an hour as its signed limits allow; nothing was done/);
  assert.equal(openings(SPARE), 0);
});

test('HE-4 a whole load profile read on demand, 150 kB in parts, arrives whole', async () => {
  const days = 38;
  const long = await CommandRig.start({ meters: 1, days });
  try {
    const LOAD = { classId: 7, obis: '1-0:99.1.0*255', attribute: 2 };
    const shown = await long.run(1, read(LOAD));
    assert.deepEqual([shown.state, shown.sentence], ['done', 'Read 1 object.']);
    const raw = fromHex(shown.values[0]?.raw ?? '');
    assert.ok(raw.length > 140_000, `${raw.length} octets`);
    const rows = dataFromOctets(raw);
    assert.ok(rows.type === 'array' && rows.value.length >= (days - 1) * 96, rows.type);
    const totals = rows.value.map((row) => {
      const total = row.type === 'structure' ? row.value[2] : undefined;
      return total?.type === 'double-long-unsigned' ? total.value : Number.NaN;
    });
    assert.ok(totals.every((total, at) => at === 0 || total >= (totals[at - 1] ?? 0)));
    const { device } = long.meter(1);
    const register = device.profile.registers.find(({ obis }) => obis === ENERGY.obis) ?? assert.fail();
    const now = Number(device.registerAt(register, device.nowMs));
    const last = totals.at(-1) ?? 0;
    assert.ok(last > 0 && last <= now && now - last < 10_000, `${last} of ${now} Wh`);
    await long.stopEdge();
    await long.startEdge();
    const after = await long.run(1, read(ENERGY));
    assert.equal(after.state, 'done', 'the edge starts again with what it kept of the long answer');
  } finally {
    await long.stop();
  }
});
