/**
 * Load profiles of ASCII meters: the answer to R5 or R6 with `P.01(from;to)`.
 *
 *     P.01(time)(status)(minutes)(channels)(id)(unit)(id)(unit)...   one id and unit for each channel
 *     (value)(value)...                                             one line for each interval
 *
 * The first row has the time of the header, each further one is an interval later. A new header follows where the order is
 * broken: a gap, a clock that was set, another status. The status is hexadecimal; ids are OBIS codes, mostly `C.D.E` alone.
 */
import { dlmsError } from '../errors.ts';
import { type DataField, dataLineText, parseDataLines } from '../telegram/data-lines.ts';

/** A header with its rows. */
export interface AsciiProfilePart {
  /** `P.01`. */
  readonly name: string;
  /** Time of the first row as written. */
  readonly time: string;
  /** Octets of the status, most significant first. */
  readonly status: Uint8Array;
  readonly intervalMin: number;
  readonly channels: readonly { readonly id: string; readonly unit: string }[];
  /** As written, one for each channel; a row of another length is kept as it came. */
  readonly rows: readonly (readonly string[])[];
}

const HEAD_FIELDS = 4;
const CHANNELS_MAX = 32;
const INTERVAL_MAX_MIN = 1_440;
const LINE_END = '\r\n';

/**
 * Reads an answer. Throws DLMS_DATA_LINE with the offset of the header or row that is none. An answer without a header
 * (`P.01()`, or empty brackets) has no part: the meter holds no row of that time.
 */
export function parseAsciiProfile(text: string): AsciiProfilePart[] {
  const parts: (AsciiProfilePart & { readonly rows: (readonly string[])[] })[] = [];
  let offset = 0;
  for (const line of text.split(LINE_END)) {
    const at = offset;
    offset += line.length + LINE_END.length;
    if (line === '' || line === '!' || /^(P\.\d+)?(\(\))*$/.test(line)) continue;
    const isHead = !line.startsWith('(');
    const part = parts.at(-1);
    if (!isHead && part === undefined)
      throw dlmsError('DLMS_DATA_LINE', `offset ${at}: values stand in front of the first header`);
    for (const { address, fields } of parseDataLines(isHead ? line : `${part?.name}${line}`, at)) {
      if (isHead) parts.push(headOf(address, fields, at));
      else part?.rows.push(fields.map(({ value }) => value));
    }
  }
  return parts;
}

function headOf(name: string, fields: readonly DataField[], at: number) {
  const [time = '', status = '', minutes = '', count = ''] = fields.map(({ value }) => value);
  const channels = Number(count);
  const intervalMin = Number(minutes);
  if (!/^\d{1,4}$/.test(minutes) || intervalMin < 1 || intervalMin > INTERVAL_MAX_MIN)
    throw dlmsError('DLMS_DATA_LINE', `offset ${at}: an interval of '${minutes}' minutes`);
  if (!/^\d{1,2}$/.test(count) || channels < 1 || channels > CHANNELS_MAX)
    throw dlmsError('DLMS_DATA_LINE', `offset ${at}: '${count}' channels`);
  if (fields.length !== HEAD_FIELDS + 2 * channels)
    throw dlmsError('DLMS_DATA_LINE', `offset ${at}: ${channels} channels want ${2 * channels} ids and units`);
  if (!/^([0-9A-Fa-f]{2}){0,8}$/.test(status))
    throw dlmsError('DLMS_DATA_LINE', `offset ${at}: a status of '${status}'`);
  const named = Array.from({ length: channels }, (_, each) => ({
    id: fields[HEAD_FIELDS + 2 * each]?.value ?? '',
    unit: fields[HEAD_FIELDS + 2 * each + 1]?.value ?? '',
  }));
  const octets = (status.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
  return { name, time, status: Uint8Array.from(octets), intervalMin, channels: named, rows: [] as string[][] };
}

/** An answer as a meter sends it. */
export function asciiProfileText(parts: readonly AsciiProfilePart[]): string {
  const lines = parts.flatMap(({ name, time, status, intervalMin, channels, rows }) => {
    const hex = [...status]
      .map((octet) => octet.toString(16).padStart(2, '0'))
      .join('')
      .toUpperCase();
    const head = [time, hex, String(intervalMin).padStart(2, '0'), String(channels.length)];
    const ids = channels.flatMap(({ id, unit }) => [id, unit]);
    const fieldsOf = (values: readonly string[]) => values.map((value) => ({ value, unit: null }));
    return [
      dataLineText({ address: name, fields: fieldsOf([...head, ...ids]) }),
      ...rows.map((row) => dataLineText({ address: '', fields: fieldsOf(row) })),
    ];
  });
  return lines.map((line) => `${line}${LINE_END}`).join('');
}
