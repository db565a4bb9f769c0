/** Short names: the tables, the client's way from objects to names, the server's way back, and what neither of them may do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from '../../../../src/base/bytes.ts';
import type { Data } from '../../../../src/dlms/axdr/data.ts';
import { INTERFACE_CLASSES } from '../../../../src/dlms/cosem/classes/index.ts';
import { obisOf, obisToOctets } from '../../../../src/dlms/cosem/obis.ts';
import {
  assignBaseNames,
  attributeNameOf,
  FIXED_NAMES,
  METHOD_OFFSETS,
  methodNameOf,
  methodOffsetOf,
  namedObjectsOf,
} from '../../../../src/dlms/cosem/short-names.ts';
import { encodeWrapper } from '../../../../src/dlms/frame/wrapper-frame.ts';
import { SecretKey } from '../../../../src/dlms/security/secret-key.ts';
import { SHORT_CONFORMANCE } from '../../../../src/dlms/session/association.ts';
import type { ListedObject } from '../../../../src/dlms/session/object-model.ts';
import type { MeterRequest, Outcome } from '../../../../src/dlms/session/request.ts';
import { namesOfObjects } from '../../../../src/dlms/session/short-association-object.ts';
import { ShortNames } from '../../../../src/dlms/session/short-names.ts';
import { ShortServerAssociation } from '../../../../src/dlms/session/short-server-association.ts';
import type { Apdu } from '../../../../src/dlms/xdlms/apdu.ts';
import { decodeApdu, encodeApdu } from '../../../../src/dlms/xdlms/codec.ts';
import { CONFORMANCE } from '../../../../src/dlms/xdlms/initiate.ts';
import type { AttributeAccess, SelectiveAccess } from '../../../../src/dlms/xdlms/service.ts';
import { attributeOf, BenchMeter, PROFILE, register, SCRIPT, TEXT } from './bench-meter.ts';
import { Pair, type PairOptions } from './pair.ts';

const OWN = obisOf(0, 0, 40, 0, 0);
const octets = (length: number): Data => ({
  type: 'octet-string',
  value: Uint8Array.from({ length }, (_, at) => at & 0xff),
});

function results(outcome: Outcome): readonly unknown[] {
  assert.equal(outcome.kind, 'answered', 'error' in outcome ? outcome.error.message : outcome.kind);
  return outcome.kind === 'answered' ? outcome.answer.results : [];
}

const get = (...items: AttributeAccess[]): MeterRequest => ({ service: 'get', items });
const setText = (value: Data): MeterRequest => ({
  service: 'set',
  items: [{ attribute: attributeOf(1, TEXT), value }],
});
const call = (methodId: number, parameters: Data | null): MeterRequest => ({
  service: 'action',
  items: [{ method: { classId: 9, instanceId: SCRIPT, methodId }, parameters }],
});

function connected(options: Partial<PairOptions> = {}): Pair {
  const pair = new Pair({ framing: 'wrapper', shortNames: new ShortNames(), ...options });
  assert.ok(pair.connect(), String(pair.closed?.code));
  return pair;
}

test('HE-7 names of attributes and methods, as the tables say', () => {
  const object = (classId: number, version: number, baseName: number) => ({
    classId,
    version,
    baseName,
    obis: obisOf(1, 0, 1, 8, 0),
  });
  assert.equal(attributeNameOf(object(3, 0, 0x1000), 2), 0x1008);
  assert.equal(attributeNameOf(object(3, 0, 0x1000), 0), null);
  assert.equal(attributeNameOf(object(3, 0, 0xfff8), 3), null);
  const association = [3, 5, 6, 8].map((method) => methodNameOf(object(12, 2, 0xfa00), method));
  assert.deepEqual(association, [0xfa30, 0xfa40, 0xfa48, 0xfa58]);
  assert.equal(methodOffsetOf(64, 0), 0x28);
  assert.equal(methodOffsetOf(64, 1), 0x30);
  assert.equal(methodOffsetOf(7, 1), 0x58);
  assert.equal(methodNameOf(object(7, 0, 0x1000), 1), null);
  assert.equal(methodNameOf(object(22, 0, 0x1000), 1), null);
  for (const { classId, version, offset } of METHOD_OFFSETS) {
    assert.ok(
      INTERFACE_CLASSES.some((entry) => entry.id === classId && entry.version === (version ?? entry.version)),
      `class ${classId}`,
    );
    assert.equal(offset % 8, 0);
  }
});

test('HE-7 assigned names never meet: every attribute and method of all 116 class versions is found by its own name', () => {
  const objects = INTERFACE_CLASSES.map(({ id, version }, at) => ({
    classId: id,
    version,
    obis: obisOf(0, 1, at, 0, 0),
  }));
  const names = assignBaseNames(objects);
  let found = 0;
  for (const object of names.objects) {
    const table = INTERFACE_CLASSES.find(({ id, version }) => id === object.classId && version === object.version);
    for (const { index } of table?.attributes ?? []) {
      assert.deepEqual(names.locate(attributeNameOf(object, index) ?? 0), { object, kind: 'attribute', id: index });
      found++;
    }
    for (const { index } of table?.methods ?? []) {
      const name = methodNameOf(object, index);
      if (name !== null) assert.deepEqual(names.locate(name), { object, kind: 'method', id: index });
    }
  }
  assert.ok(found > 800, String(found));
  assert.equal(names.locate(0x0101), null);
  assert.equal(names.locate(0x0010), null);
  assert.throws(() => assignBaseNames(Array.from({ length: 70 }, () => objects).flat()), { code: 'DLMS_VALUE' });
});

test('HE-7 fixed names are kept, and names from 8000 on are read from negative numbers', () => {
  const objects = [...FIXED_NAMES.keys()].map((key) => {
    const [classId = '', obis = ''] = key.split('/');
    return { classId: Number(classId), version: 0, obis: namedObisOf(obis) };
  });
  const names = assignBaseNames(objects);
  for (const { classId, obis, baseName } of names.objects)
    assert.equal(baseName, FIXED_NAMES.get(`${classId}/${obis}`));
  const element = fromHex('0101020410fa0012000c110209060000280000ff');
  const [own] = namedObjectsOf(dataOf(element));
  assert.deepEqual(own, { baseName: 0xfa00, classId: 12, version: 2, obis: OWN });
  assert.throws(() => namedObjectsOf({ type: 'array', value: [{ type: 'unsigned', value: 1 }] }), {
    code: 'DLMS_SHAPE',
  });
  assert.throws(() => namedObjectsOf({ type: 'unsigned', value: 1 }), { code: 'DLMS_SHAPE' });
});

test('HE-7 a request goes by name once the list was read, with the octets of the standard', () => {
  const pair = connected();
  const said = watch(pair);
  assert.deepEqual(results(pair.ask(get(register(0)))), [{ data: { type: 'double-long-unsigned', value: 0 } }]);
  // The list at FA08; then register 0, the first object, whose names begin at 0100.
  assert.deepEqual(said.splice(0), ['050102fa08', '0501020108']);
  results(pair.ask(get(register(1), register(2))));
  // Registers have three attributes and a method at 28, so the next one begins 30 further.
  assert.deepEqual(said, ['0502020138020168']);
});

/** APDUs that the client sends from now on, as hex. */
function watch(pair: Pair): string[] {
  const said: string[] = [];
  const take = pair.client.takeOutput.bind(pair.client);
  pair.client.takeOutput = () => {
    const output = take();
    said.push(...output.map((chunk) => toHex(chunk.subarray(8))));
    return output;
  };
  return said;
}

