import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '../../../src/base/bytes.ts';
import { hasCode } from '../../../src/base/errors.ts';
import { obisOf } from '../../../src/dlms/cosem/obis.ts';
import { clientTransport } from '../../../src/dlms/frame/client-transport.ts';
import type { ClientTransport, TransportEvent } from '../../../src/dlms/frame/transport.ts';
import { aareOf } from '../../../src/dlms/session/association.ts';
import { type MeterSession, type MeterSessionOptions, openSession } from '../../../src/dlms/session/meter-session.ts';
import { encodeApdu } from '../../../src/dlms/xdlms/codec.ts';
import { LineDriver } from '../../../src/link/drive.ts';
import { attributeOf, PROFILE, register, SCRIPT, TEXT } from '../dlms/session/bench-meter.ts';
import { PASSWORD } from '../dlms/session/pair.ts';
import { serveMeter, World } from './virtual.ts';

const LLS = { authentication: { mechanism: 'lls', password: PASSWORD } } as const;
const FAST = { responseTimeoutMs: 300, retries: 2 };

function bus(world: World, meters: readonly number[], shape = {}) {
  const line = world.lines.create('bus', { octetsPerS: 960, ...shape });
  const models = meters.map((physical) => serveMeter(line.attach(), world, 'hdlc', physical));
  return { line, models, driver: new LineDriver(line.open(), world) };
}

function open(
  driver: LineDriver,
  physical: number,
  options: MeterSessionOptions = LLS,
  link = FAST,
): Promise<MeterSession> {
  return openSession(driver, clientTransport('hdlc', { client: 1, logical: 1, physical }, link), options);
}

test('HE-4 get, range, set, action and release of any object, as promises', async () => {
  const world = new World();
  const { models, driver } = bus(world, [17]);
  const meter = await world.settle(open(driver, 17));
  assert.deepEqual(
    await world.settle(meter.get([register(4), register(5)])),
    [400, 500].map((value) => ({ data: { type: 'double-long-unsigned', value } })),
  );
  const clock = { classId: 8, instanceId: obisOf(0, 0, 1, 0, 0), attributeId: 2, dataIndex: 0 };
  const time = { type: 'octet-string', value: new Uint8Array(12) } as const;
  const rows = await world.settle(
    meter.getRange(attributeOf(7, PROFILE), { restricting: clock, from: time, to: time, columns: [] }),
  );
  assert.ok('data' in rows && rows.data.type === 'array' && rows.data.value.length === 1);
  assert.deepEqual(await world.settle(meter.set([{ attribute: attributeOf(1, TEXT), value: time }])), [0]);
  assert.deepEqual(
    await world.settle(meter.action([{ method: { classId: 9, instanceId: SCRIPT, methodId: 1 }, parameters: null }])),
    [{ actionResult: 0, returnParameters: null }],
  );
  assert.deepEqual(await meter.get([]), []);
  await world.settle(meter.release());
  assert.equal(models[0]?.invoked.length, 1);
  await assert.rejects(meter.get([register(1)]), { code: 'SESSION_CLOSED' });
  assert.equal(driver.isBusy, false);
});

test('HE-4 meters of one bus are read one after the other; a silent one fails by name and the next is read', async () => {
  const world = new World();
  const { driver } = bus(world, [17, 19]);
  for (const physical of [17, 19, 17]) {
    const meter = await world.settle(open(driver, physical));
    assert.equal((await world.settle(meter.get([register(1)]))).length, 1);
    await world.settle(meter.release());
  }
  await assert.rejects(world.settle(open(driver, 18)), { code: 'HDLC_NO_ANSWER' });
  const meter = await world.settle(open(driver, 19));
  await world.settle(meter.release());
  assert.equal(driver.unheardOctets, 0);
});

test('HE-4 a wrong password is refused by name, and the line is free again', async () => {
  const world = new World();
  const { driver } = bus(world, [17]);
  await assert.rejects(
    world.settle(open(driver, 17, { authentication: { mechanism: 'lls', password: Uint8Array.of(1) } })),
    { code: 'SESSION_ASSOCIATION_REFUSED' },
  );
  assert.equal(driver.isBusy, false);
});

test('HE-4 an abort calls off what waits; an abort of a method in flight leaves its outcome unknown', async () => {
  const world = new World();
  const { driver } = bus(world, [17]);
  const early = new AbortController();
  const opening = open(driver, 17, { ...LLS, signal: early.signal });
  early.abort();
  await assert.rejects(world.settle(opening), { code: 'SESSION_ABORTED' });
  await world.timers.advance(5_000);
  const meter = await world.settle(open(driver, 17));
  const abort = new AbortController();
  const first = meter.action([{ method: { classId: 9, instanceId: SCRIPT, methodId: 1 }, parameters: null }], {
    signal: abort.signal,
  });
  const second = meter.get([register(1)], { signal: abort.signal });
  const third = meter.get([register(2)]);
  abort.abort();
  await assert.rejects(first, { code: 'SESSION_UNKNOWN_OUTCOME' });
  await assert.rejects(second, { code: 'SESSION_ABORTED' });
  assert.equal((await world.settle(third)).length, 1);
  await assert.rejects(meter.get([register(1)], { signal: abort.signal }), { code: 'SESSION_ABORTED' });
});

