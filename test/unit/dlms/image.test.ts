/** Image transfer against a simulated meter with real state, on a virtual line: every step can fail. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../../src/base/bytes.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { HDLC_DEFAULTS } from '../../../src/dlms/frame/hdlc-parameters.ts';
import { IMAGE_ERRORS, type ImageErrorCode } from '../../../src/dlms/image/errors.ts';
import { imageInfoData, imageObis } from '../../../src/dlms/image/image-object.ts';
import { askForImage, imageRoomOf } from '../../../src/dlms/image/image-session.ts';
import type { ImageAnswer, ImageOutcome, ImageRecord, ImageStep } from '../../../src/dlms/image/image-steps.ts';
import { ImageTransfer } from '../../../src/dlms/image/image-transfer.ts';
import { parseObis } from '../../../src/dlms/index.ts';
import { CounterReceiver, CounterSender } from '../../../src/dlms/security/counters.ts';
import { SecretKey } from '../../../src/dlms/security/secret-key.ts';
import { PROTECTED, type SecurityPolicy } from '../../../src/dlms/security/secure-channel.ts';
import type { MeterSession } from '../../../src/dlms/session/meter-session.ts';
import type { MeterAnswer, MeterRequest } from '../../../src/dlms/session/request.ts';
import { HOST_CRYPTO } from '../../../src/host/crypto.ts';
import type { ImageFaults } from '../../../src/sim/meter/firmware.ts';
import { simImage } from '../../../src/sim/meter/image-file.ts';
import type { BusFraming } from '../../../src/sim/serve/bus.machine.ts';
import { Desk } from '../sim/world.ts';
import { Pair } from './session/pair.ts';

const IDENTIFIER = new TextEncoder().encode('FW2');
const IMAGE = simImage('SIM 2.0', 5_000, (count) => new SeededRandom('image').bytes(count));
const BLOCKS = 25;
const TITLE = new TextEncoder().encode('MMM00001');
const KEYS = {
  encryption: new SecretKey(new Uint8Array(16).fill(1)),
  authentication: new SecretKey(new Uint8Array(16).fill(2)),
};
const ALL_PROTECTED: SecurityPolicy = { requests: PROTECTED, responses: PROTECTED };
const FIRMWARE = { classId: 1, instanceId: parseObis('1-0:0.2.0*255'), attributeId: 2 };

interface Told {
  readonly outcome: ImageOutcome;
  readonly invoked: readonly number[];
  /** Numbers of the blocks as they were sent. */
  readonly blocks: readonly number[];
  readonly waitedMs: number;
  readonly record: ImageRecord;
}

interface Options {
  readonly framing?: BusFraming;
  readonly image?: Uint8Array;
  readonly record?: ImageRecord | null;
  readonly activateAfterMs?: number;
  readonly info?: 'required' | 'optional';
  readonly signature?: Uint8Array;
  /** Ends the driver, as a kill does, right before this step is carried out. */
  readonly killBefore?: (step: ImageStep, blocks: number) => boolean;
}

/** Drives a transfer as whoever owns a line would. */
class ImageDesk {
  readonly desk: Desk;
  #session: MeterSession | null = null;

  constructor(faults: ImageFaults = {}, framing: BusFraming = 'wrapper') {
    this.desk = new Desk(framing);
    this.firmware.fail(faults);
  }

  get firmware() {
    return this.desk.meter.device.firmware;
  }

