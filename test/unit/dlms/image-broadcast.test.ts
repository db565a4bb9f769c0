/** Images to several meters of one RS-485 line at once: blocks to all stations, holes to each, and nothing else to all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../../src/base/bytes.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { type BroadcastForm, broadcastFrames } from '../../../src/dlms/frame/broadcast.ts';
import { serverAddress } from '../../../src/dlms/frame/hdlc-address.ts';
import { HdlcClient } from '../../../src/dlms/frame/hdlc-client.machine.ts';
import { HdlcServer } from '../../../src/dlms/frame/hdlc-server.machine.ts';
import { WrapperClient } from '../../../src/dlms/frame/wrapper.machine.ts';
import { type BroadcastSecurity, blockBroadcast } from '../../../src/dlms/image/image-broadcast.ts';
import { blockData, IMAGE_CLASS, imageObis } from '../../../src/dlms/image/image-object.ts';
import { askForImage, imageRoomOf } from '../../../src/dlms/image/image-session.ts';
import type { ImageOutcome, ImageStep } from '../../../src/dlms/image/image-steps.ts';
import { ImageTransfer } from '../../../src/dlms/image/image-transfer.ts';
import { parseObis } from '../../../src/dlms/index.ts';
import { type SealOptions, sealGeneral } from '../../../src/dlms/security/ciphering.ts';
import { CounterReceiver, CounterSender } from '../../../src/dlms/security/counters.ts';
import { parseMeterKeys } from '../../../src/dlms/security/key-file.ts';
import type { MeterSecurity } from '../../../src/dlms/security/meter-security.ts';
import { SecretKey } from '../../../src/dlms/security/secret-key.ts';
import { type MeterSession, openSession } from '../../../src/dlms/session/meter-session.ts';
import { hlsSignOn } from '../../../src/dlms/session/sign-on.ts';
import type { Apdu } from '../../../src/dlms/xdlms/apdu.ts';
import { encodeApdu } from '../../../src/dlms/xdlms/codec.ts';
import { HOST_CRYPTO } from '../../../src/host/crypto.ts';
import { LineDriver } from '../../../src/link/drive.ts';
import { addressOnLine, makeFleet, type SimMeter, serveLine } from '../../../src/sim/fleet.ts';
import { simImage } from '../../../src/sim/meter/image-file.ts';
import type { BusFraming } from '../../../src/sim/serve/bus.machine.ts';
import { World } from '../link/virtual.ts';
import { profileOf, START_MS } from '../sim/world.ts';

const METERS = 6;
const SAP = 1;
/** 19,200 Bd. */
const OCTETS_PER_S = 1_920;
const OBIS = imageObis();
const IMAGE = simImage('SIM 2.0', 20_000, (count) => new SeededRandom('image').bytes(count));
const BLOCK_OCTETS = 200;
const BLOCKS = IMAGE.length / BLOCK_OCTETS;
const BLOCKS_OF = { image: IMAGE, obis: OBIS, blockOctets: BLOCK_OCTETS };
const ALL_BLOCKS = Array.from({ length: BLOCKS }, (_, at) => at);
const FIRMWARE = { classId: 1, instanceId: parseObis('1-0:0.2.0*255'), attributeId: 2 };
const HDLC: BroadcastForm = { framing: 'hdlc', client: SAP, addressOctets: 4, informationBytes: 128 };

/** Keys of one meter; the broadcast key is that of the line. */
function keysOf(number: number): MeterSecurity {
  const digit = number.toString(16);
  const read = parseMeterKeys(
    [
      `encryptionKey: "${digit.repeat(32)}"`,
      `authenticationKey: "d${'0'.repeat(31)}"`,
      `broadcastKey: "b${'0'.repeat(31)}"`,
      `meterTitle: "4b464d000000000${digit}"`,
      'clientTitle: "4d4d4d0000000001"',
      '',
    ].join('\n'),
  );
  assert.ok(read.ok, JSON.stringify(read));
  return read.security;
}

interface Given {
  readonly framing?: BusFraming;
  readonly loss?: number;
}