function dataOf(octetsOfData: Uint8Array): Data {
  const apdu = decodeApdu(fromHex(`0c0100${toHex(octetsOfData)}`));
  assert.ok(apdu.apdu === 'read-response' && apdu.items[0]?.kind === 'data');
  return apdu.items[0].data;
}

function namedObisOf(text: string) {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = text.split(/\D/).map(Number);
  return obisOf(a, b, c, d, e, f);
}

test('HE-7 lists, blocks in both directions, writes and methods, over both transports and every PDU size', () => {
  for (const options of [
    {},
    { serverPduMaxBytes: 64, client: { clientPduMaxBytes: 64 } },
    { framing: 'hdlc' as const },
    { framing: 'hdlc' as const, serverPduMaxBytes: 100, client: { clientPduMaxBytes: 90 } },
  ]) {
    const pair = connected(options);
    const many = Array.from({ length: 40 }, (_, number) => register(number));
    const values = many.map((_, number) => ({ data: { type: 'double-long-unsigned', value: number * 100 } }));
    assert.deepEqual(results(pair.ask(get(...many))), values);
    const [profile, , again] = results(pair.ask(get(attributeOf(7, PROFILE), register(1), attributeOf(7, PROFILE))));
    assert.deepEqual(profile, again);
    assert.deepEqual(results(pair.ask(setText(octets(5_000)))), [0]);
    assert.deepEqual(pair.meter.text, octets(5_000));
    const echoed = results(pair.ask(call(2, octets(3_000))));
    assert.deepEqual(echoed, [{ actionResult: 0, returnParameters: { data: octets(3_000) } }]);
    const part = attributeOf(7, PROFILE, 2, { selector: 2, parameters: { type: 'null-data' } });
    const [rows] = results(pair.ask(get(part))) as { data: { value: unknown[] } }[];
    assert.equal(rows?.data.value.length, 2);
    pair.release();
    assert.deepEqual(pair.closed, { code: null });
  }
});