  async run(options: Options = {}): Promise<Told> {
    const octets = options.image ?? IMAGE;
    const transfer = new ImageTransfer({
      image: {
        octets,
        sha256: toHex(HOST_CRYPTO.sha256(octets)),
        identifier: IDENTIFIER,
        signature: options.signature ?? null,
      },
      obis: imageObis(),
      version: FIRMWARE,
      info: options.info ?? 'required',
      activateAtMs: options.activateAfterMs === undefined ? null : this.desk.nowMs + options.activateAfterMs,
      record: options.record ?? null,
    });
    const invoked: number[] = [];
    const blocks: number[] = [];
    let waitedMs = 0;
    for (let steps = 0; steps < 2_000; steps++) {
      const step = transfer.next(this.desk.nowMs);
      const told = () => ({ invoked, blocks, waitedMs, record: transfer.record });
      if (step.kind === 'end') return { outcome: step.outcome, ...told() };
      if (options.killBefore?.(step, blocks.length) === true) {
        await this.#drop();
        return { outcome: { kind: 'failed', code: 'IMAGE_STATE', detail: 'killed' }, ...told() };
      }
      if (step.kind === 'wait') {
        waitedMs += step.delayMs;
        await this.desk.pass(step.delayMs);
        transfer.waited();
        continue;
      }
      if (step.kind === 'invoke') {
        invoked.push(step.method.methodId);
        if (step.method.methodId === 2 && step.parameters.type === 'structure') {
          const [number] = step.parameters.value;
          if (number?.type === 'double-long-unsigned') blocks.push(number.value);
        }
      }
      await this.#ask(transfer, step);
    }
    assert.fail('the transfer never ends');
  }