test('HE-4 a line that ends fails everything that waits', async () => {
  const world = new World();
  const { line, driver } = bus(world, [17]);
  const meter = await world.settle(open(driver, 17));
  const asked = meter.get([register(1)]);
  line.cut();
  await assert.rejects(asked, { code: 'SESSION_CLOSED' });
  await meter.release();
});

test('HE-4 a long answer on a slow line is waited for while it comes; a line that only babbles is not', async () => {
  for (const framing of ['hdlc', 'wrapper'] as const) {
    const world = new World();
    const line = world.lines.create('slow', { octetsPerS: 30, faults: { pieceBytes: 4 } });
    const far = line.attach();
    serveMeter(far, world, framing);
    const driver = new LineDriver(line.open(), world);
    const transport = clientTransport(
      framing,
      { client: 1, logical: 1, physical: 17 },
      { octetMs: 1_000 / 30, gapMs: 2_000 },
    );
    const meter = await world.settle(openSession(driver, transport, { ...LLS, requestTimeoutMs: 5_000 }));
    const beganMs = world.timers.nowMs;
    const [profile] = await world.settle(meter.get([attributeOf(7, PROFILE)]));
    assert.ok(profile !== undefined && 'data' in profile);
    assert.ok(world.timers.nowMs - beganMs > 90_000, 'three thousand octets at thirty a second');
    line.setFaults({ lose: 1, babble: 1, pieceBytes: 1 });
    let babbling = true;
    const babble = async () => {
      while (babbling) {
        await far.write(Uint8Array.of(0));
        await world.timers.sleep(100);
      }
    };
    const babbled = babble();
    await assert.rejects(
      world.settle(meter.get([register(1)])),
      (error: unknown) => hasCode(error, 'SESSION_TIMEOUT') || hasCode(error, 'HDLC_NO_ANSWER'),
    );
    babbling = false;
    await world.settle(babbled);
  }
});

test('HE-4 over a line with noise, loss and babble the bus is still read, or fails by name', async () => {
  let read = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const world = new World(seed);
    const { driver } = bus(world, [17], { faults: { lose: 0.02, flip: 0.02, babble: 0.05, pieceBytes: 64 } });
    try {
      const meter = await world.settle(open(driver, 17, LLS, { ...FAST, retries: 6 }));
      const values = await world.settle(meter.get([attributeOf(7, PROFILE), register(3)]));
      assert.ok(values.every((value) => 'data' in value));
      await world.settle(meter.release());
      read++;
    } catch (error) {
      assert.ok(hasCode(error, 'HDLC_NO_ANSWER') || hasCode(error, 'SESSION_TIMEOUT'), String(error));
    }
  }
  assert.ok(read >= 18, `${read} of 20 were read`);
});

/** A transport whose peer accepts the association and answers everything else with the same octets. */
class OneAnswer implements ClientTransport {
  readonly reliable = true;
  readonly maxInFlight = 1;
  #events: TransportEvent[] = [];
  readonly #stations = { client: 1, server: 1 };

  constructor(private readonly answer: string) {}

  connect(): void {
    this.#events.push({ kind: 'link-up', stations: this.#stations });
  }

  send(apdu: Uint8Array): void {
    const associating = apdu.at(0) === 0x60;
    const agreed = {
      apdu: 'initiate-response',
      negotiatedQos: null,
      negotiatedDlmsVersion: 6,
      conformance: 0x10,
      serverMaxReceivePduSize: 0,
      vaaName: 7,
    } as const;
    const said = associating ? encodeApdu(aareOf(0, 0, null, agreed)) : fromHex(this.answer);
    this.#events.push({ kind: 'apdu', apdu: said, stations: this.#stations });
  }

  disconnect(): void {
    this.#events.push({ kind: 'link-down', reason: null, stations: this.#stations });
  }

  receive(): TransportEvent[] {
    return [];
  }

  takeOutput(): Uint8Array[] {
    return [];
  }

  deadlineMs(): number | null {
    return this.#events.length > 0 ? 0 : null;
  }

  tick(): TransportEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}

test('GP-6 an exception from the meter rejects with SESSION_REFUSED and its words', async () => {
  for (const [answer, words] of [
    ['d80102', /service-not-allowed.*service-not-supported/],
    ['0e050301', /read|pdu/i],
  ] as const) {
    const world = new World();
    const driver = new LineDriver(world.lines.create('x').open(), world);
    const meter = await world.settle(openSession(driver, new OneAnswer(answer), {}));
    assert.equal(meter.association.serverPduMaxBytes, 0);
    await assert.rejects(
      world.settle(meter.get([register(1)])),
      (error: unknown) => hasCode(error, 'SESSION_REFUSED') && words.test(String((error as Error).message)),
    );
    await world.settle(meter.release());
  }
});
