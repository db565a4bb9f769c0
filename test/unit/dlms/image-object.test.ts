/** The image transfer object as values, and a transfer whose meter is a list of answers: bounds, states and patience. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Data } from '../../../src/dlms/axdr/data.ts';
import {
  blockData,
  blockRoomOctets,
  blocksStatusData,
  IMAGE_STATUSES,
  imageInfoData,
  imageInfosOf,
  imageObis,
  imageStatusOf,
  missingBlocks,
  numberAndOctets,
  versionText,
  wholeNumber,
} from '../../../src/dlms/image/image-object.ts';
import type { ImagePhase, ImageStep, ImageTransferOptions } from '../../../src/dlms/image/image-steps.ts';
import { ImageTransfer } from '../../../src/dlms/image/image-transfer.ts';
import {
  ACTIVATE_MAX_MS,
  BLOCK_RETRIES_MAX,
  IMAGE_BLOCKS_MAX,
  INITIATE_MAX_MS,
  LOST_WAIT_MAX_MS,
  LOST_WAIT_MIN_MS,
  METHOD_ATTEMPTS_MAX,
  VERIFY_MAX_MS,
} from '../../../src/dlms/image/limits.ts';

const octets = (value: Uint8Array = Uint8Array.of(7)): Data => ({ type: 'octet-string', value });
const u32 = (value: number): Data => ({ type: 'double-long-unsigned', value });
const enumOf = (value: number): Data => ({ type: 'enum', value });
const yes = (value: boolean): Data => ({ type: 'boolean', value });
const structure = (...value: Data[]): Data => ({ type: 'structure', value });
const NULL: Data = { type: 'null-data' };

test('numbers and octets of a method are taken in either order, and in the widths that meters send', () => {
  const both = { number: 3, octets: Uint8Array.of(7) };
  assert.deepEqual(numberAndOctets(blockData(3, Uint8Array.of(7))), both);
  assert.deepEqual(numberAndOctets(structure(octets(), u32(3))), both);
  for (const bad of [
    null,
    u32(3),
    structure(u32(3)),
    structure(u32(3), octets(), NULL),
    structure(u32(3), u32(3)),
    structure(octets(), octets()),
    structure(NULL, octets()),
  ])
    assert.equal(numberAndOctets(bad), null, JSON.stringify(bad));
  for (const type of ['unsigned', 'long-unsigned', 'double-long-unsigned', 'enum'] as const)
    assert.equal(wholeNumber({ type, value: 9 }), 9);
  for (const bad of [{ type: 'integer', value: 9 }, { type: 'boolean', value: true }, NULL] as const)
    assert.equal(wholeNumber(bad), null);
});

test('status, entries, bitmap and version as they are, or null where they are none', () => {
  assert.deepEqual(
    IMAGE_STATUSES.map((_, at) => imageStatusOf(enumOf(at))),
    [...IMAGE_STATUSES],
  );
  assert.deepEqual([imageStatusOf(enumOf(8)), imageStatusOf(NULL)], [null, null]);
  const info = { sizeOctets: 5, identifier: Uint8Array.of(1), signature: Uint8Array.of(2) };
  assert.deepEqual(imageInfosOf(imageInfoData([info])), [info]);
  assert.deepEqual(imageInfosOf(structure(u32(5), octets())), []);
  const entries = [
    structure(u32(5), octets()),
    u32(5),
    structure(octets(), octets()),
    structure(u32(5), u32(5)),
    structure(),
  ];
  assert.deepEqual(imageInfosOf({ type: 'array', value: entries }), [
    { sizeOctets: 5, identifier: Uint8Array.of(7), signature: new Uint8Array(0) },
  ]);
  const bitmap = blocksStatusData([true, false, true, false]);
  assert.deepEqual([missingBlocks(bitmap, 4), missingBlocks(bitmap, 3), missingBlocks(bitmap, 5)], [[1, 3], [1], null]);
  assert.equal(missingBlocks(octets(), 1), null);
  assert.deepEqual(
    [blockRoomOctets(0), blockRoomOctets(24), blockRoomOctets(25), blockRoomOctets(1)],
    [...[Number.POSITIVE_INFINITY, 0, 1, 0]],
  );
  for (const [data, text] of [
    [null, null],
    [{ type: 'visible-string', value: '1.0' }, '1.0'],
    [{ type: 'utf8-string', value: 'ü' }, 'ü'],
    [octets(new TextEncoder().encode(' ~')), ' ~'],
    [octets(Uint8Array.of(0x41, 0x1f)), '411f'],
    [octets(Uint8Array.of(0x41, 0x7f)), '417f'],
    [octets(new Uint8Array(0)), ''],
    [u32(1), null],
  ] as const)
    assert.equal(versionText(data), text);
});

const IMAGE = { octets: new Uint8Array(500), sha256: 'aa', identifier: Uint8Array.of(0x31), signature: null };
const INFO = imageInfoData([{ sizeOctets: 500, identifier: IMAGE.identifier, signature: new Uint8Array(0) }]);

/** A transfer, and a meter that answers what it is told to. */
class Told {
  readonly transfer: ImageTransfer;
  nowMs = 0;

