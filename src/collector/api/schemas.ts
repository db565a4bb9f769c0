/** Shapes of what the API answers, for OpenAPI; a test holds every answer against them. Times are UTC milliseconds. */
import Type, { type TSchema } from 'typebox';
import { COMMAND_STATES, KEY_NAMES } from '../../model/command.ts';
import { GAP_CAUSES, METER_STATES, SEVERITIES } from '../../model/event.ts';
import { QUALITIES, SOURCES } from '../../model/reading.ts';
import { REREAD_REASONS, REREAD_STATES } from '../../model/reread.ts';
import { COMMODITY_NAMES } from './commodities.ts';
import { Cursor, EdgeIdText, instant, MeterIdText, ObisText, optional, words } from './shapes.ts';
import { RUNGS } from './way.ts';

/** An integer of up to 64 bits: a number within 2^53-1, a decimal text beyond. */
export const Exact = Type.Union([Type.Integer(), Type.String({ pattern: '^-?\\d+$' })], {
  description: 'Exact integer: a number within +-(2^53-1), a decimal text beyond',
});

/** A page of items. */
export const pageOf = (item: TSchema) => Type.Object({ items: Type.Array(item), cursor: optional(Cursor) });

/** Every refusal (RFC 9457). */
export const ProblemBody = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String(),
    detail: Type.String(),
    pointer: Type.String({ description: 'JSON pointer into the request as {path, query, headers, body}' }),
    instance: Type.String({ description: 'Request id' }),
    errors: optional(Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String() }))),
  },
  { title: 'Problem' },
);

const EdgeStatusBody = Type.Object(
  {
    uptimeS: Type.Integer(),
    autonomyHours: Type.Number({ description: 'Until its journal is full, if nothing were taken in' }),
    backlogBlocks: Type.Integer({ description: 'Blocks that wait to be taken in' }),
    backlogBytes: Type.Integer(),
    facts: Type.Array(Type.Object({ name: Type.String(), state: Type.String(), sentence: Type.String() })),
  },
  { description: 'What it last said of itself' },
);

/** A concentrator. */
export const Edge = Type.Object(
  {
    edgeId: EdgeIdText,
    state: words(['active', 'inbox', 'deactivated']),
    epoch: optional(Type.String({ description: 'Life of its store, 16 hex digits' })),
    software: optional(Type.String()),
    lastHelloMs: optional(instant('Last call')),
    lastBlockMs: optional(instant('Last data')),
    lastHeardMs: optional(instant('Last sign of life')),
    status: optional(EdgeStatusBody),
    note: optional(Type.String()),
  },
  { title: 'Concentrator' },
);

/** What an edge needs, told once. */
export const EnrolmentBody = Type.Object(
  {
    edgeId: EdgeIdText,
    url: Type.String(),
    password: Type.String(),
    key: Type.String(),
    commandPublicKey: Type.String(),
    limitsPublicKey: Type.String(),
  },
  { title: 'Enrolment', description: 'Write it to the enrolment file of the concentrator; it is shown once' },
);

/** A meter with its state. */
export const Meter = Type.Object(
  {
    meterId: MeterIdText,
    profile: optional(Type.String()),
    name: optional(Type.String()),
    timeZone: optional(Type.String()),
    serial: optional(Type.String({ description: 'Serial number' })),
    title: optional(Type.String({ description: 'System title, 16 hex digits' })),
    line: optional(Type.String({ description: 'Line of its concentrator' })),
    address: optional(Type.Integer({ description: 'Physical HDLC address' })),
    edgeId: optional(EdgeIdText),
    placedFromMs: optional(instant('Placed on the concentrator from')),
    placedToMs: optional(instant('Placed on the concentrator until')),
    state: words(METER_STATES, 'What its concentrator sees'),
    stateSentence: optional(Type.String()),
    stateSinceMs: optional(instant('In this state since')),
    lastReadingAtMs: optional(instant('Newest measured time')),
    lastHeardAtMs: optional(instant('Last answer')),
  },
  { title: 'Meter' },
);

