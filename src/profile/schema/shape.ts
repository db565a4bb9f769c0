/**
 * The form of a profile file: one schema that checks it, documents it and types it. Meanings that a schema cannot say
 * (names that must exist, codes that must parse) are checked in `resolve.ts`.
 */
import Type, { type Static } from 'typebox';
import { SEVERITIES } from '../../model/event.ts';
import { QUALITIES } from '../../model/reading.ts';
import { MBUS_CHANNELS_MAX } from '../limits.ts';
import {
  CLIENT_USES,
  MBUS_IDENTIFICATIONS,
  MODBUS_TYPES,
  PUSH_ENCODINGS,
  QUIRKS,
  RECORD_FUNCTIONS,
  SECURITIES,
  THROUGH,
  VALUE_TYPES,
} from './profile.ts';

const word = (description: string) =>
  Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$', description: `${description}: small letters, digits, hyphens` });

const obis = (description: string) =>
  Type.String({
    pattern: '^\\d{1,3}-\\d{1,3}:\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}(\\*\\d{1,3})?$',
    description: `${description}: an OBIS code such as 1-0:1.8.0`,
  });

const oneOf = <const Names extends readonly string[]>(names: Names, description: string) =>
  Type.Unsafe<Names[number]>(Type.Enum([...names], { description: `${description}: ${names.join(', ')}` }));

const oneNumberOf = <const Numbers extends readonly number[]>(numbers: Numbers, description: string) =>
  Type.Unsafe<Numbers[number]>(Type.Enum([...numbers], { description: `${description}: ${numbers.join(', ')}` }));

const whole = (minimum: number, maximum: number, description: string) =>
  Type.Integer({ minimum, maximum, description: `${description}: a whole number from ${minimum} to ${maximum}` });

const closed = { additionalProperties: false } as const;
const DAY_S = 86_400;

const pattern = (description: string) =>
  Type.String({ minLength: 1, description: `${description}: a regular expression` });

const HDLC = Type.Object(
  {
    addressOctets: oneNumberOf([1, 2, 4] as const, 'octets of the server address'),
    logicalDevice: whole(0, 0x3fff, 'upper half of the address'),
    physicalDevice: Type.Union([whole(0, 0x3fff, 'lower half of the address'), Type.String()], {
      description: 'lower half of the address: a number or a formula such as serial % 10000 + 1000',
    }),
    informationMaxOctets: Type.Optional(whole(32, 2030, 'longest information field, octets')),
    window: Type.Optional(whole(1, 7, 'frames in flight')),
  },
  closed,
);

const WRAPPER = Type.Object(
  { logicalDevice: whole(1, 0xffff, 'wPort of the meter'), port: Type.Optional(whole(1, 0xffff, 'TCP or UDP port')) },
  closed,
);

const CLIENT = Type.Object(
  {
    name: word('name of the client'),
    address: whole(1, 127, 'client SAP'),
    security: oneOf(SECURITIES, 'how the client proves itself'),
    uses: Type.Array(oneOf(CLIENT_USES, 'use'), { minItems: 1 }),
  },
  closed,
);

const CLOCK = Type.Object(
  {
    obis: Type.Optional(obis('clock object')),
    deviation: Type.Optional(
      oneOf(['utc-minus-local', 'local-minus-utc', 'ignore'] as const, 'meaning of the deviation'),
    ),
    timeZone: Type.Optional(Type.String({ description: 'site, or an IANA zone such as Europe/Oslo' })),
    daylightBit: Type.Optional(Type.Boolean({ description: 'whether a cleared daylight bit can be believed' })),
    rangeDeviation: Type.Optional(
      oneOf(['as-clock', 'set', 'not-specified'] as const, 'whether moments of a range say their deviation'),
    ),
    toleranceS: Type.Optional(whole(1, 3600, 'difference that is left alone, s')),
    setMaxS: Type.Optional(whole(60, DAY_S, 'difference above which the clock is not set, s')),
  },
  closed,
);

const RECORD = Type.Object(
  {
    quantity: word('what the record measures'),
    function: Type.Optional(oneOf(RECORD_FUNCTIONS, 'which of several values it is')),
    storage: Type.Optional(whole(0, 65_535, 'storage number, 0 = the present value')),
    tariff: Type.Optional(whole(0, 65_535, 'tariff')),
    subunit: Type.Optional(whole(0, 1_023, 'subunit')),
  },
  closed,
);

const MODBUS = Type.Object(
  {
    register: whole(0, 65_535, 'first register, from 0 as on the wire'),
    function: Type.Optional(oneNumberOf([3, 4] as const, 'holding (3) or input registers (4)')),
    type: oneOf(MODBUS_TYPES, 'what the registers hold'),
    words: Type.Optional(oneOf(['high-first', 'low-first'] as const, 'order of the words')),
  },
  closed,
);