  constructor(phase: ImagePhase | null, more: Partial<ImageTransferOptions> = {}) {
    const record = {
      sha256: 'aa',
      identifier: '31',
      phase: phase ?? 'new',
      nextBlock: 0,
      blocks: 0,
      versionBefore: '1',
    };
    this.transfer = new ImageTransfer({
      ...{ image: IMAGE, obis: imageObis(), version: null, info: 'required', activateAtMs: null },
      record: phase === null ? null : record,
      ...more,
    });
    this.transfer.associated({ pduMaxBytes: 0, canSplit: true });
  }

  /** What is asked next: attributes, `set` attribute, `do` method, `wait`, or how it ended. */
  get next(): string {
    return this.ask();
  }

  ask(): string {
    const step: ImageStep = this.transfer.next(this.nowMs);
    if (step.kind === 'get') return step.items.map(({ attributeId }) => attributeId).join();
    if (step.kind === 'set') return `set ${step.item.attributeId}`;
    if (step.kind === 'invoke') return `do ${step.method.methodId}`;
    if (step.kind === 'wait') return `wait ${step.delayMs}`;
    if (step.kind === 'broadcast') return `broadcast ${step.numbers.length}`;
    return step.outcome.kind === 'failed' ? `${step.outcome.code} ${step.outcome.detail}` : 'activated';
  }

  values(...data: readonly (Data | null)[]): this {
    this.ask();
    const results = data.map((each) => (each === null ? { dataAccessResult: 3 } : { data: each }));
    this.transfer.answer({ kind: 'values', results }, this.nowMs);
    return this;
  }

  looked(status: number, size = 200, enabled: Data | null = yes(true)): this {
    return this.values(enumOf(status), u32(size), enabled);
  }

  result(code: number): this {
    this.ask();
    this.transfer.answer({ kind: 'result', code }, this.nowMs);
    return this;
  }

  lost(): this {
    this.ask();
    this.transfer.answer({ kind: 'lost' }, this.nowMs);
    return this;
  }

  waited(ms?: number): this {
    this.transfer.waited(ms);
    return this;
  }
}

