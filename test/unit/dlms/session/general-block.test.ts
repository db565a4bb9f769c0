/** General block transfer: the rules of its procedure, block by block, and both ways in whole associations. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concat, fromHex, sameOctets } from '../../../../src/base/bytes.ts';
import { hasCode } from '../../../../src/base/errors.ts';
import { dataToOctets } from '../../../../src/dlms/axdr/decode.ts';
import { encodeWrapper } from '../../../../src/dlms/frame/wrapper-frame.ts';
import { CounterReceiver, CounterSender } from '../../../../src/dlms/security/counters.ts';
import { SecretKey } from '../../../../src/dlms/security/secret-key.ts';
import { PROTECTED } from '../../../../src/dlms/security/secure-channel.ts';
import { OUR_CONFORMANCE } from '../../../../src/dlms/session/association.ts';
import { GeneralBlocks, type JoinedMessage } from '../../../../src/dlms/session/general-block.ts';
import { GENERAL_BLOCKS_MAX, GENERAL_IDLE_MS, GENERAL_MESSAGE_MAX_BYTES } from '../../../../src/dlms/session/limits.ts';
import type { MeterRequest, Outcome } from '../../../../src/dlms/session/request.ts';
import type { GeneralBlockTransfer } from '../../../../src/dlms/xdlms/block-transfer.ts';
import { decodeApdu, encodeApdu } from '../../../../src/dlms/xdlms/codec.ts';
import { CONFORMANCE } from '../../../../src/dlms/xdlms/initiate.ts';
import { attributeOf, PROFILE, PROFILE_ROWS, register, SCRIPT, TEXT } from './bench-meter.ts';
import { Pair, type PairOptions } from './pair.ts';

const octetsOf = (count: number, first = 1): Uint8Array =>
  Uint8Array.from({ length: count }, (_, at) => (first + 7 * at) & 0xff);
/** 91 octets of data in a block. */
const PDU = 100;
const BLOCK = 91;

const client = (window = 1, repeatMs: number | null = 1_000): GeneralBlocks =>
  new GeneralBlocks({ role: 'client', peerPduMaxBytes: PDU, window, sendWindowMax: window, repeatMs });
const server = (window = 1): GeneralBlocks =>
  new GeneralBlocks({ role: 'server', peerPduMaxBytes: PDU, window, sendWindowMax: window, repeatMs: null });

function blocksOf(side: GeneralBlocks): GeneralBlockTransfer[] {
  return side.takeOutput().map((octets) => {
    const apdu = decodeApdu(octets);
    assert.equal(apdu.apdu, 'general-block-transfer');
    return apdu as GeneralBlockTransfer;
  });
}

const block = (blockNumber: number, more: Partial<GeneralBlockTransfer> = {}): GeneralBlockTransfer => ({
  apdu: 'general-block-transfer',
  lastBlock: false,
  streaming: false,
  window: 1,
  blockNumber,
  blockNumberAck: 0,
  blockData: Uint8Array.of(blockNumber),
  ...more,
});
const acknowledgement = (blockNumberAck: number, window = 1): GeneralBlockTransfer =>
  block(1, { lastBlock: true, window, blockNumberAck, blockData: new Uint8Array(0) });

/** Carries blocks between both until neither has more to say; gives the messages that each joined. */
function carry(sides: readonly [GeneralBlocks, GeneralBlocks]): readonly [JoinedMessage[], JoinedMessage[]] {
  const joined: [JoinedMessage[], JoinedMessage[]] = [[], []];
  for (let said = true; said; ) {
    said = false;
    for (const from of [0, 1] as const) {
      const to = from === 0 ? 1 : 0;
      for (const each of blocksOf(sides[from])) {
        said = true;
        const message = sides[to].accept(each, false, 0);
        if (message !== null) joined[to].push(message);
      }
    }
  }
  return joined;
}