test('HE-7 methods are called by reading where parameters were agreed on, else by writing; a switch says otherwise', () => {
  const withoutParameters = SHORT_CONFORMANCE & ~CONFORMANCE['parameterized-access'];
  for (const [rules, serverConformance, form] of [
    [{}, SHORT_CONFORMANCE, 'read-request'],
    [{}, withoutParameters, 'write-request'],
    [{ snMethod: 'write' as const }, SHORT_CONFORMANCE, 'write-request'],
    [{ snMethod: 'read' as const }, SHORT_CONFORMANCE, 'read-request'],
  ] as const) {
    const pair = connected({ shortNames: new ShortNames(rules), serverConformance });
    results(pair.ask(get(register(1))));
    const said = watch(pair);
    const [result] = results(pair.ask(call(2, octets(4))));
    const returnParameters = form === 'read-request' ? { data: octets(4) } : null;
    assert.deepEqual(result, { actionResult: 0, returnParameters });
    assert.deepEqual(results(pair.ask(call(1, null))), [{ actionResult: 0, returnParameters: null }]);
    assert.deepEqual(pair.meter.invoked, [octets(4), null]);
    assert.ok(said.every((hex) => decodeApdu(fromHex(hex)).apdu === form));
  }
});

const SECRET = new SecretKey(octetsOf(16));
function octetsOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => at + 1);
}
const HLS = { mechanism: 'hls-md5', secret: SECRET } as const;

test('HE-7 passes 3 and 4 by writing bring no proof of the meter: refused, unless the rules let it be one-sided', () => {
  const proving = (rules: ConstructorParameters<typeof ShortNames>[0], secret = SECRET) =>
    new Pair({
      framing: 'wrapper',
      sap: 32,
      shortNames: new ShortNames(rules),
      clients: [{ sap: 32, authentication: HLS }],
      random: (count) => Uint8Array.from({ length: count }, (_, at) => at + 99),
      client: { authentication: { ...HLS, secret, challenge: octetsOf(16) } },
    });
  assert.ok(proving({}).connect());
  const silent = proving({ snMethod: 'write' });
  assert.ok(!silent.connect());
  assert.equal(silent.closed?.code, 'SECURITY_PROOF');
  const oneSided = proving({ snMethod: 'write', oneSidedProof: true });
  assert.ok(oneSided.connect());
  assert.equal(results(oneSided.ask(get(register(3)))).length, 1);
  const wrong = proving({ snMethod: 'write', oneSidedProof: true }, new SecretKey(octetsOf(17)));
  assert.ok(!wrong.connect());
  assert.equal(wrong.closed?.code, 'SECURITY_PROOF');
});

test('HE-7 what the list does not have is undefined without a question; nothing at all is asked for it', () => {
  const pair = connected();
  results(pair.ask(get(register(1))));
  const said = watch(pair);
  const nowhere = attributeOf(3, obisOf(1, 0, 99, 99, 99));
  assert.deepEqual(results(pair.ask(get(nowhere, nowhere))), [{ dataAccessResult: 4 }, { dataAccessResult: 4 }]);
  assert.deepEqual(results(pair.ask({ service: 'set', items: [{ attribute: nowhere, value: octets(1) }] })), [4]);
  const method = { classId: 70, instanceId: obisOf(0, 0, 96, 3, 10), methodId: 1 };
  assert.deepEqual(results(pair.ask({ service: 'action', items: [{ method, parameters: null }] })), [
    { actionResult: 4, returnParameters: null },
  ]);
  assert.deepEqual(said, []);
  const mixed = results(pair.ask(get(nowhere, register(5), nowhere, register(6))));
  assert.deepEqual(mixed, [
    { dataAccessResult: 4 },
    { data: { type: 'double-long-unsigned', value: 500 } },
    { dataAccessResult: 4 },
    { data: { type: 'double-long-unsigned', value: 600 } },
  ]);
});