test('IT-6 where a transfer goes on, from what it did before and what the meter says of itself', () => {
  for (const [phase, status, next] of [
    ['new', 0, 'do 1'],
    ['new', 1, '7'],
    ['new', 3, '7'],
    ['new', 4, 'do 1'],
    ['new', 6, 'do 1'],
    ['new', 7, 'do 1'],
    ['initiating', 0, 'do 1'],
    ['initiating', 1, 'do 1'],
    ['transferring', 0, 'do 1'],
    ['transferring', 1, '4,3'],
    ['transferring', 3, '7'],
    ['transferring', 4, 'IMAGE_VERIFY '],
    ['verifying', 0, 'do 1'],
    ['verifying', 1, 'do 3'],
    ['verifying', 3, '7'],
    ['verifying', 4, 'IMAGE_VERIFY '],
    ['activating', 0, '6'],
    ['activating', 1, 'IMAGE_STATE initiated'],
    ['activating', 3, 'do 4'],
    ['activating', 4, 'IMAGE_STATE verification-failed'],
    ['activating', 6, '6'],
    ['activating', 7, 'IMAGE_ACTIVATE activation-failed'],
    ...(['new', 'initiating', 'transferring', 'verifying', 'activating'] as const).flatMap((each) =>
      [2, 5].map((busy) => [each, busy, 'wait 5000'] as const),
    ),
  ] as const)
    assert.equal(
      new Told(phase).looked(status).next.replace(/^wait \d+$/, 'wait 5000'),
      next,
      `${phase}, status ${status}`,
    );
});

test('IT-6 a record counts for its own image and identifier only', () => {
  const record = {
    sha256: 'aa',
    identifier: '31',
    phase: 'verifying',
    nextBlock: 0,
    blocks: 3,
    versionBefore: '1',
  } as const;
  for (const [changed, phase] of [
    [{}, 'verifying'],
    [{ sha256: 'ab' }, 'new'],
    [{ identifier: '32' }, 'new'],
  ] as const) {
    const { transfer } = new Told(null, { record: { ...record, ...changed } });
    assert.equal(transfer.record.phase, phase);
    assert.deepEqual([transfer.record.blocks, transfer.record.versionBefore], phase === 'new' ? [0, null] : [3, '1']);
  }
});

test('what a meter must tell of itself, and what it may not say for ever', () => {
  for (const [status, size] of [
    [null, u32(200)],
    [enumOf(0), null],
    [enumOf(9), u32(200)],
    [enumOf(0), octets()],
    [enumOf(0), u32(0)],
  ] as const)
    assert.match(new Told('new').values(status, size, yes(true)).next, /^IMAGE_NOT_THERE/);
  assert.equal(new Told('new').looked(0, 200, null).next, 'do 1', 'not told to be off');
  const off = new Told('new');
  for (let at = 0; at < METHOD_ATTEMPTS_MAX; at++) {
    assert.equal(off.looked(0, 200, yes(false)).next, 'set 5');
    off.result(0);
  }
  assert.match(off.looked(0, 200, yes(false)).next, /^IMAGE_DISABLED it stays off/);
  assert.match(new Told('new').looked(0, 200, yes(false)).result(3).next, /^IMAGE_DISABLED result 3/);
  assert.match(new Told('verifying').looked(3).values(null).next, /^IMAGE_OTHER nothing/);
  assert.equal(new Told('verifying', { info: 'optional' }).looked(3).values(null).next, '6');
  assert.match(new Told('verifying', { info: 'optional' }).looked(3).values(imageInfoData([])).next, /^6$/);
  assert.match(new Told('new').looked(2).waited().values(null).next, /^IMAGE_NOT_THERE attribute 6/);
});

test('blocks fit the message of the association, are made to fit, or are too many', () => {
  const room = (pduMaxBytes: number, canSplit: boolean, size = 200, phase: ImagePhase = 'new') => {
    const told = new Told(phase);
    told.transfer.associated({ pduMaxBytes, canSplit });
    return told.looked(0, size);
  };
  assert.equal(room(224, false).next, 'do 1');
  assert.equal(room(223, false).next, 'set 2');
  assert.equal(room(223, true).result(0).looked(0).next, 'do 1', 'it asks once');
  assert.match(room(223, false).result(0).looked(0).next, /^IMAGE_BLOCK_SIZE 200 octets, 3 blocks, room for 199/);
  assert.match(room(24, false).next, /^IMAGE_BLOCK_SIZE/, 'no room for anything');
  assert.match(room(223, false, 200, 'transferring').next, /^IMAGE_BLOCK_SIZE/, 'not in the middle of an image');
  const long = (blocks: number) => {
    const image = { ...IMAGE, octets: new Uint8Array(blocks) };
    return new Told('new', { image }).looked(0, 1).next;
  };
  assert.equal(long(IMAGE_BLOCKS_MAX), 'do 1');
  assert.match(long(IMAGE_BLOCKS_MAX + 1), /^IMAGE_BLOCK_SIZE/);
});