/** How far the way to a meter goes. */
export const WayBody = Type.Object(
  {
    failing: Type.Union([words(RUNGS), Type.Null()], { description: 'The first part that fails, null = none' }),
    who: Type.Union([Type.String(), Type.Null()], { description: 'Who can mend it' }),
    sentence: Type.String(),
    rungs: Type.Array(Type.Object({ rung: words(RUNGS), state: words(['ok', 'failed', 'unknown'] as const) })),
  },
  { title: 'Way' },
);

/** A channel. */
export const ChannelBody = Type.Object(
  {
    obis: ObisText,
    intervalS: Type.Integer({ description: '0 = register readings at capture times' }),
    unit: Type.String(),
    exponent: Type.Integer(),
    firstAtMs: instant('First reading'),
    lastAtMs: instant('Last reading'),
  },
  { title: 'Channel' },
);

/** A reading as one object: `format=rows`, NDJSON and `/latest`. */
export const ReadingRow = Type.Object(
  {
    obis: ObisText,
    intervalS: Type.Integer(),
    atMs: instant('Interval end or capture time'),
    value: Exact,
    exponent: Type.Integer({ description: 'The value is value x 10^exponent' }),
    unit: Type.String(),
    quality: words(QUALITIES),
    status: Type.String({ description: 'Status as read, hex' }),
    deviationMin: Type.Union([Type.Integer(), Type.Null()], {
      description: 'COSEM deviation (UTC minus local) as the meter gave it',
    }),
    source: words(SOURCES),
    readAtMs: instant('Read by the concentrator'),
    knownAtMs: instant('Committed here'),
    versions: Type.Integer({ description: 'Known versions of this reading' }),
    edgeId: EdgeIdText,
    epoch: Type.String(),
    lane: Type.Integer(),
    sequence: Type.Integer(),
    index: Type.Integer(),
  },
  { title: 'Reading' },
);

const Column = Type.Object({
  type: words(['integer', 'string', 'integer-or-null']),
  unit: optional(Type.String()),
  constant: optional(
    Type.Union([Type.Integer(), Type.String(), Type.Null()], { description: 'The value of every row' }),
  ),
  values: optional(
    Type.Array(Type.Union([Type.Integer(), Type.String(), Type.Null()]), { description: 'One value a row' }),
  ),
});

/** A page of readings as columns: the default. */
export const ReadingColumns = Type.Object(
  {
    meterId: MeterIdText,
    obis: ObisText,
    intervalS: Type.Integer(),
    fromMs: instant('Range begins'),
    toMs: instant('Range ends'),
    rows: Type.Integer(),
    columns: Type.Record(Type.String(), Column),
    cursor: optional(Cursor),
  },
  {
    title: 'Readings as columns',
    description:
      'Each column says its type and holds either `constant` or `values`. The column `value` is of type `string` on a page that holds an integer beyond 2^53-1.',
  },
);

/** An event. */
export const EventBody = Type.Object(
  {
    meterId: Type.Union([MeterIdText, Type.Null()]),
    edgeId: EdgeIdText,
    log: Type.String(),
    code: Type.Integer(),
    name: Type.String(),
    sentence: Type.String(),
    severity: words(SEVERITIES),
    atMs: instant('As stamped by its origin'),
    knownAtMs: instant('Committed here'),
  },
  { title: 'Event' },
);

/** A text read from a meter. */
export const AttributeBody = Type.Object(
  { obis: Type.String(), name: Type.String(), text: Type.String(), readAtMs: instant('Read') },
  { title: 'Attribute' },
);

/** A run of missing intervals. */
export const GapBody = Type.Object(
  {
    meterId: MeterIdText,
    obis: ObisText,
    intervalS: Type.Integer(),
    fromMs: instant('First missing interval end'),
    toMs: instant('Last missing interval end'),
    count: Type.Integer(),
    cause: words(GAP_CAUSES),
    sentence: Type.String(),
    etaMs: optional(instant('Should be here by')),
  },
  { title: 'Gap' },
);