const REGISTER = Type.Object(
  {
    name: word('our word for the value'),
    obis: obis('object'),
    class: Type.Optional(oneNumberOf([1, 3, 4, 5] as const, 'interface class')),
    attribute: Type.Optional(whole(2, 127, 'attribute')),
    type: Type.Optional(oneOf(VALUE_TYPES, 'type on the wire')),
    exponent: whole(-12, 12, 'power of ten'),
    unit: Type.String({ maxLength: 16, description: 'symbol of the COSEM unit table, empty for none' }),
    valueClass: oneOf(['billing', 'low-value'] as const, 'what the value is for'),
    periodS: Type.Optional(whole(0, DAY_S, 'read on its own every so many seconds, 0 = never')),
    scalerUnit: Type.Optional(oneOf(['profile', 'meter'] as const, 'who knows the exponent')),
    record: Type.Optional(RECORD),
    modbus: Type.Optional(MODBUS),
    line: Type.Optional(
      Type.String({
        pattern: "^[!-'*-~]{1,32}$",
        description: 'code of its line in an ASCII read-out, as the meter writes it',
      }),
    ),
    storedAs: Type.Optional(obis('code under which its readings are stored, when it is not the object')),
  },
  closed,
);

const COLUMN = Type.Union(
  [
    Type.String(),
    Type.Object(
      {
        ignore: obis('object that is not collected'),
        class: whole(1, 0xffff, 'class'),
        attribute: whole(0, 127, 'attribute'),
      },
      closed,
    ),
  ],
  { description: 'clock, status, the name of a register, or {ignore, class, attribute}' },
);

const BUFFER = Type.Object(
  {
    name: word('name of the profile'),
    obis: obis('object'),
    intervalS: whole(60, DAY_S, 'interval, s'),
    rows: whole(1, 100_000, 'rows that the meter keeps'),
    columns: Type.Array(COLUMN, { minItems: 2, maxItems: 64 }),
    status: Type.Optional(Type.Object({ obis: obis('status object'), bits: word('table of status bits') }, closed)),
    stamp: Type.Optional(oneOf(['end', 'start'] as const, 'what a row is stamped with')),
    order: Type.Optional(oneOf(['oldest-first', 'newest-first'] as const, 'order of rows')),
    nullData: Type.Optional(oneOf(['inherit', 'missing'] as const, 'meaning of null-data in a value')),
    access: Type.Optional(oneOf(['range', 'all'] as const, 'selection that works')),
    sliceRows: Type.Optional(whole(1, 10_000, 'rows in one request')),
    periodS: Type.Optional(whole(60, DAY_S, 'looked for every so many seconds')),
  },
  closed,
);

const COMPACT = Type.Object(
  {
    name: word('name of the compact data'),
    obis: obis('object'),
    registers: Type.Array(word('name of a register that it holds'), { minItems: 1, maxItems: 64 }),
    periodS: Type.Optional(whole(60, DAY_S, 'read every so many seconds')),
  },
  closed,
);

const STATUS_BIT = Type.Object(
  {
    bit: whole(0, 63, 'bit, 0 = least significant'),
    name: word('name of the bit'),
    quality: Type.Optional(oneOf(QUALITIES, 'quality that it stands for')),
    daylight: Type.Optional(Type.Boolean({ description: 'set while daylight saving is in force' })),
  },
  closed,
);

const ATTRIBUTE = Type.Object(
  {
    name: word('our word for the text'),
    obis: obis('object'),
    class: Type.Optional(whole(1, 0xffff, 'interface class')),
    attribute: Type.Optional(whole(1, 127, 'attribute')),
    form: Type.Optional(oneOf(['text', 'hex', 'number'] as const, 'how it is written')),
  },
  closed,
);

const EVENT_CODE = Type.Object(
  {
    code: whole(0, 0xffff_ffff, 'code as read'),
    name: word('word for programs'),
    sentence: Type.String({ minLength: 4, maxLength: 200, description: 'one sentence for people' }),
    severity: oneOf(SEVERITIES, 'how much an operator should care'),
  },
  closed,
);

const EVENT_LOG = Type.Object(
  {
    name: word('name of the log'),
    obis: obis('object'),
    rows: whole(1, 100_000, 'rows that the meter keeps'),
    columns: Type.Array(oneOf(['clock', 'code', 'ignore'] as const, 'column'), { minItems: 1, maxItems: 16 }),
    codeObis: obis('object of the code column'),
    codes: word('table of codes'),
    periodS: Type.Optional(whole(60, DAY_S, 'looked for every so many seconds')),
    suppressed: Type.Optional(Type.Array(whole(0, 0xffff_ffff, 'code that is not sent on'))),
  },
  closed,
);

const RELAY = Type.Object(
  {
    obis: obis('disconnect control'),
    controlMode: whole(0, 7, 'control mode'),
    settleMs: Type.Optional(whole(0, 60_000, 'wait before reading the state back, ms')),
    loadVoltage: Type.Optional(
      Type.Object(
        {
          register: word('name of the register with the voltage behind the relay'),
          maxV: Type.Optional(whole(1, 400, 'above so many volts the load is live')),
        },
        closed,
      ),
    ),
  },
  closed,
);

