/** What a meter says without being asked, between a request and its answer: told once, and the request goes on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from '../../../../src/base/bytes.ts';
import type { Data } from '../../../../src/dlms/axdr/data.ts';
import { dateTimeOfUtcMs, dateTimeToOctets } from '../../../../src/dlms/cosem/datetime.ts';
import { generalizedTimeOf, parseGeneralizedTime } from '../../../../src/dlms/cosem/generalized-time.ts';
import { serverAddress } from '../../../../src/dlms/frame/hdlc-address.ts';
import { HdlcClient } from '../../../../src/dlms/frame/hdlc-client.machine.ts';
import { HdlcServer } from '../../../../src/dlms/frame/hdlc-server.machine.ts';
import { HDLC_UNASKED_MAX } from '../../../../src/dlms/frame/limits.ts';
import type { Stations } from '../../../../src/dlms/frame/transport.ts';
import { encodeWrapper } from '../../../../src/dlms/frame/wrapper-frame.ts';
import { CounterReceiver, CounterSender } from '../../../../src/dlms/security/counters.ts';
import { SecretKey } from '../../../../src/dlms/security/secret-key.ts';
import { PROTECTED } from '../../../../src/dlms/security/secure-channel.ts';
import { ClientSession, type ClientSessionEvent } from '../../../../src/dlms/session/client.machine.ts';
import { type Happening, happeningsOf, notificationOf } from '../../../../src/dlms/session/happening.ts';
import { ServerSession, type ServerSessionEvent } from '../../../../src/dlms/session/server.machine.ts';
import { namesOfObjects } from '../../../../src/dlms/session/short-association-object.ts';
import { ShortNames } from '../../../../src/dlms/session/short-names.ts';
import type { AttributeDescriptor, GetDataResult, SelectiveAccess } from '../../../../src/dlms/xdlms/service.ts';
import { VirtualLine } from '../frame/line.ts';
import { attributeOf, BenchMeter, PROFILE, PROFILE_ROWS, register, SECRET, TEXT } from './bench-meter.ts';
import { PASSWORD, Pair, type PairOptions } from './pair.ts';

const TIME = dateTimeToOctets(dateTimeOfUtcMs(Date.UTC(2026, 0, 31, 23, 59, 58), { deviation: -60 }));
const { access: _, ...ATTRIBUTE } = attributeOf(1, TEXT);
const HAPPENED: Happening = { attribute: ATTRIBUTE, value: { type: 'unsigned', value: 7 }, time: TIME };
const SAP = 32;
const CLIENT_TITLE = fromHex('4d4d4d0000000001');
const SERVER_TITLE = fromHex('4d4d4d0000bc614e');
const key = (fill: number) => new SecretKey(new Uint8Array(16).fill(fill));

/** Something happens whenever a register is read, before the answer is there. */
class TellingMeter extends BenchMeter {
  tell: () => void = () => undefined;
  override read(attribute: AttributeDescriptor, access: SelectiveAccess | null): GetDataResult {
    this.tell();
    return super.read(attribute, access);
  }
}

function telling(
  options: Omit<PairOptions, 'meter'>,
  happening: Happening = HAPPENED,
): { pair: Pair; told: () => number } {
  const meter = new TellingMeter();
  const pair = new Pair({ ...options, meter });
  let told = 0;
  assert.ok(pair.connect(), String(pair.closed?.code));
  meter.tell = () => {
    told += pair.server.notify(happening, pair.line.nowMs);
  };
  return { pair, told: () => told };
}

/** Both sides of an association with keys. */
function keys(dedicated: boolean): Pick<PairOptions, 'sap' | 'clients' | 'systemTitle' | 'random' | 'client'> {
  const shared = { suite: 0, keys: { encryption: key(1), authentication: key(2) } } as const;
  const policy = { requests: PROTECTED, responses: PROTECTED };
  const server = {
    ...shared,
    clientTitle: null,
    counter: CounterSender.unreserved(1),
    clientCounter: new CounterReceiver(),
    policy,
  };
  const security = {
    ...shared,
    clientTitle: CLIENT_TITLE,
    serverTitle: SERVER_TITLE,
    counter: CounterSender.unreserved(1),
    serverCounter: new CounterReceiver(),
    policy,
    ...(dedicated ? { dedicatedKey: key(9) } : {}),
  };
  return {
    sap: SAP,
    systemTitle: SERVER_TITLE,
    random: (count) => new Uint8Array(count).fill(5),
    clients: [{ sap: SAP, authentication: { mechanism: 'hls-gmac' }, security: server }],
    client: { authentication: { mechanism: 'hls-gmac', challenge: new Uint8Array(16).fill(3) }, security },
  };
}

const notified = (pair: Pair) =>
  pair.events.flatMap((event) => (event.kind === 'notification' ? happeningsIn(event) : []));
