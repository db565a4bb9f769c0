/** Values of the DLMS room at random: every data type and every form of APDU, all in the form that our encoder writes. */

import fc from 'fast-check';
import type { Data, IntegerType, TypeDescription } from '../../src/dlms/axdr/data.ts';
import type { CosemDateTime } from '../../src/dlms/cosem/datetime.ts';
import { obisOf } from '../../src/dlms/cosem/obis.ts';
import type { AccessSpecification } from '../../src/dlms/xdlms/access.ts';
import type { Apdu, ApduName, ApduOf } from '../../src/dlms/xdlms/apdu.ts';
import { SERVICE_CIPHERED_TAGS, type ServiceCipheredName } from '../../src/dlms/xdlms/ciphered.ts';

const int = (min: number, max: number) => fc.integer({ min, max });
const u8 = int(0, 0xff);
const u16 = int(0, 0xff_ff);
const u32 = int(0, 0xff_ff_ff_ff);
const i8 = int(-0x80, 0x7f);
/** A record that equals an object literal: no null prototype. */
const record = <Shape>(model: { [Key in keyof Shape]: fc.Arbitrary<Shape[Key]> }): fc.Arbitrary<Shape> =>
  fc.record<Shape>(model, { noNullPrototype: true });
const octets = (maxLength = 20) => fc.uint8Array({ maxLength });
const orNull = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null });
const list = <Value>(value: fc.Arbitrary<Value>) => fc.array(value, { maxLength: 4 });
const octetOrNull = u8.map((octet) => (octet === 0xff ? null : octet));

/** Any 12 octets are a date and time. */
export const dateTime: fc.Arbitrary<CosemDateTime> = record({
  year: u16.map((year) => (year === 0xff_ff ? null : year)),
  month: octetOrNull,
  day: octetOrNull,
  weekday: octetOrNull,
  hour: octetOrNull,
  minute: octetOrNull,
  second: octetOrNull,
  hundredths: octetOrNull,
  deviation: int(-0x80_00, 0x7f_ff).map((minutes) => (minutes === -0x80_00 ? null : minutes)),
  status: u8,
});

const INTEGERS: Readonly<Record<IntegerType, fc.Arbitrary<number>>> = {
  'double-long': int(-0x80_00_00_00, 0x7f_ff_ff_ff),
  'double-long-unsigned': u32,
  bcd: u8,
  integer: i8,
  long: int(-0x80_00, 0x7f_ff),
  unsigned: u8,
  'long-unsigned': u16,
  enum: u8,
  'delta-integer': i8,
  'delta-long': int(-0x80_00, 0x7f_ff),
  'delta-double-long': int(-0x80_00_00_00, 0x7f_ff_ff_ff),
  'delta-unsigned': u8,
  'delta-long-unsigned': u16,
  'delta-double-long-unsigned': u32,
};

const integers = Object.entries(INTEGERS).map(([type, value]) =>
  value.map((number): Data => ({ type: type as IntegerType, value: number })),
);
const letters = fc.array(u8, { maxLength: 12 }).map((codes) => String.fromCharCode(...codes));

const scalar: fc.Arbitrary<Data> = fc.oneof(
  fc.constantFrom<Data>({ type: 'null-data' }, { type: 'dont-care' }),
  fc.boolean().map((value): Data => ({ type: 'boolean', value })),
  fc
    .array(fc.constantFrom('0', '1'), { maxLength: 20 })
    .map((bits): Data => ({ type: 'bit-string', value: bits.join('') })),
  ...integers,
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map((value): Data => ({ type: 'long64', value })),
  fc.bigInt(0n, 2n ** 64n - 1n).map((value): Data => ({ type: 'long64-unsigned', value })),
  fc.float({ noNaN: true }).map((value): Data => ({ type: 'float32', value })),
  fc.double({ noNaN: true }).map((value): Data => ({ type: 'float64', value })),
  octets(200).map((value): Data => ({ type: 'octet-string', value })),
  letters.map((value): Data => ({ type: 'visible-string', value })),
  fc.string({ unit: 'grapheme', maxLength: 8 }).map((value): Data => ({ type: 'utf8-string', value })),
  dateTime.map((value): Data => ({ type: 'date-time', value })),
  dateTime.map(({ year, month, day, weekday }): Data => ({ type: 'date', value: { year, month, day, weekday } })),
  dateTime.map(
    ({ hour, minute, second, hundredths }): Data => ({ type: 'time', value: { hour, minute, second, hundredths } }),
  ),
);