test('HE-7 the list is read once for a meter; a later association asks the objects who they are', () => {
  const shortNames = new ShortNames();
  results(connected({ shortNames }).ask(get(register(1))));
  const later = connected({ shortNames });
  const said = watch(later);
  results(later.ask(get(register(0), register(1))));
  assert.deepEqual(said.splice(0), ['0502020100020130', '0502020108020138']);
  results(later.ask(get(register(0))));
  assert.deepEqual(said, ['0501020108']);
});

test('HE-7 names that now belong to other objects: nothing is written, and the next association reads the list anew', () => {
  const shortNames = new ShortNames();
  results(connected({ shortNames }).ask(get(register(1))));
  // A new firmware: the same objects in the opposite order, so every name means something else.
  const other = reversed(shortNames);
  assert.ok(other.connect());
  const outcome = other.ask(setText(octets(3)));
  assert.ok(outcome.kind === 'failed' && outcome.error.code === 'SESSION_NAMES', outcome.kind);
  assert.deepEqual(other.meter.written, []);
  const anew = reversed(shortNames);
  assert.ok(anew.connect());
  assert.deepEqual(results(anew.ask(setText(octets(3)))), [0]);
});

/** A meter whose names stand in the opposite order. */
function reversed(shortNames: ShortNames): Pair {
  class Reversed extends BenchMeter {
    override objectList(client: number): readonly ListedObject[] {
      return [...super.objectList(client)].reverse();
    }
  }
  return new Pair({ framing: 'wrapper', shortNames, meter: new Reversed() });
}

test('HE-7 without invoke ids an answer that comes late must not answer another question: the association ends', () => {
  const pair = connected({ client: { requestTimeoutMs: 1_000 } });
  results(pair.ask(get(register(1))));
  const { nowMs } = pair.line;
  const id = pair.client.request(get(register(2)), nowMs);
  pair.client.takeOutput();
  pair.events.push(...pair.client.tick(nowMs + 1_000));
  const done = pair.events.find((event) => event.kind === 'done' && event.id === id);
  assert.ok(done?.kind === 'done' && done.outcome.kind === 'failed' && done.outcome.error.code === 'SESSION_TIMEOUT');
  const next = pair.client.request(get(register(3)), nowMs + 1_001);
  const late = encodeApdu({
    apdu: 'read-response',
    items: [{ kind: 'data', data: { type: 'double-long-unsigned', value: 200 } }],
  });
  pair.events.push(
    ...pair.client.receive(encodeWrapper({ source: 1, destination: 1, apdu: late }), nowMs + 1_001),
    ...pair.client.tick(nowMs + 1_002),
  );
  const after = pair.events.find((event) => event.kind === 'done' && event.id === next);
  assert.ok(after?.kind === 'done' && after.outcome.kind === 'failed');
  assert.ok(pair.events.some((event) => event.kind === 'closed' && event.error?.code === 'SESSION_TIMEOUT'));
});

test('HE-7 the association object: list and rights, whole, by class, by object; its other attributes are not there', () => {
  const pair = connected();
  const ask = (attributeId: number, access: SelectiveAccess | null = null) =>
    results(pair.ask(get(attributeOf(12, OWN, attributeId, access))))[0] as
      | { data: Data }
      | { dataAccessResult: number };
  const list = ask(2);
  assert.ok('data' in list && list.data.type === 'array');
  const named = namedObjectsOf(list.data);
  assert.equal(named.length, 45);
  const byClass = ask(2, { selector: 1, parameters: { type: 'long-unsigned', value: 7 } });
  assert.ok('data' in byClass && namedObjectsOf(byClass.data).length === 1);
  const name: Data = { type: 'octet-string', value: obisToOctets(PROFILE) };
  const one = {
    selector: 2,
    parameters: { type: 'structure', value: [{ type: 'long-unsigned', value: 7 }, name] },
  } as const;
  const byObject = ask(2, one);
  assert.ok('data' in byObject);
  assert.deepEqual(
    namedObjectsOf({ type: 'array', value: [byObject.data] }),
    named.filter(({ obis }) => obis === PROFILE),
  );
  const rights = ask(3, one);
  assert.ok('data' in rights && rights.data.type === 'structure' && rights.data.value.length === 3);
  assert.deepEqual(ask(4), { dataAccessResult: 4 });
  assert.deepEqual(ask(2, { selector: 3, parameters: { type: 'null-data' } }), { dataAccessResult: 12 });
  assert.deepEqual(ask(1), { data: { type: 'octet-string', value: obisToOctets(OWN) } });
});