/** Intervals that a concentrator was, or will be, told to read again. */
export const RereadBody = Type.Object(
  {
    id: Type.String(),
    edgeId: EdgeIdText,
    meterId: optional(MeterIdText),
    intervalS: Type.Integer(),
    obis: Type.Array(ObisText),
    fromMs: instant('First interval end'),
    toMs: instant('Last interval end'),
    reason: words(REREAD_REASONS, 'How it was lost'),
    state: words(REREAD_STATES),
    sentence: Type.String(),
    rows: Type.Integer({ description: 'Intervals that the meter gave' }),
    createdAtMs: instant('Listed'),
    orderedAtMs: optional(instant('Ordered')),
    endedAtMs: optional(instant('Ended')),
  },
  { title: 'Reread', description: 'Without a meter: any meter of the concentrator, until it is known which' },
);

/** Readings of a meter that is not placed on the edge that sent them. */
export const QuarantineBody = Type.Object(
  { edgeId: EdgeIdText, meterId: MeterIdText, rows: Type.Integer(), sinceMs: instant('Since') },
  { title: 'Quarantined readings' },
);

const CommandValue = Type.Object({
  classId: Type.Integer(),
  obis: Type.String(),
  attribute: Type.Integer(),
  result: Type.Integer({ description: 'DLMS data-access-result, 0 = success' }),
  value: optional(Exact),
  exponent: optional(Type.Integer()),
  unit: optional(Type.String()),
  text: optional(Type.String()),
  raw: Type.String({ description: 'A-XDR octets, hex' }),
});

const RelayBody = Type.Object({
  outputOn: Type.Boolean({ description: 'The load has supply' }),
  controlState: Type.Integer({ description: '0 disconnected, 1 connected, 2 ready for reconnection' }),
  sentence: Type.String(),
});

/** A command with its history. */
export const CommandAnswer = Type.Object(
  {
    id: Type.String(),
    meterId: MeterIdText,
    edgeId: EdgeIdText,
    epoch: Type.String(),
    body: Type.Unknown(),
    what: Type.String({ description: 'What was asked, in words' }),
    author: Type.String(),
    state: words(COMMAND_STATES),
    ended: Type.Boolean({ description: 'Nothing changes any more' }),
    sentence: Type.String(),
    createdAtMs: instant('Stored'),
    expiresAtMs: instant('Expires'),
    values: Type.Array(CommandValue),
    relay: optional(RelayBody),
    reports: Type.Array(
      Type.Object({
        state: words(COMMAND_STATES),
        code: Type.String(),
        sentence: Type.String(),
        atMs: instant('Reported'),
      }),
    ),
  },
  { title: 'Command' },
);

/** What became of an order for several meters, one line for each. */
export const OrderAnswer = Type.Object(
  {
    items: Type.Array(
      Type.Object({
        meterId: MeterIdText,
        command: optional(CommandAnswer),
        refused: optional(Type.Object({ code: Type.String(), sentence: Type.String() })),
      }),
    ),
  },
  { title: 'Order' },
);

/** Scheduled rotations: the groups, and a line for each key of the meters of a page. */
export const RotationsAnswer = Type.Object(
  {
    groups: Type.Array(
      Type.Object({
        name: Type.String(),
        edges: Type.Array(Type.String({ description: 'Empty = all' })),
        meters: Type.Array(Type.String({ description: 'Empty = all of these concentrators' })),
        keys: Type.Array(words(KEY_NAMES)),
        periodMs: Type.Integer(),
        fromMs: instant('Nothing is due before'),
      }),
    ),
    items: Type.Array(
      Type.Object({
        meterId: MeterIdText,
        group: Type.String(),
        key: words(KEY_NAMES),
        dueAtMs: instant('Due'),
        isDue: Type.Boolean({ description: 'An order is given as soon as the concentrator has none under way' }),
        lastCommandId: optional(Type.String()),
        lastState: optional(words(COMMAND_STATES)),
        lastAtMs: optional(instant('Ordered last')),
      }),
    ),
    cursor: optional(Cursor),
  },
  { title: 'KeyRotations' },
);