interface Described {
  readonly of: TypeDescription;
  readonly value: fc.Arbitrary<Data>;
}

const u8Element: Described = {
  of: { type: 'unsigned' },
  value: u8.map((value): Data => ({ type: 'unsigned', value })),
};
const octetsElement: Described = {
  of: { type: 'octet-string' },
  value: octets(5).map((value): Data => ({ type: 'octet-string', value })),
};
const pairElement: Described = {
  of: { type: 'structure', of: [u8Element.of, octetsElement.of] },
  value: fc.tuple(u8Element.value, octetsElement.value).map((value): Data => ({ type: 'structure', value })),
};
const tripleElement: Described = {
  of: { type: 'array', count: 3, of: u8Element.of },
  value: fc.array(u8Element.value, { minLength: 3, maxLength: 3 }).map((value): Data => ({ type: 'array', value })),
};

const compact: fc.Arbitrary<Data> = fc
  .constantFrom(u8Element, octetsElement, pairElement, tripleElement)
  .chain(({ of, value }) => list(value).map((values): Data => ({ type: 'compact-array', of, value: values })));

/** Any value, nested up to three levels. */
export const data: fc.Arbitrary<Data> = fc.letrec<{ value: Data }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    scalar,
    compact,
    record({ type: fc.constantFrom('array' as const, 'structure' as const), value: list(tie('value')) }),
  ),
})).value;

const instanceId = fc.tuple(u8, u8, u8, u8, u8, u8).map((groups) => obisOf(...groups));
const attribute = record({ classId: u16, instanceId, attributeId: i8 });
const method = record({ classId: u16, instanceId, methodId: i8 });
const selection = record({ selector: u8, parameters: data });
const access = orNull(selection);
const attributeAccess = record({ classId: u16, instanceId, attributeId: i8, access });
const getResult = fc.oneof(
  data.map((value) => ({ data: value })),
  u8.map((dataAccessResult) => ({ dataAccessResult })),
);
const actionResult = { actionResult: u8, returnParameters: orNull(getResult) };
const invocation = { invokeId: int(0, 15), confirmed: fc.boolean(), highPriority: fc.boolean() };
const longInvocation = {
  longInvokeId: int(0, 0xff_ff_ff),
  selfDescriptive: fc.boolean(),
  breakOnError: fc.boolean(),
  confirmed: fc.boolean(),
  highPriority: fc.boolean(),
};
const block = { lastBlock: fc.boolean(), blockNumber: u32, rawData: octets(300) };
const timeField = fc.constantFrom(new Uint8Array(0), new Uint8Array(12).fill(7));
const specification: fc.Arbitrary<AccessSpecification> = fc.oneof(
  record({ choice: fc.constantFrom('get' as const, 'set' as const), classId: u16, instanceId, attributeId: i8 }),
  record({ choice: fc.constant('action' as const), classId: u16, instanceId, methodId: i8 }),
  record({
    choice: fc.constantFrom('get-with-selection' as const, 'set-with-selection' as const),
    classId: u16,
    instanceId,
    attributeId: i8,
    access: selection,
  }),
);
const blockHead = { lastBlock: fc.boolean(), blockNumber: u16 };
const variable = fc.oneof(
  record({ kind: fc.constant('variable' as const), name: u16 }),
  record({ kind: fc.constant('parameterized' as const), name: u16, selector: u8, parameter: data }),
  record({ kind: fc.constant('block-number' as const), blockNumber: u16 }),
  record({ kind: fc.constant('read-data-block' as const), ...blockHead, rawData: octets() }),
  record({ kind: fc.constant('write-data-block' as const), ...blockHead }),
);
const readResult = fc.oneof(
  record({ kind: fc.constant('data' as const), data }),
  record({ kind: fc.constant('error' as const), dataAccessError: u8 }),
  record({ kind: fc.constant('data-block' as const), ...blockHead, rawData: octets() }),
  record({ kind: fc.constant('block-number' as const), blockNumber: u16 }),
);
const writeResult = fc.oneof(
  record({ kind: fc.constant('success' as const) }),
  record({ kind: fc.constant('error' as const), dataAccessError: u8 }),
  record({ kind: fc.constant('block-number' as const), blockNumber: u16 }),
);
const ciphered = record({
  securityControl: u8,
  invocationCounter: u32,
  payload: octets(40),
  tag: fc.uint8Array({ minLength: 12, maxLength: 12 }),
}).map(({ tag, ...rest }) => ({
  ...rest,
  authenticationTag: (rest.securityControl & 0x10) === 0 ? new Uint8Array(0) : tag,
}));
const generalHeader = {
  transactionId: octets(),
  originatorSystemTitle: octets(8),
  recipientSystemTitle: octets(8),
  dateTime: timeField,
  otherInformation: octets(),
};
const keyInfo = orNull(
  fc.oneof(
    record({ kind: fc.constant('identified' as const), keyId: u8 }),
    record({ kind: fc.constant('wrapped' as const), kekId: u8, wrappedKey: octets() }),
    record({ kind: fc.constant('agreed' as const), keyParameters: octets(), keyCipheredData: octets() }),
  ),
);
const conformance = int(0, 0xff_ff_ff);
const bitString = fc.constantFrom(Uint8Array.of(7, 0x80));
const otherFields = fc.constantFrom([], [{ tag: 0xa9, content: Uint8Array.of(2, 1, 3) }]);