/** A line of meters with keys, and sessions with them one at a time. */
class Line {
  readonly world = new World();
  readonly framing: BusFraming;
  readonly securities = Array.from({ length: METERS }, (_, at) => keysOf(at + 1));
  readonly meters: readonly SimMeter[];
  readonly line;
  readonly #duplex;
  readonly #driver: LineDriver;
  readonly #counters = this.securities.map(() => [CounterSender.unreserved(1), new CounterReceiver()] as const);
  readonly #random = new SeededRandom('challenges');
  readonly broadcast: BroadcastSecurity;
  readonly told: string[] = [];

  constructor({ framing = 'hdlc', loss = 0 }: Given = {}) {
    this.framing = framing;
    this.meters = makeFleet(
      {
        seed: 'line',
        count: METERS,
        profiles: [profileOf('generic/idis')],
        timeZone: 'Europe/Berlin',
        nowMs: () => START_MS + this.world.timers.nowMs,
        days: 1,
        households: [],
        securities: new Map(this.securities.entries()),
        broadcastLoss: loss,
      },
      null,
    );
    this.line = this.world.lines.create('bus', { octetsPerS: OCTETS_PER_S });
    serveLine(this.line.attach(), this.meters, framing, this.world, null, {
      event: (meter, event) => {
        if (event.kind === 'discarded') this.told.push(`${meter.device.meterId} ${event.code}`);
      },
    });
    this.#duplex = this.line.open();
    this.#driver = new LineDriver(this.#duplex, this.world);
    const { keys, clientTitle } = this.securities[0] ?? assert.fail();
    assert.ok(clientTitle !== null);
    this.broadcast = { suite: 0, clientTitle, keys, counter: CounterSender.unreserved(1) };
  }

  get nowMs(): number {
    return START_MS + this.world.timers.nowMs;
  }

  get form(): BroadcastForm {
    return this.framing === 'hdlc' ? HDLC : { framing: 'wrapper', client: SAP };
  }