test('HE-7 a server speaks short or logical names as it is told, and refuses the other with the diagnostic', () => {
  for (const [client, server] of [
    [new ShortNames(), undefined],
    [null, new ShortNames()],
  ] as const) {
    const pair = new Pair({
      framing: 'wrapper',
      ...(server === undefined ? {} : { shortNames: server }),
      client: { shortNames: client },
    });
    assert.ok(!pair.connect());
    assert.equal(pair.closed?.code, 'SESSION_ASSOCIATION_REFUSED');
    assert.ok(pair.served.some((event) => event.kind === 'refused' && event.diagnostic === 2));
  }
});

test('HE-7 an information-report is told as what it is', () => {
  const pair = connected();
  const report = {
    apdu: 'information-report-request',
    time: null,
    items: [{ kind: 'variable', name: 0x0108 }],
    values: [{ type: 'unsigned', value: 7 }],
  } as const;
  pair.server.push(report, { client: 1, server: 1 }, pair.line.nowMs);
  const [pushed] = pair.server.takeOutput();
  assert.ok(pushed !== undefined);
  assert.equal(toHex(pushed.subarray(8)), '180001020108011107');
  pair.events.push(...pair.client.receive(pushed, pair.line.nowMs));
  const heard = pair.events.find((event) => event.kind === 'notification');
  assert.deepEqual(heard, { kind: 'notification', apdu: report });
});

/** A server's association with short names, asked APDU by APDU. */
function serving(conformance = SHORT_CONFORMANCE, answerMaxBytes = 100) {
  const meter = new BenchMeter();
  const facts = {
    client: 1,
    server: 1,
    conformance,
    serverPduMaxBytes: 200,
    clientPduMaxBytes: 200,
    mechanism: 0,
    context: 2,
    answerMaxBytes: () => answerMaxBytes,
  };
  const names = namesOfObjects(meter.objectList(1));
  const nameOf = (classId: number, obis: typeof PROFILE, attribute = 2) => {
    const object = names.find(classId, obis);
    assert.ok(object !== undefined);
    return attributeNameOf(object, attribute) ?? 0;
  };
  return { meter, association: new ShortServerAssociation(meter, names, facts), nameOf };
}

const error = (dataAccessError: number) => ({ kind: 'error', dataAccessError }) as const;
const blockRead = (blockNumber: number): Apdu => ({
  apdu: 'read-request',
  items: [{ kind: 'block-number', blockNumber }],
});

test('HE-7 server: a block that was not heard is given again, a wrong number ends the transfer', () => {
  const { association, nameOf } = serving();
  const first = association.serve({ apdu: 'read-request', items: [{ kind: 'variable', name: nameOf(7, PROFILE) }] });
  assert.ok(first?.apdu === 'read-response' && first.items[0]?.kind === 'data-block');
  assert.ok(encodeApdu(first).length <= 100);
  const second = association.serve(blockRead(1));
  assert.deepEqual(association.serve(blockRead(1)), second);
  assert.deepEqual(association.serve(blockRead(9)), { apdu: 'read-response', items: [error(19)] });
  assert.deepEqual(association.serve(blockRead(1)), { apdu: 'read-response', items: [error(16)] });
  const plain = serving(SHORT_CONFORMANCE & ~CONFORMANCE['block-transfer-with-get-or-read']);
  const long = plain.association.serve({
    apdu: 'read-request',
    items: [{ kind: 'variable', name: plain.nameOf(7, PROFILE) }],
  });
  assert.deepEqual(long, { apdu: 'read-response', items: [error(250)] });
});