test('a meter that verifies or activates gets its time, to the last millisecond', () => {
  for (const [phase, status, patienceMs, code] of [
    ['new', 2, VERIFY_MAX_MS, 'IMAGE_BUSY'],
    ['verifying', 2, VERIFY_MAX_MS, 'IMAGE_VERIFY_TIMEOUT'],
    ['activating', 5, ACTIVATE_MAX_MS, 'IMAGE_ACTIVATE_TIMEOUT'],
    ['initiating', 2, VERIFY_MAX_MS, 'IMAGE_INITIATE'],
    ['initiating', 5, ACTIVATE_MAX_MS, 'IMAGE_INITIATE'],
  ] as const) {
    const told = new Told(phase);
    told.nowMs = 1_000;
    told.looked(status).waited();
    told.nowMs = 1_000 + patienceMs;
    assert.equal(told.next, '6', phase);
    told.nowMs++;
    assert.match(told.next, new RegExp(`^${code} status`), phase);
  }
  const initiating = new Told('new').looked(0).result(2).waited();
  initiating.nowMs = INITIATE_MAX_MS;
  assert.equal(initiating.next, '6');
  initiating.nowMs++;
  assert.match(initiating.next, /^IMAGE_INITIATE/);
  const own = new Told('verifying', { verifyMaxMs: 7 }).looked(2).waited();
  own.nowMs = 8;
  assert.match(own.next, /^IMAGE_VERIFY_TIMEOUT/);
});

test('lost answers are waited for longer and longer, and a wait may pass in pieces', () => {
  const told = new Told('new');
  const waits: number[] = [];
  for (let at = 0; at < 12; at++) {
    told.lost();
    waits.push(Number.parseInt(told.next.slice(5), 10));
    told.waited(1);
    assert.equal(told.next, `wait ${(waits.at(-1) ?? 0) - 1}`);
    told.waited();
  }
  assert.deepEqual(waits.slice(0, 3), [LOST_WAIT_MIN_MS, 2 * LOST_WAIT_MIN_MS, 4 * LOST_WAIT_MIN_MS]);
  assert.deepEqual([Math.max(...waits), waits.at(-1)], [LOST_WAIT_MAX_MS, LOST_WAIT_MAX_MS]);
  told.looked(0).lost();
  assert.equal(told.next, `wait ${LOST_WAIT_MIN_MS}`, 'an answer ends the row');
  assert.equal(told.waited(LOST_WAIT_MIN_MS + 5).next, '6,2,5');
});

test('a block that meets a temporary failure is sent again so often and no more; another refusal ends it', () => {
  const told = new Told('new').looked(0).result(0);
  for (let at = 0; at < BLOCK_RETRIES_MAX; at++) {
    assert.match(told.result(2).next, /^wait/, `${at}`);
    told.waited();
  }
  assert.match(told.result(2).next, /^IMAGE_BLOCK block 0, result 2/);
  assert.match(new Told('new').looked(0).result(0).result(0).result(3).next, /^IMAGE_BLOCK block 1, result 3/);
});