type Forms = { readonly [Name in ApduName]?: fc.Arbitrary<Omit<ApduOf<Name>, 'apdu'>> };

const FORMS: Forms = {
  aarq: record({
    protocolVersion: orNull(bitString),
    applicationContext: int(1, 4),
    callingApTitle: orNull(octets(8)),
    callingAeQualifier: orNull(octets(200)),
    senderAcseRequirements: orNull(bitString),
    mechanism: orNull(int(0, 7)),
    callingAuthenticationValue: orNull(octets(64)),
    userInformation: orNull(octets(200)),
    otherFields,
  }),
  aare: record({
    protocolVersion: orNull(bitString),
    applicationContext: int(1, 4),
    result: int(0, 2),
    diagnostic: record({
      source: fc.constantFrom('acse-service-user' as const, 'acse-service-provider' as const),
      code: int(0, 14),
    }),
    respondingApTitle: orNull(octets(8)),
    respondingAeQualifier: orNull(octets(200)),
    responderAcseRequirements: orNull(bitString),
    mechanism: orNull(int(0, 7)),
    respondingAuthenticationValue: orNull(octets(64)),
    userInformation: orNull(octets(200)),
    otherFields: fc.constant([]),
  }),
  rlrq: record({ reason: orNull(int(0, 30)), userInformation: orNull(octets(60)) }),
  rlre: record({ reason: orNull(int(0, 30)), userInformation: orNull(octets(60)) }),
  'initiate-request': record({
    dedicatedKey: orNull(octets(32)),
    responseAllowed: fc.boolean(),
    proposedQos: orNull(i8),
    proposedDlmsVersion: u8,
    conformance,
    clientMaxReceivePduSize: u16,
  }),
  'initiate-response': record({
    negotiatedQos: orNull(i8),
    negotiatedDlmsVersion: u8,
    conformance,
    serverMaxReceivePduSize: u16,
    vaaName: u16,
  }),
  'confirmed-service-error': record({ service: u8, errorChoice: u8, errorValue: u8 }),
  'get-request-normal': record({ ...invocation, attribute, access }),
  'get-request-next': record({ ...invocation, blockNumber: u32 }),
  'get-request-with-list': record({ ...invocation, attributes: list(attributeAccess) }),
  'get-response-normal': record({ ...invocation, result: getResult }),
  'get-response-with-datablock': record({
    ...invocation,
    lastBlock: fc.boolean(),
    blockNumber: u32,
    block: fc.oneof(
      octets(300).map((rawData) => ({ rawData })),
      u8.map((dataAccessResult) => ({ dataAccessResult })),
    ),
  }),
  'get-response-with-list': record({ ...invocation, results: list(getResult) }),
  'set-request-normal': record({ ...invocation, attribute, access, value: data }),
  'set-request-with-first-datablock': record({ ...invocation, attribute, access, ...block }),
  'set-request-with-datablock': record({ ...invocation, ...block }),
  'set-request-with-list': record({ ...invocation, attributes: list(attributeAccess), values: list(data) }),
  'set-request-with-list-and-first-datablock': record({
    ...invocation,
    attributes: list(attributeAccess),
    ...block,
  }),
  'set-response-normal': record({ ...invocation, result: u8 }),
  'set-response-datablock': record({ ...invocation, blockNumber: u32 }),
  'set-response-last-datablock': record({ ...invocation, result: u8, blockNumber: u32 }),
  'set-response-last-datablock-with-list': record({ ...invocation, results: list(u8), blockNumber: u32 }),
  'set-response-with-list': record({ ...invocation, results: list(u8) }),
  'action-request-normal': record({ ...invocation, method, parameters: orNull(data) }),
  'action-request-next-pblock': record({ ...invocation, blockNumber: u32 }),
  'action-request-with-list': record({ ...invocation, methods: list(method), parameters: list(data) }),
  'action-request-with-first-pblock': record({ ...invocation, method, ...block }),
  'action-request-with-list-and-first-pblock': record({ ...invocation, methods: list(method), ...block }),
  'action-request-with-pblock': record({ ...invocation, ...block }),
  'action-response-normal': record({ ...invocation, ...actionResult }),
  'action-response-with-pblock': record({ ...invocation, ...block }),
  'action-response-with-list': record({ ...invocation, results: list(record(actionResult)) }),
  'action-response-next-pblock': record({ ...invocation, blockNumber: u32 }),
  'data-notification': record({
    ...longInvocation,
    dateTime: timeField,
    taggedDateTime: fc.constant(false),
    body: data,
  }),
  'data-notification-confirm': record({ ...longInvocation, dateTime: timeField }),
  'event-notification-request': record({ time: orNull(timeField), attribute, value: data }),
  'exception-response': fc.oneof(
    record({ stateError: u8, serviceError: int(1, 5), invocationCounter: fc.constant(null) }),
    record({ stateError: u8, serviceError: fc.constant(6), invocationCounter: orNull(u32) }),
  ),
  'access-request': record({
    ...longInvocation,
    dateTime: timeField,
    specifications: list(specification),
    dataList: list(data),
  }),
  'access-response': record({
    ...longInvocation,
    dateTime: timeField,
    specifications: orNull(list(specification)),
    dataList: list(data),
    results: list(record({ choice: fc.constantFrom('get' as const, 'set' as const, 'action' as const), result: u8 })),
  }),
  'general-block-transfer': record({
    lastBlock: fc.boolean(),
    streaming: fc.boolean(),
    window: int(0, 63),
    blockNumber: u16,
    blockNumberAck: u16,
    blockData: octets(),
  }),
  'gateway-request': record({ networkId: u8, physicalDeviceAddress: octets(), content: octets() }),
  'gateway-response': record({ networkId: u8, physicalDeviceAddress: octets(), content: octets() }),
  'general-glo-ciphering': fc.tuple(octets(8), ciphered).map(([systemTitle, text]) => ({ systemTitle, ...text })),
  'general-ded-ciphering': fc.tuple(octets(8), ciphered).map(([systemTitle, text]) => ({ systemTitle, ...text })),
  'general-ciphering': fc
    .tuple(record({ ...generalHeader, keyInfo }), ciphered)
    .map(([header, text]) => ({ ...header, ...text })),
  'general-signing': record({ ...generalHeader, content: octets(), signature: octets() }),
  'read-request': record({ items: list(variable) }),
  'read-response': record({ items: list(readResult) }),
  'write-request': record({ items: list(variable), values: list(data) }),
  'unconfirmed-write-request': record({ items: list(variable), values: list(data) }),
  'write-response': record({ items: list(writeResult) }),
  'information-report-request': record({ time: orNull(letters), items: list(variable), values: list(data) }),
};

const serviceCiphered = Object.keys(SERVICE_CIPHERED_TAGS).map((apdu): [ApduName, fc.Arbitrary<Apdu>] => [
  apdu as ServiceCipheredName,
  ciphered.map((text): Apdu => ({ apdu: apdu as ServiceCipheredName, ...text })),
]);

const plain = Object.entries(FORMS).map(([apdu, fields]): [ApduName, fc.Arbitrary<Apdu>] => [
  apdu as ApduName,
  (fields as fc.Arbitrary<object>).map((rest) => ({ apdu, ...rest }) as Apdu),
]);

/** Every form by name. */
export const APDUS: ReadonlyMap<ApduName, fc.Arbitrary<Apdu>> = new Map([...plain, ...serviceCiphered]);