test('a message goes through in blocks of the size of the peer, window 1, and in streams of a larger window', () => {
  for (const window of [1, 2, 5, 63]) {
    for (const length of [PDU + 1, BLOCK * 2, BLOCK * 2 + 1, 5_000]) {
      const sides = [client(window), server(window)] as const;
      sides[0].send(octetsOf(length), 1, 0);
      const [, [there]] = carry(sides);
      assert.ok(
        there !== undefined && sameOctets(there.octets, octetsOf(length)),
        `${length} octets, window ${window}`,
      );
      sides[1].send(octetsOf(length, 9), 1, 0);
      const [[back]] = carry(sides);
      assert.ok(back !== undefined && sameOctets(back.octets, octetsOf(length, 9)));
    }
  }
});

test('a message that fits goes whole, and behind one that does not', () => {
  const side = client();
  side.send(octetsOf(PDU), 1, 0);
  assert.deepEqual(side.takeOutput(), [octetsOf(PDU)]);
  side.send(octetsOf(PDU + 1), 2, 0);
  side.send(octetsOf(5, 3), 3, 0);
  assert.equal(blocksOf(side).length, 1);
  side.accept(acknowledgement(1), false, 0);
  assert.equal(blocksOf(side).length, 1);
  side.accept(acknowledgement(2), false, 0);
  assert.deepEqual(side.takeOutput(), [octetsOf(5, 3)]);
});

test('streaming: the first block goes alone, then a window of them; the last of each window asks for the answer', () => {
  const side = client(4);
  side.send(octetsOf(BLOCK * 10), 1, 0);
  assert.deepEqual(
    blocksOf(side).map(({ blockNumber, streaming }) => [blockNumber, streaming]),
    [[1, false]],
  );
  side.accept(acknowledgement(1, 3), false, 0);
  assert.deepEqual(
    blocksOf(side).map(({ blockNumber, streaming }) => [blockNumber, streaming]),
    [
      [2, true],
      [3, true],
      [4, false],
    ],
  );
  side.accept(acknowledgement(4, 63), false, 0);
  assert.deepEqual(
    blocksOf(side).map(({ blockNumber }) => blockNumber),
    [5, 6, 7, 8],
    'our own bound binds too',
  );
});

test('interop 20: a lost block is gone back to; doubles are acknowledged again and taken once', () => {
  const side = server(3);
  assert.equal(side.accept(block(1), false, 0), null);
  side.takeOutput();
  assert.equal(side.accept(block(2, { streaming: true }), false, 0), null);
  // 3 is lost.
  assert.equal(side.accept(block(4), false, 0), null);
  assert.deepEqual(
    blocksOf(side).map(({ blockNumberAck, blockData }) => [blockNumberAck, blockData.length]),
    [[2, 0]],
  );
  assert.equal(side.accept(block(2), false, 0), null);
  assert.equal(blocksOf(side)[0]?.blockNumberAck, 2);
  assert.equal(side.accept(block(3, { streaming: true }), false, 0), null);
  const joined = side.accept(block(4, { lastBlock: true }), false, 0);
  assert.deepEqual(joined?.octets, Uint8Array.of(1, 2, 3, 4));
});

test('a sender goes back to the block after the last in order, three times without progress, then gives up', () => {
  const side = client(2);
  side.send(octetsOf(BLOCK * 5), 1, 0);
  blocksOf(side);
  side.accept(acknowledgement(1, 2), false, 0);
  for (let round = 0; round < 3; round++) {
    blocksOf(side);
    side.accept(acknowledgement(1, 2), false, 0);
  }
  assert.deepEqual(
    blocksOf(side).map(({ blockNumber }) => blockNumber),
    [2, 3],
  );
  assert.throws(
    () => side.accept(acknowledgement(1, 2), false, 0),
    (error) => hasCode(error, 'SESSION_BLOCKS'),
  );
  side.send(octetsOf(BLOCK * 5), 1, 0);
  assert.equal(blocksOf(side)[0]?.blockNumber, 1, 'the next message begins anew');
});

test('a receiver that never gets the block it waits for gives up after three times, and says so', () => {
  const side = server();
  side.accept(block(1), false, 0);
  for (let round = 0; round < 3; round++) side.accept(block(3), false, 0);
  blocksOf(side);
  assert.throws(
    () => side.accept(block(3), false, 0),
    (error) => hasCode(error, 'SESSION_BLOCKS'),
  );
  assert.deepEqual(
    blocksOf(side).map(({ window }) => window),
    [0],
  );
});