function happeningsIn({ apdu }: Extract<ClientSessionEvent, { kind: 'notification' }>): readonly Happening[] {
  assert.notEqual(apdu.apdu, 'data-notification');
  return apdu.apdu === 'data-notification' ? [] : happeningsOf(apdu, namesOfObjects(new BenchMeter().objectList(1)));
}

/** Read, a long value in blocks or segments, and a goodbye, with something told in each exchange. */
function exchanges({ pair, told }: ReturnType<typeof telling>, happening: Happening): void {
  const beganMs = pair.line.nowMs;
  const one = pair.ask({ service: 'get', items: [register(7)] });
  assert.deepEqual(
    one.kind === 'answered' && one.answer.results,
    [{ data: { type: 'double-long-unsigned', value: 700 } }],
    'error' in one ? one.error.message : one.kind,
  );
  const long = pair.ask({ service: 'get', items: [attributeOf(7, PROFILE)] });
  assert.deepEqual(long.kind === 'answered' && long.answer.results, [{ data: PROFILE_ROWS }]);
  assert.ok(pair.line.nowMs - beganMs < 1_000, 'nobody waited for a time-out');
  pair.release();
  assert.deepEqual(pair.closed, { code: null });
  assert.equal(told(), 2);
  assert.deepEqual(notified(pair), [happening, happening]);
  assert.deepEqual(
    pair.events.filter(({ kind }) => kind === 'discarded'),
    [],
  );
}

for (const framing of ['hdlc', 'wrapper'] as const) {
  for (const [protection, options] of [
    ['plain', {}],
    ['glo', keys(false)],
    ['ded', keys(true)],
  ] as const)
    test(`HE-7 an event-notification (${framing}, ${protection}) between a request and its answer is told, and the answer taken`, () => {
      const client = { ...('client' in options ? options.client : {}), clientPduMaxBytes: 256 };
      exchanges(telling({ framing, ...options, client }), HAPPENED);
    });

  test(`HE-7 an information-report (${framing}) between a read and its answer is told, and the answer taken`, () => {
    const local = parseGeneralizedTime(
      generalizedTimeOf(dateTimeOfUtcMs(Date.UTC(2026, 0, 31), { deviation: -60 })) ?? '',
    );
    const happening = { ...HAPPENED, time: dateTimeToOctets(local) };
    exchanges(
      telling({ framing, shortNames: new ShortNames(), client: { clientPduMaxBytes: 256 } }, happening),
      happening,
    );
  });
}

test('HE-7 general blocks: a notification between them ends no transfer', () => {
  const client = { clientPduMaxBytes: 256, conformance: 0xff_ff_ff };
  exchanges(telling({ framing: 'wrapper', client }), HAPPENED);
});

test('HE-7 a meter that tells in an I frame, in the place of the answer, is asked for the answer at once', () => {
  /** Takes the token for what nobody asked for, as meters without UI frames do. */
  class Numbered extends HdlcServer {
    override notify(apdu: Uint8Array, stations: Stations, nowMs: number): void {
      this.send(apdu, stations, nowMs);
    }
  }
  const meter = new TellingMeter();
  const client = new ClientSession(new HdlcClient({ client: 1, server: serverAddress(1, 17) }), {
    authentication: { mechanism: 'lls', password: PASSWORD },
  });
  const server = new ServerSession(new Numbered({ physicalDevice: 17 }), {
    model: meter,
    clients: [{ sap: 1, authentication: { mechanism: 'lls', password: PASSWORD } }],
  });
  const events: ClientSessionEvent[] = [];
  const line = new VirtualLine<ClientSessionEvent, ServerSessionEvent>([client, server], {}, 1, (end, heard) => {
    if (end === 0) events.push(...(heard as ClientSessionEvent[]));
  });
  const until = (kind: ClientSessionEvent['kind']) =>
    line.run(() => events.some((event) => event.kind === kind), 60_000);
  client.connect(0);
  assert.ok(until('associated'));
  meter.tell = () => void server.notify(HAPPENED, line.nowMs);
  const beganMs = line.nowMs;
  client.request({ service: 'get', items: [register(3)] }, line.nowMs);
  assert.ok(until('done'));
  const done = events.find((event) => event.kind === 'done');
  assert.ok(done?.kind === 'done' && done.outcome.kind === 'answered');
  assert.deepEqual(done.outcome.answer.results, [{ data: { type: 'double-long-unsigned', value: 300 } }]);
  assert.equal(events.filter(({ kind }) => kind === 'notification').length, 1);
  assert.ok(line.nowMs - beganMs < 100, `${line.nowMs - beganMs} ms`);
});