test('HE-7 server: blocks of a long write that come twice, out of order, unannounced, or hold nonsense', () => {
  const { association, meter, nameOf } = serving();
  const raw = encodeApdu({
    apdu: 'write-request',
    items: [{ kind: 'variable', name: nameOf(1, TEXT) }],
    values: [octets(90)],
  }).subarray(1);
  const block = (blockNumber: number, lastBlock: boolean, part: Uint8Array): Apdu => ({
    apdu: 'write-request',
    items: [{ kind: 'write-data-block', lastBlock, blockNumber }],
    values: [{ type: 'octet-string', value: part }],
  });
  const taken = { apdu: 'write-response', items: [{ kind: 'block-number', blockNumber: 1 }] };
  assert.deepEqual(association.serve(block(1, false, raw.subarray(0, 50))), taken);
  assert.deepEqual(association.serve(block(1, false, raw.subarray(0, 50))), taken);
  const done = association.serve(block(2, true, raw.subarray(50)));
  assert.deepEqual(done, { apdu: 'write-response', items: [{ kind: 'success' }] });
  assert.deepEqual(meter.text, octets(90));
  const failed = (result: number) => ({ apdu: 'write-response', items: [error(result)] });
  assert.deepEqual(association.serve(block(2, true, raw)), failed(16));
  association.serve(block(1, false, raw));
  assert.deepEqual(association.serve(block(3, true, raw)), failed(19));
  assert.deepEqual(association.serve(block(1, true, Uint8Array.of(9, 9, 9))), failed(12));
  assert.deepEqual(
    association.serve({
      apdu: 'write-request',
      items: [{ kind: 'write-data-block', lastBlock: true, blockNumber: 1 }],
      values: [],
    }),
    failed(12),
  );
  const unagreed = serving(SHORT_CONFORMANCE & ~CONFORMANCE['block-transfer-with-set-or-write']).association;
  assert.deepEqual(unagreed.serve(block(1, false, raw)), {
    ...{ apdu: 'confirmed-service-error', service: 6, errorChoice: 3, errorValue: 2 },
  });
  const readBlock: Apdu = {
    apdu: 'read-request',
    items: [{ kind: 'read-data-block', lastBlock: true, blockNumber: 1, rawData: Uint8Array.of(1, 5, 0, 1) }],
  };
  assert.deepEqual(association.serve(readBlock), { apdu: 'read-response', items: [error(12)] });
});

test('HE-7 server: names of nothing, methods read bare, values that are missing, services not agreed on', () => {
  const { association, meter, nameOf } = serving();
  const read = (...items: Extract<Apdu, { apdu: 'read-request' }>['items']) =>
    association.serve({ apdu: 'read-request', items });
  assert.deepEqual(read({ kind: 'variable', name: 0x0101 }), { apdu: 'read-response', items: [error(4)] });
  const method = nameOf(9, SCRIPT, 1) + 0x20;
  assert.deepEqual(read({ kind: 'variable', name: method }), { apdu: 'read-response', items: [error(12)] });
  const name = nameOf(1, TEXT);
  const write = (values: readonly Data[], apdu: 'write-request' | 'unconfirmed-write-request' = 'write-request') =>
    association.serve({ apdu, items: [{ kind: 'variable', name }], values });
  assert.deepEqual(write([]), { apdu: 'write-response', items: [error(12)] });
  assert.equal(write([octets(2)], 'unconfirmed-write-request'), null);
  assert.deepEqual(meter.text, octets(2));
  const before = meter.written.length;
  const readOnly = { kind: 'variable', name: nameOf(1, TEXT, 1) } as const;
  const denied = association.serve({ apdu: 'write-request', items: [readOnly], values: [octets(6)] });
  assert.deepEqual(denied, { apdu: 'write-response', items: [error(3)] }, 'what may only be read');
  assert.equal(meter.written.length, before, 'the meter is not asked');
  const call = association.serve({ apdu: 'write-request', items: [{ kind: 'variable', name: method }], values: [] });
  assert.deepEqual(call, { apdu: 'write-response', items: [{ kind: 'success' }] });
  const get_ = { apdu: 'get-request-normal', invokeId: 1, confirmed: true, highPriority: true } as const;
  const answer = association.serve({ ...get_, attribute: register(1), access: null });
  assert.equal(answer?.apdu, 'exception-response');
  const poor = serving(CONFORMANCE.read);
  const two = { kind: 'variable', name: poor.nameOf(1, TEXT) } as const;
  const unsupported = { apdu: 'confirmed-service-error', service: 5, errorChoice: 3, errorValue: 2 };
  assert.deepEqual(poor.association.serve({ apdu: 'read-request', items: [two, two] }), unsupported);
  const written = poor.association.serve({ apdu: 'write-request', items: [two], values: [octets(1)] });
  assert.deepEqual(written, { ...unsupported, service: 6 });
  assert.equal(poor.association.serve({ apdu: 'unconfirmed-write-request', items: [two], values: [octets(1)] }), null);
  assert.deepEqual(poor.meter.written, []);
  const selecting = { kind: 'parameterized', name: two.name, selector: 1, parameter: { type: 'null-data' } } as const;
  assert.deepEqual(poor.association.serve({ apdu: 'read-request', items: [selecting] }), {
    apdu: 'read-response',
    items: [error(13)],
  });
});