const FIRMWARE = Type.Object(
  {
    obis: Type.Optional(obis('image transfer object')),
    version: Type.Optional(word('name of the attribute that says what the meter runs')),
    info: Type.Optional(
      oneOf(['required', 'optional'] as const, 'whether the meter must name the image it would activate'),
    ),
    verifyMaxS: Type.Optional(whole(10, 3600, 'verifies within, s')),
    activateMaxS: Type.Optional(whole(10, 7200, 'activates and answers again within, s')),
    broadcastPauseMs: Type.Optional(
      whole(0, 10_000, 'takes blocks that go to all meters of its line, with this pause after each, ms'),
    ),
  },
  closed,
);

const PUSH = Type.Object(
  {
    name: word('name of the list'),
    encoding: Type.Optional(oneOf(PUSH_ENCODINGS, 'how the list comes')),
    layout: oneOf(['positional', 'obis'] as const, 'form of the list'),
    items: Type.Optional(whole(1, 256, 'elements of the body')),
    text: Type.Optional(Type.Object({ position: whole(0, 255, 'position'), pattern: pattern('text there') }, closed)),
    obisText: Type.Optional(Type.Object({ obis: obis('object'), pattern: pattern('text there') }, closed)),
    positions: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^\\d{1,3}$' }),
        Type.String({ description: 'clock, or the name of a register or attribute' }),
      ),
    ),
    exponents: Type.Optional(Type.Record(Type.String(), whole(-12, 12, 'power of ten'))),
    periodS: Type.Optional(whole(1, DAY_S, 'comes every so many seconds')),
  },
  closed,
);

const MBUS = Type.Object(
  {
    channels: Type.Optional(whole(1, MBUS_CHANNELS_MAX, 'channels of its M-Bus')),
    identification: oneOf(MBUS_IDENTIFICATIONS, 'how class 72 writes the number of a sub-meter'),
  },
  closed,
);

const ASCII = Type.Object(
  {
    command: Type.Optional(oneOf(['R5', 'R6'] as const, 'how its load profile is read')),
    timeDigits: Type.Optional(oneNumberOf([10, 11, 12, 13] as const, 'digits of a moment in P.01')),
  },
  closed,
);

const QUIRK = Type.Object(
  {
    name: oneOf(Object.keys(QUIRKS) as (keyof typeof QUIRKS)[], 'switch'),
    sentence: Type.String({ minLength: 4, maxLength: 300, description: 'what was seen' }),
    firmwareFrom: Type.Optional(Type.String({ description: 'first firmware concerned' })),
    firmwareTo: Type.Optional(Type.String({ description: 'last firmware concerned' })),
  },
  closed,
);

/** A profile file. */
export const PROFILE_SHAPE = Type.Object(
  {
    vendor: word('maker'),
    model: word('model'),
    title: Type.String({ minLength: 3, maxLength: 100, description: 'for people' }),
    medium: oneOf(['electricity', 'gas', 'water', 'heat'] as const, 'what it measures'),
    through: Type.Optional(oneOf(THROUGH, 'through what it is read, when it is not asked itself')),
    recognise: Type.Optional(
      Type.Object(
        {
          logicalDeviceName: Type.Optional(pattern('logical device name')),
          typeText: Type.Optional(pattern('meter type or list version')),
        },
        closed,
      ),
    ),
    hdlc: Type.Optional(HDLC),
    wrapper: Type.Optional(WRAPPER),
    referencing: Type.Optional(oneOf(['logical', 'short'] as const, 'how objects are called')),
    clients: Type.Optional(Type.Array(CLIENT, { maxItems: 16 })),
    clock: Type.Optional(CLOCK),
    registers: Type.Array(REGISTER, { minItems: 1, maxItems: 512 }),
    profiles: Type.Optional(Type.Array(BUFFER, { maxItems: 32 })),
    compact: Type.Optional(Type.Array(COMPACT, { maxItems: 32 })),
    statusBits: Type.Optional(Type.Record(Type.String(), Type.Array(STATUS_BIT, { maxItems: 64 }))),
    attributes: Type.Optional(Type.Array(ATTRIBUTE, { maxItems: 64 })),
    eventLogs: Type.Optional(Type.Array(EVENT_LOG, { maxItems: 32 })),
    eventCodes: Type.Optional(Type.Record(Type.String(), Type.Array(EVENT_CODE, { maxItems: 512 }))),
    relay: Type.Optional(RELAY),
    firmware: Type.Optional(FIRMWARE),
    mbus: Type.Optional(MBUS),
    ascii: Type.Optional(ASCII),
    push: Type.Optional(Type.Array(PUSH, { maxItems: 32 })),
    quirks: Type.Optional(Type.Array(QUIRK, { maxItems: 32 })),
  },
  { ...closed, description: 'a meter profile' },
);

/** A profile file that has the right shape. */
export type ProfileFile = Static<typeof PROFILE_SHAPE>;
