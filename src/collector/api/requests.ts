/** Shapes of what the API takes: path, query and body of every route. */
import Type from 'typebox';
import { COMMAND_STATES, KEY_NAMES, KEY_WAYS } from '../../model/command.ts';
import { METER_STATES } from '../../model/event.ts';
import { FOUND_STATES } from '../../model/found.ts';
import { REREAD_STATES } from '../../model/reread.ts';
import { FINDING_STATES } from '../commissioning-ports.ts';
import {
  COMMAND_OBJECTS,
  COMMAND_VALID_MAX_MS,
  COMMAND_VALID_MIN_MS,
  FINDINGS_MAX,
  ORDER_METERS_MAX,
  PAGE_MAX,
  READINGS_MAX,
  TEXT_MAX_CHARS,
} from './limits.ts';
import { Cursor, EdgeIdText, Limit, MeterIdText, ObisText, optional, STRICT, Time, words } from './shapes.ts';

const BodyTime = Type.Union([Type.Integer(), Type.String({ maxLength: 40 })], {
  description: 'ISO 8601 with zone, or UTC ms since 1970',
});

const Sha256Text = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256 of the image, hex' });

const ObjectBody = Type.Object(
  {
    classId: Type.Integer({ minimum: 1, maximum: 65_535 }),
    obis: ObisText,
    attribute: Type.Integer({ minimum: -128, maximum: 127 }),
  },
  STRICT,
);

const ValidFor = optional(
  Type.Integer({
    minimum: COMMAND_VALID_MIN_MS,
    maximum: COMMAND_VALID_MAX_MS,
    description: 'How long it may wait for its concentrator; default 5 min, 7 days for firmware',
  }),
);

const ProfileText = Type.String({ pattern: '^[a-z0-9._-]{1,64}/[a-z0-9._-]{1,64}$', description: 'vendor/model' });
const SerialText = Type.String({ pattern: '^[!-~]{1,64}$', description: 'Serial number' });

/** An address as a scan found it. */
const FoundBody = Type.Object(
  {
    address: Type.Integer({ minimum: 0, maximum: 16_383, description: 'Physical HDLC address' }),
    state: words(FOUND_STATES),
    serial: optional(SerialText),
    deviceName: optional(Type.String({ maxLength: 64, description: 'COSEM logical device name' })),
    firmware: optional(Type.String({ maxLength: 64 })),
    sentence: Type.String({ maxLength: 400 }),
  },
  STRICT,
);

/** What a command asks. */
const CommandBodySchema = Type.Union([
  Type.Object(
    { kind: Type.Literal('read'), objects: Type.Array(ObjectBody, { minItems: 1, maxItems: COMMAND_OBJECTS }) },
    STRICT,
  ),
  Type.Object({ kind: Type.Literal('relay'), action: words(['disconnect', 'reconnect']) }, STRICT),
  Type.Object(
    { kind: Type.Literal('firmware'), sha256: Sha256Text, activateAt: optional(BodyTime) },
    { ...STRICT, description: 'A new firmware: an image that was brought before, activated not before activateAt' },
  ),
  Type.Object(
    { kind: Type.Literal('key-rotation'), key: words(KEY_NAMES), by: optional(words(KEY_WAYS)) },
    {
      ...STRICT,
      description:
        'A new key, which the concentrator draws and hands to the meter, or for the master key agrees on with it; none is in the command',
    },
  ),
  Type.Object(
    { kind: Type.Literal('ping') },
    { ...STRICT, description: 'How far the way to the meter goes: the answer names the first part that fails' },
  ),
]);