/** An image of firmware. */
export const ImageAnswer = Type.Object(
  {
    sha256: Type.String(),
    sizeOctets: Type.Integer(),
    name: Type.String(),
    identifier: Type.String({ description: 'Names the image to meters' }),
    uploadedBy: Type.String(),
    uploadedAtMs: instant('Uploaded'),
  },
  { title: 'Image' },
);

/** What became of a list of meters. */
export const ImportBody = Type.Object(
  {
    rows: Type.Integer({ description: 'Lines below the first' }),
    created: Type.Integer({ description: 'Meters that are new' }),
    changed: Type.Integer({ description: 'Meters of which the list says something new' }),
    unchanged: Type.Integer(),
    refused: Type.Integer({ description: 'Lines with a fault' }),
    isApplied: Type.Boolean({ description: 'The registry holds the list now, or its good lines' }),
    isDryRun: Type.Boolean(),
    faults: Type.Array(
      Type.Object({
        line: Type.Integer({ description: 'Line of the file, from 1' }),
        column: Type.String({ description: 'Empty: the line as a whole' }),
        code: Type.String(),
        meterId: optional(Type.String()),
        problem: Type.String(),
        wayOut: Type.String(),
      }),
      { description: 'The first 1,000, by line' },
    ),
    faultsTotal: Type.Integer(),
    tookMs: Type.Integer(),
  },
  { title: 'Import of a list of meters' },
);

/** A token without its secret. */
export const TokenBody = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    role: words(['viewer', 'operator', 'admin']),
    createdAtMs: instant('Made'),
    expiresAtMs: optional(instant('Expires')),
    revoked: Type.Boolean(),
  },
  { title: 'Token' },
);

/** A token with its text, told once. */
export const NewTokenBody = Type.Object(
  { token: Type.String({ description: 'Shown once' }), record: TokenBody },
  { title: 'New token' },
);

/** Counts and lists of what needs a person. */
export const ExceptionsBody = Type.Object(
  {
    atMs: instant('Counted'),
    meters: Type.Object({
      total: Type.Integer(),
      counted: Type.Boolean({ description: 'All meters were looked at' }),
      byState: Type.Record(Type.String(), Type.Integer()),
      troubled: Type.Array(Meter),
    }),
    gaps: Type.Object({
      meters: Type.Integer({ description: 'Meters with gaps of the last 24 h that need a person' }),
      intervals: Type.Integer(),
      examined: Type.Integer({ description: 'Meters looked at' }),
      items: Type.Array(GapBody),
    }),
    commodities: Type.Array(
      Type.Object({
        commodity: words(COMMODITY_NAMES),
        meters: Type.Integer({ description: 'Meters with interval readings of it, of those looked at' }),
        expected: Type.Integer({ description: 'Intervals of the last 24 h that could be here' }),
        present: Type.Integer({ description: 'Those that are' }),
        newestAtMs: instant('Newest interval end of any of its meters'),
      }),
    ),
    neverRead: Type.Object({
      meters: Type.Integer({ description: 'Meters with a concentrator that have given no interval reading yet' }),
      items: Type.Array(Meter),
    }),
    commands: Type.Object({ failed: Type.Integer(), open: Type.Integer(), items: Type.Array(CommandAnswer) }),
    edges: Type.Object({ total: Type.Integer(), unheard: Type.Array(Edge), inbox: Type.Array(Edge) }),
    quarantine: Type.Array(QuarantineBody),
  },
  { title: 'Exceptions' },
);

/** Health with its reasons. */
export const HealthBody = Type.Object(
  {
    state: words(['ok', 'degraded', 'failed']),
    reasons: Type.Array(Type.String()),
    facts: Type.Array(
      Type.Object({ subject: Type.String(), state: words(['ok', 'degraded', 'failed']), sentence: Type.String() }),
    ),
  },
  { title: 'Health' },
);