test('an acknowledgement of a block that was never sent is a protocol error', () => {
  const side = client();
  side.send(octetsOf(BLOCK * 5), 1, 0);
  assert.throws(
    () => side.accept(acknowledgement(2), false, 0),
    (error) => hasCode(error, 'SESSION_BLOCKS'),
  );
});

test('a client repeats what was not answered, three times; a server has no clock', () => {
  const side = client();
  side.send(octetsOf(BLOCK * 5), 1, 0);
  blocksOf(side);
  for (let round = 1; round <= 3; round++) {
    assert.equal(side.deadlineMs(), round * 1_000);
    side.tick(round * 1_000);
    assert.equal(blocksOf(side)[0]?.blockNumber, 1);
  }
  assert.throws(
    () => side.tick(4_000),
    (error) => hasCode(error, 'SESSION_BLOCKS'),
  );
  assert.equal(side.deadlineMs(), null);
  const other = server();
  other.send(octetsOf(BLOCK * 5), 1, 0);
  assert.equal(other.deadlineMs(), null);
  const receiver = client();
  receiver.accept(block(1), false, 0);
  blocksOf(receiver);
  receiver.tick(1_000);
  assert.deepEqual(
    blocksOf(receiver).map(({ blockNumberAck }) => blockNumberAck),
    [1],
    'while it receives, the acknowledgement is said again',
  );
});

test('a client whose peer gives up fails at once; a server forgets the answer', () => {
  const side = client();
  side.send(octetsOf(BLOCK * 5), 1, 0);
  assert.throws(
    () => side.accept(acknowledgement(0, 0), false, 0),
    (error) => hasCode(error, 'SESSION_BLOCKS'),
  );
  const other = server();
  other.send(octetsOf(BLOCK * 5), 1, 0);
  other.accept(acknowledgement(0, 0), false, 0);
  blocksOf(other);
  other.send(octetsOf(5), 2, 0);
  assert.deepEqual(other.takeOutput(), [octetsOf(5)]);
});

test('when the answer was lost, the last block of the question comes again and gets the answer again, short or long', () => {
  for (const length of [20, BLOCK * 3]) {
    const side = server();
    side.accept(block(1), false, 0);
    assert.ok(side.accept(block(2, { lastBlock: true }), false, 0) !== null);
    side.takeOutput();
    side.send(octetsOf(length), 1, 0);
    const said = side.takeOutput();
    assert.equal(said.length, 1);
    assert.equal(side.accept(block(2, { lastBlock: true }), false, 0), null, 'it is not taken twice');
    const again = side.takeOutput();
    assert.deepEqual(again, said);
  }
});

test('a question asked anew takes the place of its answer; a transfer that nobody goes on with makes room in time', () => {
  const side = server();
  side.send(octetsOf(BLOCK * 5), 7, 0);
  blocksOf(side);
  side.heardWhole(8, 10);
  side.send(octetsOf(5), 8, 10);
  assert.deepEqual(side.takeOutput(), [], 'another question waits');
  side.heardWhole(7, 20);
  assert.deepEqual(side.takeOutput(), [octetsOf(5)]);
  side.send(octetsOf(BLOCK * 5), 9, 30);
  blocksOf(side);
  side.heardWhole(10, 31 + GENERAL_IDLE_MS);
  side.send(octetsOf(6), 10, 31 + GENERAL_IDLE_MS);
  assert.deepEqual(side.takeOutput(), [octetsOf(6)]);
});

test('a new message takes the place of one that was left half', () => {
  const side = server();
  side.accept(block(1, { blockData: Uint8Array.of(1) }), false, 0);
  side.accept(block(2, { blockData: Uint8Array.of(2) }), false, 0);
  side.accept(block(1, { blockData: Uint8Array.of(7) }), false, 0);
  assert.deepEqual(
    side.accept(block(2, { blockData: Uint8Array.of(8), lastBlock: true }), false, 0)?.octets,
    Uint8Array.of(7, 8),
  );
  side.accept(block(1), false, 0);
  side.accept(block(1), false, GENERAL_IDLE_MS + 1);
  assert.deepEqual(side.accept(block(2, { lastBlock: true }), false, GENERAL_IDLE_MS + 1)?.octets, Uint8Array.of(1, 2));
});

