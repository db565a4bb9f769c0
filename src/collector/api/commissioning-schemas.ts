/** Shapes of what the API answers about commissioning. Times are UTC milliseconds. */
import Type from 'typebox';
import { FOUND_STATES } from '../../model/found.ts';
import { FINDING_STATES } from '../commissioning-ports.ts';
import { EdgeIdText, instant, MeterIdText, optional, words } from './shapes.ts';

/** An address of a line, as it was found last. */
export const FindingBody = Type.Object(
  {
    findingId: Type.String(),
    edgeId: EdgeIdText,
    line: Type.String(),
    address: optional(Type.Integer({ description: 'Physical HDLC address, on a bus' })),
    node: optional(
      Type.Object(
        { name: Type.String({ description: 'DLMS id' }), eui48: Type.String({ description: 'Of its modem' }) },
        { description: 'How its network knows it' },
      ),
    ),
    answer: words(FOUND_STATES, 'What was found at the address'),
    serial: optional(Type.String()),
    deviceName: optional(Type.String()),
    firmware: optional(Type.String()),
    foundAtMs: instant('Found'),
    state: words(FINDING_STATES, 'waiting is the inbox; empty has no meter that could be taken in'),
    meterId: optional(MeterIdText),
    sentence: Type.String(),
  },
  { title: 'Finding' },
);

/** The acceptance report of a concentrator. */
export const AcceptanceBody = Type.Object(
  {
    edgeId: EdgeIdText,
    atMs: instant('Made'),
    expected: Type.Integer({ description: 'Meters placed there' }),
    found: Type.Integer({ description: 'Those that a scan found' }),
    read: Type.Integer({ description: 'Those that have readings' }),
    isAccepted: Type.Boolean({ description: 'No meter and no address has a fault' }),
    meters: Type.Array(
      Type.Object({
        meterId: MeterIdText,
        serial: optional(Type.String()),
        line: optional(Type.String()),
        address: optional(Type.Integer()),
        isFound: Type.Union([Type.Boolean(), Type.Null()], { description: 'null: nobody looked' }),
        firstReadingAtMs: optional(instant('Oldest reading')),
        lastReadingAtMs: optional(instant('Newest reading')),
        quality: Type.String({ description: 'Of the way to it, in words' }),
        faults: Type.Array(Type.String()),
      }),
    ),
    faults: Type.Array(Type.String({ description: 'Of the site: strangers, addresses with trouble' })),
  },
  { title: 'Acceptance report' },
);