test('ALA-6 a forged, plain or repeated notification is discarded, and takes no request with it', () => {
  const pair = new Pair({ framing: 'wrapper', ...keys(false) });
  assert.ok(pair.connect());
  const heard: Uint8Array[] = [];
  pair.server.notify(HAPPENED, pair.line.nowMs);
  heard.push(...pair.server.takeOutput().map((octets) => octets.slice(8)));
  const [good = assert.fail()] = heard;
  assert.equal(good[0], 0xca, 'glo-event-notification-request');
  const plain = fromHex(`c2000001${'00'.repeat(6)}021107`);
  const forged = good.slice();
  forged.set([(good.at(-1) ?? 0) ^ 1], good.length - 1);
  const id = pair.client.request({ service: 'get', items: [register(2)] }, pair.line.nowMs);
  const requests = pair.client.takeOutput();
  const say = (apdu: Uint8Array) =>
    pair.events.push(...pair.client.receive(encodeWrapper({ source: 1, destination: SAP, apdu }), pair.line.nowMs));
  for (const apdu of [forged, plain, good, good]) say(apdu);
  const codes = pair.events.flatMap((event) => (event.kind === 'discarded' ? [event.code] : []));
  assert.deepEqual(codes, ['SECURITY_TAG', 'SECURITY_POLICY', 'SECURITY_REPLAY']);
  assert.equal(notified(pair).length, 1);
  for (const request of requests) pair.server.receive(request, pair.line.nowMs);
  for (const answer of pair.server.takeOutput()) pair.events.push(...pair.client.receive(answer, pair.line.nowMs));
  const done = pair.events.find((event) => event.kind === 'done' && event.id === id);
  assert.ok(done?.kind === 'done' && done.outcome.kind === 'answered', 'the request went on');
});

test('HE-7 only who agreed on the service, may read the attribute and is there is told', () => {
  const { pair } = telling({ framing: 'wrapper' });
  assert.equal(pair.server.notify({ ...HAPPENED, attribute: attributeOf(1, SECRET) }, 0), 0, 'may not be read');
  assert.equal(pair.server.notify(HAPPENED, 0), 1);
  pair.release();
  assert.equal(pair.server.notify(HAPPENED, 0), 0, 'gone');
  const without = telling({ framing: 'wrapper', client: { conformance: 0x00_1e_1d } }).pair;
  assert.equal(without.server.notify(HAPPENED, 0), 0, 'not agreed on');
});

test('HE-7 what waits for the token on HDLC is bounded: the newest are kept', () => {
  const { pair } = telling({ framing: 'hdlc' });
  const values = Array.from({ length: HDLC_UNASKED_MAX + 4 }, (_, value): Data => ({ type: 'unsigned', value }));
  for (const value of values) pair.server.notify({ ...HAPPENED, value }, 0);
  assert.deepEqual(pair.server.takeOutput(), [], 'nothing is said without the token');
  assert.equal(pair.ask({ service: 'get', items: [attributeOf(1, TEXT)] }).kind, 'answered');
  const told = notified(pair).map(({ value }) => value);
  assert.deepEqual(told.slice(0, HDLC_UNASKED_MAX), values.slice(-HDLC_UNASKED_MAX).slice(1).concat(HAPPENED.value));
});

test('HE-7 an attribute without a short name, a report without a known name: nothing', () => {
  const names = namesOfObjects(new BenchMeter().objectList(1));
  assert.equal(notificationOf({ ...HAPPENED, attribute: { ...HAPPENED.attribute, classId: 99 } }, names), null);
  const report = {
    apdu: 'information-report-request',
    time: 'yesterday',
    items: [
      { kind: 'variable', name: 3 },
      { kind: 'variable', name: 0x0108 },
    ],
    values: [HAPPENED.value, HAPPENED.value],
  } as const;
  assert.deepEqual(happeningsOf(report, null), [], 'the list was not read yet');
  const [only, ...more] = happeningsOf(report, names);
  assert.deepEqual(more, []);
  assert.deepEqual(only?.attribute, { classId: 3, instanceId: register(0).instanceId, attributeId: 2 });
  assert.equal(only?.time, null, 'a time that is none');
});

test('HE-7 GeneralizedTime: local, UTC and with a difference, there and back', () => {
  for (const [text, hex] of [
    ['20260131235959', '07ea011f06173b3b008000ff'],
    ['20260131235959Z', '07ea011f06173b3b000000ff'],
    ['20260131235959.25+0100', '07ea011f06173b3b19ffc4ff'],
    ['20000229000000-0930', '07d0021d0200000000023aff'],
  ] as const) {
    assert.equal(toHex(dateTimeToOctets(parseGeneralizedTime(text))), hex);
    assert.equal(generalizedTimeOf(parseGeneralizedTime(text)), text);
  }
  assert.equal(parseGeneralizedTime('2026013123').minute, 0);
  assert.equal(parseGeneralizedTime('20260131235959,5').hundredths, 50);
  for (const wrong of [
    '',
    '2026',
    '20261331000000',
    '20260131240000',
    '20260131235960',
    '20260131235959+1',
    'x'.repeat(99),
  ])
    assert.throws(() => parseGeneralizedTime(wrong), { code: 'DLMS_DATE_TIME' }, wrong);
  const time = parseGeneralizedTime('20260131235959Z');
  assert.equal(generalizedTimeOf({ ...time, second: null }), null);
  assert.equal(generalizedTimeOf({ ...time, day: 254 }), null);
});