test('a sender that counts on behind its acknowledgements is understood', () => {
  const side = client();
  side.send(octetsOf(BLOCK * 3), 1, 0);
  for (const number of [1, 2, 3]) side.accept({ ...acknowledgement(number), blockNumber: number }, false, 0);
  assert.equal(side.accept(block(4), false, 0), null);
  assert.deepEqual(side.accept(block(5, { lastBlock: true }), false, 0)?.octets, Uint8Array.of(4, 5));
});

test('bounds: one megabyte, 65,535 blocks, one transfer a direction, and a bounded queue', () => {
  const big = octetsOf(65_000);
  const side = server();
  assert.throws(
    () => {
      for (let number = 1; number <= 20; number++) side.accept(block(number, { blockData: big }), false, 0);
    },
    (error) => hasCode(error, 'SESSION_BLOCKS'),
  );
  const many = server();
  assert.throws(
    () => {
      for (let number = 1; number <= GENERAL_BLOCKS_MAX + 1; number++)
        many.accept(block(number & 0xffff, { blockData: Uint8Array.of(1) }), false, 0);
    },
    (error) => hasCode(error, 'SESSION_BLOCKS'),
  );
  assert.throws(
    () => client().send(new Uint8Array(GENERAL_MESSAGE_MAX_BYTES + 1), 1, 0),
    (error) => hasCode(error, 'SESSION_TOO_LONG'),
  );
  const queue = client();
  assert.throws(
    () => {
      for (let at = 0; at < 20; at++) queue.send(octetsOf(PDU + 1), at, 0);
    },
    (error) => hasCode(error, 'SESSION_QUEUE_FULL'),
  );
});

test('window 0 is a push: joined without a word, dropped whole after a hole, and apart from what was asked', () => {
  const pushed = client().pushed(octetsOf(BLOCK * 3));
  assert.equal(pushed.length, 3);
  const blocks = pushed.map((octets) => decodeApdu(octets) as GeneralBlockTransfer);
  const side = client();
  side.accept(block(1), false, 0);
  blocksOf(side);
  const [first, second, third] = blocks;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  assert.equal(side.accept(first, true, 0), null);
  assert.equal(side.accept(second, true, 0), null);
  const joined = side.accept(third, true, 0);
  assert.ok(joined?.isPushed === true && joined.isProtected && sameOctets(joined.octets, octetsOf(BLOCK * 3)));
  assert.deepEqual(side.takeOutput(), []);
  side.accept(first, true, 0);
  assert.throws(
    () => side.accept(third, true, 0),
    (error) => hasCode(error, 'SESSION_BLOCKS'),
  );
  assert.deepEqual(side.accept(block(2, { lastBlock: true }), false, 0)?.octets, Uint8Array.of(1, 2));
});

test('a message is protected only when every block of it came protected', () => {
  for (const protections of [
    [true, true],
    [true, false],
    [false, true],
  ] as const) {
    const side = server();
    side.accept(block(1), protections[0], 0);
    const joined = side.accept(block(2, { lastBlock: true }), protections[1], 0);
    assert.equal(joined?.isProtected, protections[0] && protections[1]);
  }
});

const GENERAL = OUR_CONFORMANCE | CONFORMANCE['general-block-transfer'] | CONFORMANCE.access;
const KEYS = {
  encryption: new SecretKey(fromHex('000102030405060708090a0b0c0d0e0f')),
  authentication: new SecretKey(fromHex('d0d1d2d3d4d5d6d7d8d9dadbdcdddedf')),
};
const TITLES = { client: fromHex('4d4d4d0000000001'), server: fromHex('4d4d4d0000bc614e') };
const POLICY = { requests: PROTECTED, responses: PROTECTED };

