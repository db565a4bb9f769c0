/**
 * The columns of a list of meters: one table, from which the file is read, faults are worded and the guide is checked. A
 * column that is not there, and an empty cell, leave what is known as it is.
 */
import { parseIso } from '../../base/time.ts';
import { parseEdgeId, parseMeterId } from '../../model/ids.ts';
import type { ListedMeter } from '../ports.ts';

/** A meter while its line is read. */
export type ListedCells = { -readonly [Name in keyof ListedMeter]?: ListedMeter[Name] };

/** One column. */
export interface ImportColumn {
  readonly name: string;
  /** What it holds, for people. */
  readonly what: string;
  /** The form of a cell, after "Write". */
  readonly form: string;
  /** Puts the cell into the meter; false = not of this form. `text` is not empty and without blanks around it. */
  readonly take: (text: string, meter: ListedCells) => boolean;
}

/** Every meter has it. */
export const ID_COLUMN = 'meter_id';

/** Physical addresses that a meter may have; those around are reserved (IEC 62056-46, 6.4.2.3). */
const ADDRESS_MIN = 16;
/** See {@link ADDRESS_MIN}; two octets. */
const ADDRESS_MAX = 16_381;

/** Takes a text that is of a form. */
function texts(form: RegExp, put: (meter: ListedCells, text: string) => void): ImportColumn['take'] {
  return (text, meter) => {
    const fits = form.test(text);
    if (fits) put(meter, text);
    return fits;
  };
}

/** All columns, in the order of the guide. */
export const IMPORT_COLUMNS: readonly ImportColumn[] = [
  {
    name: ID_COLUMN,
    what: 'Id of the meter here and at its concentrator; the only column that must be there',
    form: '1 to 64 of A-Z a-z 0-9 . _ -',
    take: (text, meter) => {
      const meterId = parseMeterId(text);
      if (meterId !== null) meter.meterId = meterId;
      return meterId !== null;
    },
  },
  {
    name: 'serial',
    what: 'Serial number, as the meter tells it; no two meters have the same',
    form: '1 to 64 printable characters without blanks',
    take: texts(/^[!-~]{1,64}$/, (meter, text) => {
      meter.serial = text;
    }),
  },
  {
    name: 'title',
    what: 'System title of a meter with keys; no two meters have the same',
    form: '16 hex digits',
    take: texts(/^[0-9a-f]{16}$/i, (meter, text) => {
      meter.title = text.toLowerCase();
    }),
  },
  {
    name: 'profile',
    what: 'Its model',
    form: 'vendor/model as the profiles lie, such as generic/idis',
    take: texts(/^[a-z0-9._-]{1,64}\/[a-z0-9._-]{1,64}$/, (meter, text) => {
      meter.profile = text;
    }),
  },
  {
    name: 'name',
    what: 'Where it hangs, for people',
    form: 'at most 200 characters',
    take: texts(/^.{1,200}$/su, (meter, text) => {
      meter.name = text;
    }),
  },
  {
    name: 'time_zone',
    what: 'Time zone of its site',
    form: 'an IANA name, such as Europe/Berlin',
    take: (text, meter) => {
      meter.timeZone = text;
      return isTimeZone(text);
    },
  },
  {
    name: 'edge',
    what: 'Its concentrator; a meter that is placed nowhere is placed there',
    form: 'the id of a concentrator, 1 to 32 of A-Z a-z 0-9 _ -',
    take: (text, meter) => {
      const edgeId = parseEdgeId(text);
      if (edgeId !== null) meter.edgeId = edgeId;
      return edgeId !== null;
    },
  },
  {
    name: 'placed_from',
    what: 'Since when it is placed there; default the time of the import',
    form: 'a date or a time with its zone, such as 2026-03-01T00:00:00Z',
    take: (text, meter) => {
      const atMs = parseIso(text);
      if (atMs !== null) meter.placedFromMs = atMs;
      return atMs !== null && atMs >= 0;
    },
  },
  {
    name: 'line',
    what: 'Line of the concentrator on which it hangs',
    form: '1 to 32 of A-Z a-z 0-9 . _ -',
    take: texts(/^[A-Za-z0-9._-]{1,32}$/, (meter, text) => {
      meter.line = text;
    }),
  },
  {
    name: 'address',
    what: 'Its physical HDLC address; no two meters of a line have the same',
    form: 'a whole number from 16 to 16381',
    take: (text, meter) => {
      meter.address = Number(text);
      return /^\d{2,5}$/.test(text) && meter.address >= ADDRESS_MIN && meter.address <= ADDRESS_MAX;
    },
  },
];

/** Asking for a zone takes as long as reading a hundred lines, and a list has few. Names that are none are not kept. */
const ZONES = new Set<string>();
/** There are about 600 names. */
const ZONES_KEPT_MAX = 1_000;

function isTimeZone(name: string): boolean {
  if (ZONES.has(name)) return true;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    if (ZONES.size < ZONES_KEPT_MAX) ZONES.add(name);
    return true;
  } catch {
    return false;
  }
}
