/** Every code of a session is documented, and something real leads to it; what a strange peer does, the client survives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, fromHex, toHex } from '../../../../src/base/bytes.ts';
import { DeltawattError } from '../../../../src/base/errors.ts';
import { dataFromOctets } from '../../../../src/dlms/axdr/decode.ts';
import { obisOf } from '../../../../src/dlms/cosem/obis.ts';
import { WrapperClient } from '../../../../src/dlms/frame/wrapper.machine.ts';
import { encodeWrapper } from '../../../../src/dlms/frame/wrapper-frame.ts';
import { aareOf, OUR_CONFORMANCE, SHORT_CONFORMANCE } from '../../../../src/dlms/session/association.ts';
import {
  ClientSession,
  type ClientSessionEvent,
  type ClientSessionOptions,
} from '../../../../src/dlms/session/client.machine.ts';
import { SESSION_ERRORS, type SessionErrorCode } from '../../../../src/dlms/session/errors.ts';
import { REQUEST_QUEUE_MAX } from '../../../../src/dlms/session/limits.ts';
import type { MeterRequest } from '../../../../src/dlms/session/request.ts';
import { ShortNames } from '../../../../src/dlms/session/short-names.ts';
import type { Apdu } from '../../../../src/dlms/xdlms/apdu.ts';
import { decodeApdu, encodeApdu } from '../../../../src/dlms/xdlms/codec.ts';
import type { InitiateResponse } from '../../../../src/dlms/xdlms/initiate.ts';
import { attributeOf, register, SCRIPT, TEXT } from './bench-meter.ts';

const AGREED: InitiateResponse = {
  apdu: 'initiate-response',
  negotiatedQos: null,
  negotiatedDlmsVersion: 6,
  conformance: OUR_CONFORMANCE,
  serverMaxReceivePduSize: 200,
  vaaName: 7,
};
const GET: MeterRequest = { service: 'get', items: [register(1)] };
const ACT: MeterRequest = {
  service: 'action',
  items: [{ method: { classId: 9, instanceId: SCRIPT, methodId: 1 }, parameters: null }],
};
const LONG = { type: 'octet-string', value: new Uint8Array(500) } as const;

/** A client whose peer says what the test says. */
class Scripted {
  readonly session: ClientSession;
  readonly events: ClientSessionEvent[] = [];
  nowMs = 0;

  constructor(options: ClientSessionOptions = {}) {
    this.session = new ClientSession(new WrapperClient({ client: 16, server: 1 }), {
      requestTimeoutMs: 100,
      readRetries: 1,
      ...options,
    });
    this.session.connect(0);
    this.rest();
  }

  /** Lets what is due now happen. */
  rest(): this {
    for (let due = this.session.deadlineMs(); due !== null && due <= this.nowMs; due = this.session.deadlineMs())
      this.events.push(...this.session.tick(this.nowMs));
    return this;
  }

  /** The peer says an APDU, or octets. */
  hears(...said: (Apdu | string)[]): this {
    for (const each of said) {
      const apdu = typeof each === 'string' ? fromHex(each) : encodeApdu(each);
      this.events.push(...this.session.receive(encodeWrapper({ source: 1, destination: 16, apdu }), this.nowMs));
    }
    return this.rest();
  }

  /** Asks, and says what the peer answers. */
  asks(request: MeterRequest): this {
    this.session.request(request, this.nowMs);
    return this.rest();
  }

  /** Somebody else waits for the line. */
  makesWay(): this {
    this.session.makeWay(true);
    return this;
  }

  waits(ms: number): this {
    this.nowMs += ms;
    return this.rest();
  }

  /** APDUs that the client has sent. */
  said(): Apdu[] {
    return this.session.takeOutput().map((octets) => decodeApdu(octets.subarray(8)));
  }

  codes(): string[] {
    return this.events.flatMap((event) => {
      if (event.kind === 'discarded') return [event.code];
      if (event.kind === 'closed') return [event.error?.code ?? 'closed'];
      if (event.kind !== 'done') return [];
      return 'error' in event.outcome ? [event.outcome.error.code] : [event.outcome.kind];
    });
  }
}

const open = (options: ClientSessionOptions = {}, agreed: Partial<InitiateResponse> = {}) => {
  const scripted = new Scripted(options).hears(aareOf(0, 0, null, { ...AGREED, ...agreed }));
  scripted.said();
  return scripted;
};