test('a method that the meter does not carry out is sent again so often; one that it refuses is not', () => {
  for (const [phase, status, method, code] of [
    ['initiating', 0, 'do 1', 'IMAGE_INITIATE'],
    ['verifying', 1, 'do 3', 'IMAGE_VERIFY'],
    ['activating', 3, 'do 4', 'IMAGE_ACTIVATE'],
  ] as const) {
    const told = new Told(phase);
    for (let at = 0; at < METHOD_ATTEMPTS_MAX; at++) {
      assert.equal(told.looked(status).next, method, `${phase} ${at}`);
      told.lost().waited();
    }
    assert.match(told.looked(status).next, new RegExp(`^${code} the meter stays`), phase);
  }
  for (const [phase, status, code] of [
    ['verifying', 1, 'IMAGE_VERIFY'],
    ['activating', 3, 'IMAGE_ACTIVATE'],
  ] as const) {
    const refused = new Told(phase).looked(status).result(3).waited().values(enumOf(status));
    assert.match(refused.next, new RegExp(`^${code} the meter stays`), phase);
    const later = new Told(phase).looked(status).result(2).waited().values(enumOf(status));
    assert.match(later.next, /^wait/, 'a temporary failure wants it again, later');
    assert.match(later.waited().next, /^do/);
  }
  assert.match(new Told('new').looked(0).result(3).next, /^IMAGE_INITIATE result 3/);
});

test('progress and broadcast: blocks count while they go; who verifies waits for no broadcast any more', () => {
  const progress = (told: Told) => told.transfer.progress;
  assert.deepEqual(progress(new Told('new').looked(0)), { done: 0, of: 3 });
  const sending = new Told('new').looked(0).result(0).result(0);
  assert.deepEqual(progress(sending), { done: 1, of: 3 });
  assert.deepEqual(progress(new Told('verifying').looked(2)), { done: 3, of: 3 });
  assert.deepEqual(progress(new Told('activating').looked(5)), { done: 3, of: 3 });
  const broadcast = (phase: ImagePhase) => new Told(phase, { broadcast: true });
  assert.deepEqual(
    (['new', 'initiating', 'transferring', 'verifying', 'activating'] as const).map(
      (phase) => broadcast(phase).transfer.mayBroadcast,
    ),
    [true, true, true, false, false],
  );
  assert.equal(new Told('new').transfer.mayBroadcast, false, 'not asked for');
  assert.equal(broadcast('new').values(null).transfer.mayBroadcast, false, 'it is over');
  const told = broadcast('new').looked(0).result(0);
  assert.equal(told.next, 'broadcast 3');
  assert.equal(told.result(0).next, '4,3');
  assert.equal(told.transfer.mayBroadcast, false, 'once');
  const lost = broadcast('new').looked(0).result(0).lost().waited();
  assert.equal(lost.looked(1).next, '4,3');
});

test('the activation waits for its hour; the version tells where the status is the first again', () => {
  const verified = (more: Partial<ImageTransferOptions>) =>
    new Told('verifying', more).looked(3).values(INFO).values(null);
  assert.equal(verified({}).next, 'do 4');
  const waiting = verified({ activateAtMs: 5_000 });
  waiting.nowMs = 4_000;
  assert.equal(waiting.next, 'wait 1000');
  waiting.waited();
  waiting.nowMs = 5_000;
  assert.equal(waiting.next, 'do 4');
  const version = { classId: 1, instanceId: imageObis(), attributeId: 2 };
  const after = (status: number, text: string | null, more: Partial<ImageTransferOptions> = { version }) =>
    new Told('activating', more).looked(status).values(text === null ? null : { type: 'visible-string', value: text })
      .next;
  assert.equal(after(6, '1'), 'activated');
  assert.equal(after(0, '2'), 'activated');
  assert.match(after(0, '1'), /^IMAGE_ACTIVATE_TIMEOUT the meter says 1/);
  assert.match(after(0, null), /^IMAGE_ACTIVATE_TIMEOUT the meter says nothing/);
  assert.match(after(0, '2', { version: null }), /^IMAGE_ACTIVATE_TIMEOUT/);
});