  async #drop(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    if (session !== null) await this.desk.settle(session.release());
  }

  async #ask(transfer: ImageTransfer, step: ImageStep): Promise<void> {
    try {
      this.#session ??= await this.desk.open('control');
    } catch {
      transfer.answer({ kind: 'lost' }, this.desk.nowMs);
      return;
    }
    transfer.associated(imageRoomOf(this.#session));
    const answer = await this.desk.settle(askForImage(this.#session, step));
    if (answer.kind === 'lost') await this.#drop();
    transfer.answer(answer, this.desk.nowMs);
  }
}

const ALL = Array.from({ length: BLOCKS }, (_, at) => at);
const DONE = { kind: 'activated', version: 'SIM 2.0', versionBefore: 'SIM 1.0' };

function count(numbers: readonly number[], wanted: number): number {
  return numbers.filter((each) => each === wanted).length;
}

for (const framing of ['wrapper', 'hdlc'] as const) {
  test(`SG-FW-1 an image goes in over ${framing}, is activated, and the meter says its new version`, async () => {
    const desk = new ImageDesk({}, framing);
    const { outcome, blocks, invoked } = await desk.run();
    assert.deepEqual(outcome, DONE);
    assert.deepEqual(blocks, ALL);
    assert.deepEqual(
      [1, 3, 4].map((method) => count(invoked, method)),
      [1, 1, 1],
    );
    assert.equal(desk.firmware.version, 'SIM 2.0');
  });
}

const REFUSALS: readonly (readonly [string, ImageFaults, ImageErrorCode, Options?])[] = [
  ['image transfer is locked', { disabled: 'locked' }, 'IMAGE_DISABLED'],
  ['initiate is refused', { refuseInitiate: 3 }, 'IMAGE_INITIATE'],
  ['initiate stays a temporary failure', { refuseInitiate: 2 }, 'IMAGE_INITIATE'],
  ['a block is refused', { refuseBlock: { number: 7, result: 250, times: 1 } }, 'IMAGE_BLOCK'],
  ['a block stays a temporary failure', { refuseBlock: { number: 7, result: 2, times: 1_000 } }, 'IMAGE_BLOCK'],
  ['a block never stays', { deafToBlocks: [4] }, 'IMAGE_NO_PROGRESS'],
  ['a block never stays and there is no bitmap', { deafToBlocks: [4], noBitmap: true }, 'IMAGE_NO_PROGRESS'],
  ['the first missing block is wrong and there is no bitmap', { wrongFirst: 3, noBitmap: true }, 'IMAGE_NO_PROGRESS'],
  ['verification fails', { failVerify: true }, 'IMAGE_VERIFY'],
  ['verification does not end', { temporary: 1_000 }, 'IMAGE_VERIFY_TIMEOUT'],
  ['the meter names another image', { wrongInfo: true }, 'IMAGE_OTHER'],
  ['the meter names another signature', {}, 'IMAGE_OTHER', { signature: new Uint8Array(64) }],
  ['activation fails', { failActivate: true }, 'IMAGE_ACTIVATE'],
  [
    'the image is forgotten again and again',
    { powerLossAtBlock: 5, forgets: true, deafToBlocks: [9] },
    'IMAGE_NO_PROGRESS',
  ],
];

for (const [what, faults, code, options] of REFUSALS) {
  test(`image transfer ends with ${code} when ${what}, and the meter runs what it ran`, async () => {
    const desk = new ImageDesk(faults);
    const { outcome } = await desk.run(options);
    assert.equal(outcome.kind === 'failed' && outcome.code, code, JSON.stringify(outcome));
    assert.equal(desk.firmware.version, 'SIM 1.0');
  });
}

for (const flipBitAt of ['arriving', 'stored', 'verifying'] as const) {
  test(`one bit turned over ${flipBitAt} is found by the signature and never activated`, async () => {
    const desk = new ImageDesk({ flipBitAt });
    const { outcome, invoked } = await desk.run();
    assert.equal(outcome.kind === 'failed' && outcome.code, 'IMAGE_VERIFY');
    assert.equal(count(invoked, 4), 0);
    assert.equal(desk.firmware.version, 'SIM 1.0');
  });
}

test('an image that was changed before it was sent is found by the signature', async () => {
  const swapped = IMAGE.map((octet, at) => (at === 2_500 ? octet ^ 1 : octet));
  const { outcome } = await new ImageDesk().run({ image: swapped });
  assert.equal(outcome.kind === 'failed' && outcome.code, 'IMAGE_VERIFY');
});

const REPAIRS: readonly (readonly [string, ImageFaults, readonly number[]])[] = [
  ['blocks are lost: the bitmap names them all at once', { loseBlocks: [3, 11, 24] }, [...ALL, 3, 11, 24]],
  [
    'there is no bitmap: attribute 4 names one after the other',
    { loseBlocks: [3, 24], noBitmap: true },
    [...ALL, 3, 24],
  ],
  ['attribute 4 is wrong: the bitmap is believed', { wrongFirst: 3 }, ALL],
  ['image transfer was off', { disabled: 'open' }, ALL],
  [
    'a block meets a temporary failure',
    { refuseBlock: { number: 2, result: 2, times: 3 } },
    [0, 1, 2, 2, 2, ...ALL.slice(2)],
  ],
  ['verifying and activating take their time', { temporary: 3 }, ALL],
];

for (const [what, faults, sent] of REPAIRS) {
  test(`an image goes in all the same when ${what}`, async () => {
    const { outcome, blocks } = await new ImageDesk(faults).run();
    assert.deepEqual(outcome, DONE);
    assert.deepEqual(blocks, sent);
  });
}

test('a lost answer is never a repeat: the state is read, and each method is carried out once', async () => {
  const { outcome, invoked, blocks } = await new ImageDesk({ loseAnswerOf: [1, 2, 3, 4] }).run();
  assert.deepEqual(outcome, DONE);
  assert.deepEqual(
    [1, 3, 4].map((method) => count(invoked, method)),
    [1, 1, 1],
  );
  assert.deepEqual(blocks, ALL, 'a block whose answer was lost is not sent again');
});

test('after a power failure the image goes on where the meter is; only what it forgot goes again', async () => {
  const kept = await new ImageDesk({ powerLossAtBlock: 12 }).run();
  assert.deepEqual(kept.outcome, DONE);
  assert.deepEqual(kept.blocks, [...ALL.slice(0, 13), ...ALL.slice(12)]);
  const forgotten = await new ImageDesk({ powerLossAtBlock: 12, forgets: true }).run();
  assert.deepEqual(forgotten.outcome, DONE);
  assert.deepEqual(forgotten.blocks, [...ALL.slice(0, 13), ...ALL]);
});

test('IT-6 a driver killed before any step goes on from its record: no block twice, no method twice', async () => {
  const image = simImage('SIM 2.0', 1_100, (bytes) => new SeededRandom('small').bytes(bytes));
  for (let at = 1; at < 50; at++) {
    const desk = new ImageDesk();
    let step = 0;
    const killed = await desk.run({ image, killBefore: () => ++step > at });
    const { outcome, blocks, invoked } = await desk.run({ image, record: killed.record });
    assert.deepEqual(outcome, DONE, `killed before step ${at}`);
    assert.deepEqual([...killed.blocks, ...blocks], [0, 1, 2, 3, 4, 5], `killed before step ${at}`);
    for (const method of [1, 3, 4])
      assert.equal(count(killed.invoked, method) + count(invoked, method), 1, `method ${method}, step ${at}`);
    if (killed.outcome.kind === 'activated') break;
  }
});

test('without a record a meter that names our image goes on, another image is begun anew', async () => {
  const own = new ImageDesk();
  await own.run({ killBefore: (step) => step.kind === 'invoke' && step.method.methodId === 4 });
  const again = await own.run();
  assert.deepEqual(again.outcome, DONE);
  assert.deepEqual(again.blocks, [], 'it was verified already');
  const other = new ImageDesk();
  await other.run({ killBefore: (_step, blocks) => blocks === 5 });
  const anew = await other.run();
  assert.deepEqual(anew.outcome, DONE);
  assert.deepEqual(anew.blocks, ALL);
});

test('an image that waits for its hour is activated no earlier', async () => {
  const { outcome, waitedMs } = await new ImageDesk().run({ activateAfterMs: 7_200_000 });
  assert.deepEqual(outcome, DONE);
  assert.ok(waitedMs >= 7_100_000, `${waitedMs} ms`);
});

/** A transfer whose meter is a list of answers. */
function scripted(record: Partial<ImageRecord> | null = null, pduMaxBytes = 0): ImageTransfer {
  const sha256 = toHex(HOST_CRYPTO.sha256(IMAGE));
  const full = {
    sha256,
    identifier: toHex(IDENTIFIER),
    phase: 'new',
    nextBlock: 0,
    blocks: 25,
    versionBefore: null,
  } as const;
  const transfer = new ImageTransfer({
    image: { octets: IMAGE, sha256, identifier: IDENTIFIER, signature: null },
    obis: imageObis(),
    version: null,
    info: 'required',
    activateAtMs: null,
    record: record === null ? null : { ...full, ...record },
  });
  transfer.associated({ pduMaxBytes, canSplit: false });
  return transfer;
}

const u32 = (value: number) => ({ data: { type: 'double-long-unsigned', value } }) as const;
const status = (value: number) => ({ data: { type: 'enum', value } }) as const;
const looked = (value: number) => [status(value), u32(200), { data: { type: 'boolean', value: true } as const }];

function outcomeOf(transfer: ImageTransfer, nowMs: number): string {
  const step = transfer.next(nowMs);
  assert.equal(step.kind, 'end', JSON.stringify(step));
  return step.kind === 'end' && step.outcome.kind === 'failed' ? step.outcome.code : '';
}

test('what no simulated meter does has a name too', () => {
  const absent = scripted();
  absent.next(0);
  absent.answer({ kind: 'values', results: [{ dataAccessResult: 4 }, { dataAccessResult: 4 }] }, 0);
  assert.equal(outcomeOf(absent, 0), 'IMAGE_NOT_THERE');

  const busy = scripted();
  busy.next(0);
  busy.answer({ kind: 'values', results: looked(5) }, 0);
  assert.equal(outcomeOf(busy, 3_600_000), 'IMAGE_BUSY');

  const narrow = scripted(null, 100);
  narrow.next(0);
  narrow.answer({ kind: 'values', results: looked(0) }, 0);
  const resize = narrow.next(0);
  assert.ok(resize.kind === 'set' && resize.value.type === 'double-long-unsigned' && resize.value.value === 76);
  narrow.answer({ kind: 'result', code: 3 }, 0);
  narrow.next(0);
  narrow.answer({ kind: 'values', results: looked(0) }, 0);
  assert.equal(outcomeOf(narrow, 0), 'IMAGE_BLOCK_SIZE');

  const gone = scripted({ phase: 'verifying' });
  gone.next(0);
  gone.answer({ kind: 'values', results: looked(3) }, 0);
  gone.next(0);
  const info = imageInfoData([{ sizeOctets: IMAGE.length, identifier: IDENTIFIER, signature: new Uint8Array(0) }]);
  gone.answer({ kind: 'values', results: [{ data: info }] }, 0);
  gone.next(0);
  gone.answer({ kind: 'values', results: [status(3)] }, 0);
  assert.equal(gone.next(0).kind, 'invoke');
  gone.answer({ kind: 'lost' }, 0);
  assert.equal(gone.next(0).kind, 'wait');
  assert.equal(outcomeOf(gone, 3_600_000), 'IMAGE_ACTIVATE_TIMEOUT');

  const meddled = scripted({ phase: 'activating' });
  meddled.next(0);
  meddled.answer({ kind: 'values', results: looked(1) }, 0);
  assert.equal(outcomeOf(meddled, 0), 'IMAGE_STATE');
});

test('interop 5: ciphered blocks of 200 octets over HDLC fields of 128, with and without room for them in a message', () => {
  for (const [serverPduMaxBytes, wanted] of [
    [1_024, 200],
    [160, 160 - 22 - 24],
  ] as const) {
    const desk = new Desk('wrapper');
    const { firmware } = desk.meter.device;
    const security = { suite: 0, clientTitle: null, keys: KEYS, policy: ALL_PROTECTED } as const;
    const pair = new Pair({
      framing: 'hdlc',
      sap: 1,
      parameters: { ...HDLC_DEFAULTS, informationTransmitBytes: 128, informationReceiveBytes: 128 },
      serverPduMaxBytes,
      model: desk.meter.model,
      systemTitle: TITLE,
      random: (bytes) => new Uint8Array(bytes).fill(9),
      clients: [
        {
          sap: 1,
          authentication: { mechanism: 'hls-gmac' },
          security: { ...security, counter: CounterSender.unreserved(1), clientCounter: new CounterReceiver() },
        },
      ],
      client: {
        authentication: { mechanism: 'hls-gmac', challenge: new Uint8Array(16).fill(7) },
        security: {
          ...security,
          clientTitle: Uint8Array.of(...TITLE.subarray(0, 7), 1),
          serverTitle: TITLE,
          counter: CounterSender.unreserved(1),
          serverCounter: new CounterReceiver(),
        },
      },
    });
    assert.ok(pair.connect(), String(pair.closed?.code));
    const transfer = scripted();
    const { association } = pair;
    transfer.associated(imageRoomOf({ association }));
    for (let step = transfer.next(0); step.kind !== 'end'; step = transfer.next(0)) {
      if (step.kind === 'wait') {
        transfer.waited();
        continue;
      }
      if (step.kind === 'broadcast' || (step.kind === 'invoke' && step.method.methodId === 4)) break;
      const outcome = pair.ask(requestOfStep(step));
      assert.equal(outcome.kind, 'answered', JSON.stringify(outcome));
      if (outcome.kind === 'answered') transfer.answer(answerOf(outcome.answer), 0);
    }
    assert.equal(firmware.blockOctets, wanted);
    assert.deepEqual(transfer.record.phase, 'activating');
    assert.ok(firmware.blocksThere?.every(Boolean));
  }
});

function requestOfStep(step: Exclude<ImageStep, { readonly kind: 'wait' | 'end' | 'broadcast' }>): MeterRequest {
  if (step.kind === 'get') return { service: 'get', items: step.items.map((item) => ({ ...item, access: null })) };
  if (step.kind === 'set')
    return { service: 'set', items: [{ attribute: { ...step.item, access: null }, value: step.value }] };
  return { service: 'action', items: [{ method: step.method, parameters: step.parameters }] };
}

function answerOf(answer: MeterAnswer): ImageAnswer {
  if (answer.service === 'get') return { kind: 'values', results: answer.results };
  if (answer.service === 'set') return { kind: 'result', code: answer.results[0] ?? 250 };
  if (answer.service === 'action') return { kind: 'result', code: answer.results[0]?.actionResult ?? 250 };
  return { kind: 'lost' };
}

test('every code says what to do in one sentence', () => {
  for (const [code, row] of Object.entries(IMAGE_ERRORS)) assert.match(row.sentence, /^[A-Z].*\.$/, code);
});

test('a wait is nothing to ask: it is answered like a question that was lost, and a fault of ours is not', async () => {
  const nobody = {
    get: () => Promise.reject(new RangeError('ours')),
    set: () => Promise.resolve([]),
    action: () => Promise.resolve([]),
  } as unknown as Parameters<typeof askForImage>[0];
  assert.deepEqual(await askForImage(nobody, { kind: 'wait', delayMs: 1 } as ImageStep), { kind: 'lost' });
  const get = { kind: 'get', items: [FIRMWARE] } as unknown as ImageStep;
  await assert.rejects(askForImage(nobody, get), RangeError);
});