const openShort = () => open({ shortNames: new ShortNames() }, { conformance: SHORT_CONFORMANCE, vaaName: 0xfa00 });

/** The invocation of the request in flight, for answers to it. */
const invocation = (scripted: Scripted) => {
  const [apdu] = scripted.said();
  assert.ok(apdu !== undefined && 'invokeId' in apdu);
  return { invokeId: apdu.invokeId, confirmed: true, highPriority: true };
};

function thrown(run: () => unknown): string[] {
  try {
    run();
    return [];
  } catch (error) {
    return error instanceof DeltawattError ? [error.code] : [String(error)];
  }
}

/** All but SESSION_REFUSED, which promises make of the outcome `refused`: test/unit/link/meter-session.test.ts. */
const REACHED: Record<Exclude<SessionErrorCode, 'SESSION_REFUSED'>, () => string[]> = {
  SESSION_STATE: () => open().hears({ apdu: 'rlre', reason: 0, userInformation: null }).codes(),
  SESSION_ASSOCIATION_REFUSED: () => new Scripted().hears(aareOf(1, 13, null, null)).codes(),
  SESSION_MECHANISM: () => new Scripted().hears(aareOf(0, 14, 5, AGREED)).codes(),
  SESSION_COUNTER: () =>
    open()
      .asks(GET)
      .hears({ apdu: 'exception-response', stateError: 1, serviceError: 6, invocationCounter: 77 })
      .codes(),
  SESSION_TIMEOUT: () => open().asks(GET).waits(100).waits(100).codes(),
  SESSION_MADE_WAY: () => open({ requestTimeoutMs: 30_000 }).makesWay().asks(GET).waits(2_500).codes(),
  SESSION_UNKNOWN_OUTCOME: () => open().asks(ACT).waits(100).codes(),
  SESSION_ANSWER: () => {
    const scripted = open().asks(GET);
    return scripted.hears({ apdu: 'set-response-normal', ...invocation(scripted), result: 0 }).codes();
  },
  SESSION_STALE: () =>
    open()
      .hears(aareOf(0, 0, null, AGREED))
      .codes(),
  SESSION_TOO_LONG: () =>
    open({ conformance: 0x19 })
      .asks({ service: 'set', items: [{ attribute: attributeOf(1, TEXT), value: LONG }] })
      .codes(),
  SESSION_NOT_AGREED: () =>
    open()
      .asks({ service: 'access', items: [{ service: 'get', attribute: attributeOf(1, TEXT) }] })
      .codes(),
  SESSION_BLOCKS: () => {
    const scripted = open().asks(GET);
    const block = { rawData: new Uint8Array(2) };
    return scripted
      .hears({ apdu: 'get-response-with-datablock', ...invocation(scripted), lastBlock: false, blockNumber: 3, block })
      .codes();
  },
  SESSION_NAMES: () =>
    openShort()
      .asks(GET)
      .hears({ apdu: 'read-response', items: [{ kind: 'error', dataAccessError: 3 }] })
      .codes(),
  SESSION_METHOD_NAME: () => {
    // Class 22, whose methods nobody has placed, at 0100.
    const list = '01010204100100120016110009060000160000ff';
    const method = { classId: 22, instanceId: obisOf(0, 0, 22, 0, 0), methodId: 1 };
    return openShort()
      .asks({ service: 'action', items: [{ method, parameters: null }] })
      .hears({ apdu: 'read-response', items: [{ kind: 'data', data: dataFromOctets(fromHex(list)) }] })
      .codes();
  },
  SESSION_CLOSED: () => {
    const scripted = open();
    scripted.session.release(0);
    return scripted.asks(GET).codes();
  },
  SESSION_ABORTED: () => {
    const scripted = open();
    scripted.session.cancel(scripted.session.request(GET, 0), 0);
    return scripted.rest().codes();
  },
  SESSION_QUEUE_FULL: () => {
    const scripted = open();
    return thrown(() => {
      for (let at = 0; at <= REQUEST_QUEUE_MAX + 1; at++) scripted.session.request(GET, 0);
    });
  },
};