/** Path parameters. */
export const PATH = {
  meter: Type.Object({ meterId: MeterIdText }, STRICT),
  edge: Type.Object({ edgeId: EdgeIdText }, STRICT),
  finding: Type.Object({ findingId: Type.String({ pattern: '^[0-9a-f]{16}$' }) }, STRICT),
  command: Type.Object({ commandId: Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' }) }, STRICT),
  image: Type.Object({ sha256: Sha256Text }, STRICT),
  token: Type.Object({ tokenId: Type.String({ maxLength: 64 }) }, STRICT),
  code: Type.Object({ code: Type.String({ maxLength: 64 }) }, STRICT),
};

/** Query parameters. */
export const QUERY = {
  none: Type.Object({}, STRICT),
  edges: Type.Object({ state: optional(words(['active', 'inbox', 'deactivated'])) }, STRICT),
  meters: Type.Object(
    {
      text: optional(Type.String({ maxLength: TEXT_MAX_CHARS, description: 'Part of the id or the name' })),
      edgeId: optional(EdgeIdText),
      state: optional(words(METER_STATES)),
      limit: optional(Limit(PAGE_MAX)),
      cursor: optional(Cursor),
    },
    STRICT,
  ),
  readings: Type.Object(
    {
      obis: ObisText,
      intervalS: optional(
        Type.Integer({
          minimum: 0,
          maximum: 31_622_400,
          description: 'Needed when the OBIS code has several channels',
        }),
      ),
      from: optional(Time('Intervals that end after, registers read at or after; default 24 h before `to`')),
      to: optional(Time('Intervals that end at or before, registers read before; default now')),
      asOf: optional(Time('Only what was known then')),
      versions: optional(words(['newest', 'all'])),
      format: optional(
        words(['json', 'rows', 'csv', 'ndjson'], 'Overrides Accept; `rows` is JSON with an object a reading'),
      ),
      limit: optional(Limit(READINGS_MAX)),
      cursor: optional(Cursor),
    },
    STRICT,
  ),
  range: Type.Object(
    { from: optional(Time('Begin; default 24 h before `to`')), to: optional(Time('End; default now')) },
    STRICT,
  ),
  events: Type.Object(
    {
      meterId: optional(MeterIdText),
      from: optional(Time('Begin; default 24 h before `to`')),
      to: optional(Time('End; default now')),
      limit: optional(Limit(PAGE_MAX)),
      cursor: optional(Cursor),
    },
    STRICT,
  ),
  commands: Type.Object(
    {
      meterId: optional(MeterIdText),
      state: optional(words(COMMAND_STATES)),
      limit: optional(Limit(PAGE_MAX)),
      cursor: optional(Cursor),
    },
    STRICT,
  ),
  findings: Type.Object(
    { edgeId: optional(EdgeIdText), state: optional(words(FINDING_STATES)), limit: optional(Limit(PAGE_MAX)) },
    STRICT,
  ),
  acceptance: Type.Object({ format: optional(words(['json', 'text'], 'Overrides Accept; text is for paper')) }, STRICT),
  import: Type.Object(
    {
      dryRun: optional(words(['yes', 'no'], 'Check all and change nothing; default no')),
      take: optional(words(['all', 'valid'], 'All lines or none, or those that are good; default all')),
    },
    STRICT,
  ),
  rereads: Type.Object(
    {
      edgeId: optional(EdgeIdText),
      meterId: optional(MeterIdText),
      state: optional(words(REREAD_STATES)),
      limit: optional(Limit(PAGE_MAX)),
      cursor: optional(Cursor),
    },
    STRICT,
  ),
  keyRotations: Type.Object(
    { edgeId: optional(EdgeIdText), limit: optional(Limit(PAGE_MAX)), cursor: optional(Cursor) },
    STRICT,
  ),
  image: Type.Object(
    {
      identifier: Type.String({
        pattern: '^[\\x20-\\x7e]{1,64}$',
        description: 'Names the image to meters (image_identifier), as its maker says',
      }),
      name: optional(Type.String({ maxLength: 80, description: 'For people' })),
    },
    STRICT,
  ),
  stream: Type.Object({ lastEventId: optional(Type.String({ maxLength: 64 })) }, STRICT),
};

/** Request bodies. */
export const BODY = {
  setup: Type.Object(
    { code: Type.String({ minLength: 1, maxLength: 64 }), name: Type.String({ minLength: 1, maxLength: 80 }) },
    STRICT,
  ),
  token: Type.Object(
    {
      name: Type.String({ minLength: 1, maxLength: 80 }),
      role: words(['viewer', 'operator', 'admin']),
      expires: optional(BodyTime),
    },
    STRICT,
  ),
  meter: Type.Object(
    {
      profile: optional(ProfileText),
      name: optional(Type.String({ maxLength: 200 })),
      timeZone: optional(Type.String({ maxLength: 64, description: 'IANA name' })),
      serial: optional(Type.String({ pattern: '^[!-~]{1,64}$', description: 'Serial number; stays when left out' })),
      title: optional(Type.String({ pattern: '^[0-9a-f]{16}$', description: 'System title; stays when left out' })),
    },
    STRICT,
  ),
  findings: Type.Object(
    {
      line: Type.String({ pattern: '^[A-Za-z0-9._-]{1,32}$', description: 'Line of the concentrator' }),
      addresses: Type.Array(FoundBody, { maxItems: FINDINGS_MAX }),
    },
    STRICT,
  ),
  acceptFinding: Type.Object(
    {
      meterId: optional(MeterIdText),
      profile: optional(ProfileText),
      name: optional(Type.String({ minLength: 1, maxLength: 200 })),
    },
    {
      ...STRICT,
      description: 'Without meterId the meter is called by its serial number; one of a network needs a profile',
    },
  ),
  placement: Type.Object({ edgeId: EdgeIdText, from: optional(BodyTime) }, STRICT),
  placementEnd: Type.Object({ to: optional(BodyTime) }, STRICT),
  command: Type.Object(
    {
      meterId: MeterIdText,
      body: CommandBodySchema,
      validForMs: ValidFor,
    },
    STRICT,
  ),
  firmwareOrder: Type.Object(
    {
      meterIds: Type.Array(MeterIdText, { minItems: 1, maxItems: ORDER_METERS_MAX, uniqueItems: true }),
      sha256: Sha256Text,
      activateAt: optional(BodyTime),
      validForMs: ValidFor,
    },
    STRICT,
  ),
};