/** A pair with general blocks and little room, plain or ciphered. */
function generalPair(options: Partial<PairOptions> & { readonly ciphered: boolean; readonly form?: 'general' }): Pair {
  const { ciphered, form, ...pair } = options;
  const keys = { suite: 0, keys: KEYS, policy: POLICY } as const;
  const sender = { ...keys, counter: CounterSender.unreserved(1) };
  const security = {
    clientTitle: TITLES.client,
    serverTitle: TITLES.server,
    serverCounter: new CounterReceiver(),
    ...(form === undefined ? {} : { form }),
  };
  const common = { conformance: GENERAL, clientPduMaxBytes: 200, requestTimeoutMs: 2_000, ...pair.client };
  if (!ciphered) return new Pair({ framing: 'wrapper', serverPduMaxBytes: 180, ...pair, client: common });
  return new Pair({
    framing: 'wrapper',
    serverPduMaxBytes: 180,
    ...pair,
    sap: 32,
    systemTitle: TITLES.server,
    random: (count) => octetsOf(count, 99),
    client: {
      ...common,
      authentication: { mechanism: 'hls-gmac', challenge: octetsOf(16) },
      security: { ...sender, ...security },
    },
    clients: [
      {
        sap: 32,
        authentication: { mechanism: 'hls-gmac' },
        security: {
          ...keys,
          clientTitle: null,
          counter: CounterSender.unreserved(1),
          clientCounter: new CounterReceiver(),
        },
      },
    ],
  });
}

const LONG = { type: 'octet-string', value: octetsOf(900, 3) } as const;
const method = { classId: 9, instanceId: SCRIPT, methodId: 2 };
const REQUESTS: readonly MeterRequest[] = [
  { service: 'get', items: [attributeOf(7, PROFILE)] },
  { service: 'get', items: Array.from({ length: 40 }, (_, number) => register(number)) },
  { service: 'set', items: [{ attribute: attributeOf(1, TEXT), value: LONG }] },
  { service: 'action', items: [{ method, parameters: LONG }] },
  {
    service: 'access',
    items: [
      { service: 'get', attribute: attributeOf(7, PROFILE) },
      { service: 'set', attribute: attributeOf(1, TEXT), value: LONG },
      { service: 'action', method, parameters: LONG },
    ],
  },
];

function resultsOf(outcome: Outcome): readonly unknown[] {
  assert.equal(outcome.kind, 'answered', 'error' in outcome ? outcome.error.message : JSON.stringify(outcome));
  return outcome.kind === 'answered' ? outcome.answer.results : [];
}

const WAYS: readonly (readonly [string, Parameters<typeof generalPair>[0]])[] = [
  ['wrapper', { ciphered: false }],
  ['wrapper, ciphered', { ciphered: true }],
  ['wrapper, general-glo around each block', { ciphered: true, form: 'general' }],
  ['HDLC 128', { ciphered: false, framing: 'hdlc' }],
  ['HDLC 128, ciphered', { ciphered: true, framing: 'hdlc' }],
];

for (const [name, options] of WAYS) {
  test(`HE-7 every service in general blocks, both ways, over ${name}`, () => {
    const pair = generalPair(options);
    assert.ok(pair.connect(), String(pair.closed?.code));
    const answers = REQUESTS.map((request) => resultsOf(pair.ask(request)));
    assert.deepEqual(answers[0], [{ data: PROFILE_ROWS }]);
    assert.equal(answers[1]?.length, 40);
    assert.deepEqual(answers[2], [0]);
    assert.deepEqual(answers[3], [{ actionResult: 0, returnParameters: { data: LONG } }]);
    assert.deepEqual(answers[4], [
      { service: 'get', result: 0, data: PROFILE_ROWS },
      { service: 'set', result: 0, data: { type: 'null-data' } },
      { service: 'action', result: 0, data: LONG },
    ]);
    const served = pair.served.flatMap((event) => (event.kind === 'served' ? [event.request] : []));
    assert.ok(!served.some((request) => /datablock|pblock|next/.test(request)), 'no blocks of the services themselves');
    pair.release();
    assert.deepEqual(pair.closed, { code: null });
    assert.deepEqual(
      [...pair.events, ...pair.served].filter(({ kind }) => kind === 'discarded'),
      [],
    );
  });
}