test('every code of a session is documented and reachable', () => {
  for (const [code, reach] of Object.entries(REACHED)) {
    assert.ok(reach().includes(code), `${code} is not among ${reach().join(', ')}`);
    assert.match(SESSION_ERRORS[code as SessionErrorCode].sentence, /^[A-Z].{20,}[.?]$/);
  }
});

test('HE-7 an AARE that cannot be: garbage inside, another version, a PDU too small, an exception instead', () => {
  const garbage = { ...aareOf(0, 0, null, null), userInformation: Uint8Array.of(8, 0, 6) };
  assert.deepEqual(new Scripted().hears(garbage).codes(), ['DLMS_TRUNCATED']);
  for (const agreed of [{ negotiatedDlmsVersion: 5 }, { serverMaxReceivePduSize: 20 }]) {
    assert.deepEqual(new Scripted().hears(aareOf(0, 0, null, { ...AGREED, ...agreed })).codes(), [
      'SESSION_ASSOCIATION_REFUSED',
    ]);
  }
  assert.deepEqual(new Scripted().hears('d80101').codes(), ['SESSION_ASSOCIATION_REFUSED']);
  assert.deepEqual(new Scripted().hears('ee01').codes(), ['DLMS_APDU_TAG', 'DLMS_APDU_TAG']);
  assert.deepEqual(
    new Scripted()
      .hears(aareOf(1, 1, null, { apdu: 'confirmed-service-error', service: 1, errorChoice: 6, errorValue: 1 }))
      .codes(),
    ['SESSION_ASSOCIATION_REFUSED'],
  );
  assert.deepEqual(new Scripted().waits(100).codes(), ['SESSION_TIMEOUT'], 'and silence');
});

test('HE-7 an exception answers the request in flight as a value; the next request goes on', () => {
  const scripted = open().asks(GET).asks(ACT);
  scripted.hears('d80102', '0e050301');
  assert.deepEqual(scripted.codes(), ['refused', 'refused']);
  assert.deepEqual(
    scripted.said().map(({ apdu }) => apdu),
    ['get-request-normal', 'action-request-normal'],
  );
  assert.deepEqual(scripted.hears('d80102').codes().slice(2), [], 'an exception to nothing is passed over');
});

test('HE-7 an answer that cannot be read ends the request by name; a write is then of unknown outcome', () => {
  assert.deepEqual(open().asks(GET).hears('c401c10006').codes(), ['DLMS_TRUNCATED', 'DLMS_TRUNCATED']);
  assert.deepEqual(open().asks(ACT).hears('c7').codes(), ['DLMS_TRUNCATED', 'SESSION_UNKNOWN_OUTCOME']);
});

test('HE-7 a late or repeated answer is dropped by its invoke id, a repeated block by its number', () => {
  const scripted = open().asks(GET);
  const first = invocation(scripted);
  const answer = { apdu: 'get-response-normal', ...first, result: { dataAccessResult: 3 } } as const;
  scripted.hears({ ...answer, invokeId: (first.invokeId + 5) & 15 }, answer, answer);
  assert.deepEqual(scripted.codes(), ['SESSION_STALE', 'answered', 'SESSION_STALE']);
  scripted.asks(GET);
  const second = invocation(scripted);
  assert.notEqual(second.invokeId, first.invokeId);
  const block = (blockNumber: number, lastBlock: boolean, hex: string) =>
    ({
      apdu: 'get-response-with-datablock',
      ...second,
      lastBlock,
      blockNumber,
      block: { rawData: fromHex(hex) },
    }) as const;
  scripted.hears(block(1, false, '0904'), block(1, false, '0904'), block(2, true, '01020304'));
  assert.deepEqual(scripted.codes().slice(3), ['SESSION_STALE', 'answered']);
});

test('HE-7 a lost answer in a block transfer is asked for again with the same number', () => {
  const scripted = open().asks(GET);
  const current = invocation(scripted);
  scripted.hears({
    apdu: 'get-response-with-datablock',
    ...current,
    lastBlock: false,
    blockNumber: 1,
    block: { rawData: fromHex('09') },
  });
  scripted.waits(100);
  assert.deepEqual(
    scripted.said().map((apdu) => ('blockNumber' in apdu ? apdu.blockNumber : apdu.apdu)),
    [1, 1],
  );
});