  async write(apdus: Iterable<Uint8Array>): Promise<void> {
    let octets = 0;
    for (const apdu of apdus)
      for (const frame of broadcastFrames(apdu, this.form)) {
        await this.world.settle(this.#duplex.write(frame));
        octets += frame.length;
      }
    await this.world.settle(this.world.timers.sleep(1_000 + (octets / OCTETS_PER_S) * 1_000));
  }

  open(at: number): Promise<MeterSession> {
    const [meter, security, counters] = [this.meters[at], this.securities[at], this.#counters[at]];
    assert.ok(meter !== undefined && security !== undefined && counters !== undefined && security.clientTitle !== null);
    const random = (count: number) => this.#random.bytes(count);
    const transport =
      this.framing === 'hdlc'
        ? new HdlcClient({ client: SAP, server: serverAddress(meter.logicalDevice, meter.hdlcAddress, 4) })
        : new WrapperClient({ client: SAP, server: addressOnLine(meter, at, 'wrapper') });
    const { suite, clientTitle, meterTitle, keys, policy } = security;
    const [counter, serverCounter] = counters;
    return this.world.settle(
      openSession(this.#driver, transport, {
        authentication: hlsSignOn('hls-gmac', security, random),
        security: { suite, clientTitle, serverTitle: meterTitle, keys, policy, counter, serverCounter, random },
      }),
    );
  }

  transfer(broadcast: boolean): ImageTransfer {
    return new ImageTransfer({
      image: {
        octets: IMAGE,
        sha256: toHex(HOST_CRYPTO.sha256(IMAGE)),
        identifier: new TextEncoder().encode('FW2'),
        signature: null,
      },
      obis: OBIS,
      version: FIRMWARE,
      info: 'required',
      activateAtMs: null,
      record: null,
      broadcast,
    });
  }

  /** Takes a transfer as far as it goes alone: its end, or the broadcast that it waits for. */
  async drive(at: number, transfer: ImageTransfer): Promise<ImageOutcome | Extract<ImageStep, { kind: 'broadcast' }>> {
    let session: MeterSession | null = null;
    try {
      for (let steps = 0; steps < 1_000; steps++) {
        const step = transfer.next(this.nowMs);
        if (step.kind === 'end') return step.outcome;
        if (step.kind === 'broadcast') return step;
        if (step.kind === 'wait') {
          await this.world.settle(this.world.timers.sleep(step.delayMs));
          transfer.waited();
          continue;
        }
        session ??= await this.open(at).catch(() => null);
        if (session === null) {
          // The meter restarts.
          transfer.answer({ kind: 'lost' }, this.nowMs);
          continue;
        }
        transfer.associated(imageRoomOf(session));
        const answer = await this.world.settle(askForImage(session, step));
        if (answer.kind === 'lost') {
          await this.world.settle(session.release().catch(() => undefined));
          session = null;
        }
        transfer.answer(answer, this.nowMs);
      }
      throw new Error('the transfer never ends');
    } finally {
      if (session !== null) await this.world.settle(session.release().catch(() => undefined));
    }
  }
}

/** The image into every meter of a line; gives the octets on it. */
async function roll(
  given: Given & { readonly broadcast: boolean },
): Promise<{ line: Line; octets: number; ms: number }> {
  const line = new Line(given);
  const transfers = line.meters.map(() => line.transfer(given.broadcast));
  if (given.broadcast) {
    for (const [at, transfer] of transfers.entries())
      assert.deepEqual(await line.drive(at, transfer), {
        kind: 'broadcast',
        blockOctets: BLOCK_OCTETS,
        numbers: ALL_BLOCKS,
      });
    await line.write(ALL_BLOCKS.map((number) => blockBroadcast(BLOCKS_OF, number, line.broadcast)));
    for (const transfer of transfers) transfer.answer({ kind: 'result', code: 0 }, line.nowMs);
    const there = line.meters.map(({ device }) => device.firmware.blocksThere?.filter(Boolean).length ?? 0);
    if ((given.loss ?? 0) > 0) for (const count of there) assert.ok(count > 0 && count < BLOCKS, `${count} blocks`);
    else assert.deepEqual(new Set(there), new Set([BLOCKS]));
  }
  for (const [at, transfer] of transfers.entries())
    assert.deepEqual(await line.drive(at, transfer), {
      kind: 'activated',
      version: 'SIM 2.0',
      versionBefore: 'SIM 1.0',
    });
  assert.deepEqual(
    line.meters.map(({ device }) => device.firmware.version),
    line.meters.map(() => 'SIM 2.0'),
  );
  return { line, octets: line.line.octets, ms: line.world.timers.nowMs };
}

test('PROV-2 six meters of an RS-485 line that lose one broadcast block in ten each end with the right image, for fewer octets', async () => {
  const unicast = await roll({ broadcast: false });
  const broadcast = await roll({ broadcast: true, loss: 0.1 });
  assert.ok(broadcast.octets < unicast.octets / 2, `${broadcast.octets} octets, one by one ${unicast.octets}`);
  assert.ok(broadcast.ms < unicast.ms, `${broadcast.ms} ms, one by one ${unicast.ms} ms`);
  assert.deepEqual(broadcast.line.told, []);
});

test('PROV-2 over the wrapper the blocks go to port 7F of all meters behind a socket', async () => {
  await roll({ framing: 'wrapper', broadcast: true });
});

test('a broadcast that does not come is made up for one by one', async () => {
  const line = new Line();
  const transfer = line.transfer(true);
  assert.equal((await line.drive(0, transfer)).kind, 'broadcast');
  transfer.answer({ kind: 'lost' }, line.nowMs);
  assert.equal((await line.drive(0, transfer)).kind, 'activated');
});

test('ALA-6 the broadcast key brings blocks of an image and nothing else; who misuses it is not answered', async () => {
  const line = new Line();
  const transfer = line.transfer(true);
  assert.equal((await line.drive(0, transfer)).kind, 'broadcast');
  const { firmware } = line.meters[0]?.device ?? assert.fail();
  const there = () => firmware.blocksThere?.filter(Boolean).length;
  const { keys, clientTitle, suite } = line.broadcast;
  const block = { type: 'null-data' } as const;
  const invocation = { invokeId: 0, confirmed: false, highPriority: false };
  const action = (methodId: number, classId = IMAGE_CLASS, confirmed = false): Apdu => ({
    apdu: 'action-request-normal',
    ...invocation,
    confirmed,
    method: { classId, instanceId: OBIS, methodId },
    parameters: methodId === 2 ? blockData(0, IMAGE.subarray(0, BLOCK_OCTETS)) : { type: 'integer', value: 0 },
  });
  let counter = 100;
  const seal = (apdu: Apdu, change: Partial<SealOptions> = {}) =>
    encodeApdu(
      sealGeneral(encodeApdu(apdu), {
        suite,
        keys,
        title: clientTitle,
        invocationCounter: counter++,
        keySet: 'broadcast',
        authenticated: true,
        encrypted: true,
        ...change,
      }),
    );
  const attribute = { classId: IMAGE_CLASS, instanceId: OBIS, attributeId: 5 };
  const other = { ...keys, broadcast: new SecretKey(new Uint8Array(16).fill(9)) };
  const good = seal(action(2));
  const POLICY = 'SECURITY_POLICY';
  const table: readonly (readonly [string, Uint8Array, string])[] = [
    ['in clear', encodeApdu(action(2)), POLICY],
    ['under the unicast key', seal(action(2), { keySet: 'unicast' }), POLICY],
    ['under another broadcast key', seal(action(2), { keys: other }), 'SECURITY_TAG'],
    ['not authenticated', seal(action(2), { authenticated: false }), POLICY],
    ['not encrypted', seal(action(2), { encrypted: false }), POLICY],
    ['a block that wants an answer', seal(action(2, IMAGE_CLASS, true)), POLICY],
    ['initiate', seal(action(1)), POLICY],
    ['verify', seal(action(3)), POLICY],
    ['activate', seal(action(4)), POLICY],
    ['the relay', seal(action(2, 70)), POLICY],
    ['a read', seal({ apdu: 'get-request-normal', ...invocation, attribute, access: null }), POLICY],
    ['a write', seal({ apdu: 'set-request-normal', ...invocation, attribute, access: null, value: block }), POLICY],
    ['the title of another', seal(action(2), { title: new Uint8Array(8).fill(7) }), 'SECURITY_TITLE'],
    ['octets', Uint8Array.of(0xff), 'DLMS_APDU_TAG'],
  ];
  const codesOf = () => new Set(line.told.map((told) => told.split(' ')[1]));
  const before = line.line.octets;
  let sent = 0;
  for (const [what, apdu, code] of table) {
    line.told.length = 0;
    await line.write([apdu]);
    sent += broadcastFrames(apdu, line.form).reduce((sum, { length }) => sum + length, 0);
    assert.deepEqual(codesOf(), new Set([code]), what);
    assert.equal(line.told.length, METERS, what);
    assert.equal(there(), 0, what);
  }
  assert.equal(line.line.octets - before, sent, 'nobody says a word');
  line.told.length = 0;
  await line.write([seal(action(2))]);
  assert.equal(there(), 1, 'a good one is taken');
  assert.deepEqual([...line.told], []);
  await line.write([good]);
  assert.deepEqual(codesOf(), new Set(['SECURITY_REPLAY']));
  assert.equal(line.meters[0]?.device.firmware.version, 'SIM 1.0');
});

test('a message in UI frames that lost a segment is nothing; the next one is whole', () => {
  const server = new HdlcServer({ physicalDevice: 17 });
  const apdu = Uint8Array.from({ length: 300 }, (_, at) => at & 0xff);
  const [first, second, third] = broadcastFrames(apdu, { ...HDLC, informationBytes: 128 });
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  const heard = (...frames: readonly Uint8Array[]) =>
    frames
      .flatMap((frame) => server.receive(frame, 0))
      .map((event) => (event.kind === 'unsolicited' ? event.apdu : event.kind));
  assert.deepEqual(heard(first, second, third), [apdu]);
  assert.deepEqual(heard(second, third), ['discarded'], 'the head is gone');
  assert.deepEqual(heard(first), []);
  assert.deepEqual(heard(first, second, third), [apdu], 'a new head begins anew');
  assert.deepEqual(server.takeOutput(), []);
});