test('HE-7 general blocks only when both have them; otherwise blocks of the service, and ACCESS is refused by name', () => {
  const pair = generalPair({ ciphered: false, serverConformance: OUR_CONFORMANCE });
  assert.ok(pair.connect());
  assert.deepEqual(resultsOf(pair.ask({ service: 'get', items: [attributeOf(7, PROFILE)] })), [{ data: PROFILE_ROWS }]);
  const outcome = pair.ask({ service: 'access', items: [{ service: 'get', attribute: register(1) }] });
  assert.equal(outcome.kind === 'failed' && outcome.error.code, 'SESSION_NOT_AGREED');
  assert.ok(pair.served.some((event) => event.kind === 'served' && event.request === 'get-request-next'));
});

test('HE-7 blocks inside general-glo are taken as the tag says, and a plain one among them is not believed', () => {
  const pair = generalPair({ ciphered: true, form: 'general' });
  assert.ok(pair.connect());
  const channel = pair.client as unknown as { receive(chunk: Uint8Array, nowMs: number): unknown[] };
  const plain = encodeApdu(
    block(1, {
      lastBlock: true,
      blockData: encodeApdu({
        apdu: 'data-notification-confirm',
        longInvokeId: 1,
        selfDescriptive: false,
        breakOnError: false,
        confirmed: false,
        highPriority: false,
        dateTime: new Uint8Array(0),
      }),
    }),
  );
  const events = channel.receive(encodeWrapper({ source: 1, destination: 32, apdu: plain }), pair.line.nowMs);
  assert.deepEqual(
    events.map((event) => (event as { code?: string }).code),
    ['SECURITY_POLICY'],
  );
});

test('HE-7 over a link of datagrams that loses, doubles and reorders, every service converges or fails by name', () => {
  const counts = { asked: 0, answered: 0 };
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.integer(),
      fc.double({ min: 0, max: 0.1, noNaN: true }),
      fc.integer({ min: 1, max: 6 }),
      (ciphered, seed, fault, blockWindow) => {
        const pair = generalPair({
          ciphered,
          seed,
          faults: { lose: fault, double: fault, lateMs: 1 + Math.round(fault * 30) },
          client: { blockWindow },
        });
        if (!pair.connect()) {
          assert.match(String(pair.closed?.code), /^(SESSION|SECURITY)_/);
          return;
        }
        for (const request of REQUESTS) {
          counts.asked++;
          const outcome = pair.ask(request);
          if (outcome.kind === 'answered') {
            counts.answered++;
            if (request === REQUESTS[0]) assert.deepEqual(outcome.answer.results, [{ data: PROFILE_ROWS }]);
          } else if (outcome.kind !== 'refused') assert.match(outcome.error.code, /^(SESSION|SECURITY)_/);
          if (pair.closed !== null) break;
        }
        assert.ok(pair.meter.written.length <= 2 && pair.meter.invoked.length <= 2, 'nothing is done twice');
        for (const written of pair.meter.written) assert.deepEqual(dataToOctets(written), dataToOctets(LONG));
      },
    ),
    { numRuns: 60 },
  );
  assert.ok(counts.answered > counts.asked * 0.6, `${counts.answered} of ${counts.asked} answered`);
});

test('a joined message is the octets that were cut, whatever they are', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 3_000 }),
      fc.integer({ min: 1, max: 63 }),
      (octets, window) => {
        const sides = [client(window), server(window)] as const;
        sides[0].send(concat([octets]), 1, 0);
        const first = sides[0].takeOutput();
        if (octets.length <= PDU) assert.deepEqual(first, [octets]);
        else {
          for (const each of first) sides[1].accept(decodeApdu(each) as GeneralBlockTransfer, false, 0);
          const [, [there]] = carry(sides);
          assert.deepEqual(there?.octets, octets);
        }
      },
    ),
    { numRuns: 100 },
  );
});