test('HE-7 refusals in the middle of transfers: a datablock result, a set that ends early, lists answered with one result', () => {
  const refusedGet = open().asks({ service: 'get', items: [register(1), register(2)] });
  refusedGet.hears({
    apdu: 'get-response-with-datablock',
    ...invocation(refusedGet),
    lastBlock: true,
    blockNumber: 1,
    block: { dataAccessResult: 15 },
  });
  assert.deepEqual(results(refusedGet), [{ dataAccessResult: 15 }, { dataAccessResult: 15 }]);
  const oneForAll = open().asks({ service: 'get', items: [register(1), register(2)] });
  oneForAll.hears({ apdu: 'get-response-normal', ...invocation(oneForAll), result: { dataAccessResult: 250 } });
  assert.deepEqual(results(oneForAll), [{ dataAccessResult: 250 }, { dataAccessResult: 250 }]);
  const earlySet = open().asks({ service: 'set', items: [{ attribute: attributeOf(1, TEXT), value: LONG }] });
  earlySet.hears({ apdu: 'set-response-normal', ...invocation(earlySet), result: 2 });
  assert.deepEqual(results(earlySet), [2]);
  const wrongCount = open().asks({ service: 'get', items: [register(1), register(2)] });
  wrongCount.hears({ apdu: 'get-response-with-list', ...invocation(wrongCount), results: [{ dataAccessResult: 1 }] });
  assert.deepEqual(wrongCount.codes(), ['SESSION_ANSWER']);
});

function results({ events }: Scripted): readonly unknown[] {
  const [outcome] = events.flatMap((event) => (event.kind === 'done' ? [event.outcome] : []));
  return outcome?.kind === 'answered' ? outcome.answer.results : [outcome?.kind];
}

test('HE-7 a release: RLRE, silence, or an exception all end politely; without release the link is just closed', () => {
  const releasing = () => {
    const scripted = open();
    scripted.session.release(0);
    assert.equal(toHex(concat(scripted.session.takeOutput())).slice(16), '6203800100');
    return scripted;
  };
  assert.deepEqual(releasing().hears({ apdu: 'rlre', reason: 0, userInformation: null }).codes(), ['closed']);
  assert.deepEqual(releasing().waits(100).codes(), ['closed']);
  assert.deepEqual(releasing().hears('d80101').codes(), ['closed']);
  const abrupt = open({ release: false });
  abrupt.session.release(0);
  assert.deepEqual(abrupt.rest().codes(), ['closed']);
  assert.equal(abrupt.session.takeOutput().length, 0);
});

test('HE-7 every request that waits ends when the session does, a method in flight as unknown', () => {
  const scripted = open().asks(ACT).asks(GET);
  scripted.session.cancel(999, 0);
  const { session } = scripted;
  assert.equal(session.state, 'associated');
  session.cancel(1, 0);
  session.release(0);
  scripted.hears('c4014200020101');
  assert.equal(scripted.codes().at(0), 'SESSION_UNKNOWN_OUTCOME');
});

test('interop 4: an AARE for a password may echo the ciphered context and say its protocol version', () => {
  const password = { mechanism: 'lls', password: fromHex('3132333435363738') } as const;
  const aare = { ...aareOf(0, 0, 1, AGREED), applicationContext: 3, protocolVersion: Uint8Array.of(0x07, 0x80) };
  const scripted = new Scripted({ authentication: password }).hears(aare);
  assert.equal(scripted.session.state, 'associated');
  assert.deepEqual(scripted.codes(), []);
});

test('interop 12: an AARE that rejects without user information still says why, in words', () => {
  for (const [diagnostic, words] of [
    [{ source: 'acse-service-user', code: 13 }, /authentication-failure/],
    [{ source: 'acse-service-user', code: 2 }, /application-context-name-not-supported/],
    [{ source: 'acse-service-provider', code: 2 }, /no-common-acse-version/],
    [{ source: 'acse-service-user', code: 77 }, /result 1, acse-service-user: 77/],
  ] as const) {
    const scripted = new Scripted().hears({ ...aareOf(1, 0, null, null), diagnostic });
    const [closed] = scripted.events.filter((event) => event.kind === 'closed');
    assert.ok(closed?.kind === 'closed' && closed.error instanceof DeltawattError);
    assert.equal(closed.error.code, 'SESSION_ASSOCIATION_REFUSED');
    assert.match(closed.error.message, words);
  }
});
