/**
 * Captured pushes of real meters with what must be found of them in the end, and the ports they are played into.
 *
 * What is expected stands in two places that were made apart from each other: the numbers and texts in the captures' own
 * file, their unit, exponent, time and quality in the vectors beside the profiles. A number that only one of them knows is
 * told as missing.
 *
 * Ports: one simulated customer port is one meter. Captures of one model come from several meters, were published twice in
 * two forms, or carry the same second with other values; stored under one meter they would be versions of one reading, and
 * the serial number of one meter would replace another's. So a capture joins a port only when all texts agree with those
 * already there and none of its times is taken; otherwise it gets a port, and a meter id, of its own.
 */
import type { Disk } from '../../base/env.ts';
import { parseIso } from '../../base/time.ts';
import { QUALITIES, type Quality } from '../../model/reading.ts';
import { type Capture, type CaptureMeter, meterOfCapture, parseCaptures } from '../../sim/captures.ts';

/** A number that must come out of the REST API. */
export interface ExpectedReading {
  readonly obis: string;
  /** As JSON has it: a text beyond 2^53-1. */
  readonly value: number | string;
  readonly exponent: number;
  readonly unit: string;
  readonly quality: Quality;
  /** UTC ms, null = the moment of arrival. */
  readonly atMs: number | null;
}

/** A text that must come out as an attribute of the meter. */
export interface ExpectedAttribute {
  readonly name: string;
  readonly text: string;
}

/** A capture and its results. */
export interface CaptureCase {
  readonly capture: Capture;
  readonly meter: CaptureMeter;
  readonly readings: readonly ExpectedReading[];
  readonly attributes: readonly ExpectedAttribute[];
  /** What the capture says and no vector of its profile explains, in words. */
  readonly unexplained: readonly string[];
}

/** A customer port: one meter and what is played into it, in this order. */
export interface CapturePort {
  readonly meterId: string;
  readonly meter: CaptureMeter;
  readonly encryptionKey: string | null;
  readonly cases: readonly CaptureCase[];
}

/** An element of a push as the captures' file has it. */
interface Element {
  readonly obis?: string;
  readonly position?: number;
  readonly classId?: number;
  readonly value?: number | string;
  readonly text?: string;
  readonly hex?: string;
  readonly dateTime?: unknown;
}

interface CaptureRow {
  readonly id: string;
  readonly expect: { readonly messages?: readonly { readonly readings?: readonly Element[] }[] };
}

/** Objects of this class say where a push goes, nothing about the meter. */
const PUSH_SETUP_CLASS = 40;

/** Reads captures and vectors; those without a published key or profile are left out. */
export async function loadCaptureCases(
  disk: Pick<Disk, 'readFile'>,
  files: { readonly captures: string; readonly profilesFolder: string },
): Promise<CaptureCase[]> {
  const octets = await fileOf(disk, files.captures);
  const captures = parseCaptures(octets);
  const rows = new Map((jsonOf(octets) as readonly CaptureRow[]).map((row) => [row.id, row]));
  const cases: CaptureCase[] = [];
  for (const capture of captures) {
    const meter = meterOfCapture(capture.id);
    const row = rows.get(capture.id);
    if (meter === null || row === undefined || (capture.ciphered && capture.encryptionKey === null)) continue;
    const lines = await vectorLines(disk, `${files.profilesFolder}/${meter.profile}.vectors.json`, capture.id);
    cases.push(caseOf(capture, meter, row, lines));
  }
  return cases;
}

async function fileOf(disk: Pick<Disk, 'readFile'>, path: string): Promise<Uint8Array> {
  const octets = await disk.readFile(path);
  if (octets === undefined) throw new Error(`${path} is missing; the captures come with a clone of the repository`);
  return octets;
}

function jsonOf(octets: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(octets));
}

async function vectorLines(disk: Pick<Disk, 'readFile'>, path: string, name: string): Promise<readonly string[]> {
  const vectors = jsonOf(await fileOf(disk, path)) as readonly { readonly name: string; readonly expect: string[] }[];
  return vectors.find((vector) => vector.name === name)?.expect ?? [];
}

function caseOf(capture: Capture, meter: CaptureMeter, row: CaptureRow, lines: readonly string[]): CaptureCase {
  const readings: ExpectedReading[] = [];
  const attributes: ExpectedAttribute[] = [];
  const unexplained: string[] = [];
  const known = { readings: readingsIn(lines, capture), attributes: attributesIn(lines) };
  for (const element of row.expect.messages?.flatMap((message) => message.readings ?? []) ?? []) {
    const text = textOf(element);
    if (typeof element.value === 'number') {
      const obis = element.obis?.replace(/\.(\d+)$/, '*$1');
      const found = known.readings.find(
        (reading) => reading.value === element.value && (obis === undefined || reading.obis === obis),
      );
      if (found === undefined) unexplained.push(`${obis ?? element.position}: ${element.value}`);
      else readings.push(found);
    } else if (text !== null) {
      const found = known.attributes.find((attribute) => attribute.text === text);
      if (found === undefined) unexplained.push(`${element.obis ?? element.position}: ${text}`);
      else attributes.push(found);
    }
  }
  return { capture, meter, readings, attributes, unexplained };
}

/** The text or identifier of an element; null for times, push objects, and octets of which no object tells the meaning. */
function textOf({ classId, obis, value, text, hex, dateTime }: Element): string | null {
  if (typeof value === 'string') return value;
  if (text !== undefined) return text;
  if (hex === undefined || obis === undefined || dateTime !== undefined || classId === PUSH_SETUP_CLASS) return null;
  return hex;
}

const READING_LINE = /^reading (\S+) 0 (\S+) (-?\d+) e(-?\d+) (\S+) (\S+)$/;

function readingsIn(lines: readonly string[], capture: Capture): ExpectedReading[] {
  return lines.flatMap((line) => {
    const [, obis, time, digits, exponent, unit, quality] = READING_LINE.exec(line) ?? [];
    if (obis === undefined || time === undefined || unit === undefined) return [];
    return [
      {
        obis,
        value: Number.isSafeInteger(Number(digits)) ? Number(digits) : String(digits),
        exponent: Number(exponent),
        unit: unit === '-' ? '' : unit,
        quality: qualityOf(quality, capture),
        atMs: quality === 'no-meter-time' ? null : parseIso(time),
      },
    ];
  });
}

/** The vectors hold plain messages; without the authentication key a deciphered one stays `unverified`. */
function qualityOf(word: string | undefined, capture: Capture): Quality {
  const quality = QUALITIES.find((each) => each === word);
  if (quality === undefined) throw new Error(`${capture.id}: ${word} is no quality`);
  const worse = QUALITIES.indexOf('unverified') > QUALITIES.indexOf(quality);
  return capture.ciphered && worse ? 'unverified' : quality;
}

function attributesIn(lines: readonly string[]): ExpectedAttribute[] {
  return lines.flatMap((line) => {
    const [, name, text] = /^attribute (\S+) (.*)$/.exec(line) ?? [];
    return name === undefined || text === undefined ? [] : [{ name, text }];
  });
}

/** Ports for all cases, the same each time; see the head of the file. */
export function portsOf(cases: readonly CaptureCase[]): CapturePort[] {
  const ports: { readonly meter: CaptureMeter; readonly key: string | null; readonly cases: CaptureCase[] }[] = [];
  for (const each of cases) {
    const { meter, capture } = each;
    const port = ports.find(
      (other) =>
        other.meter === meter &&
        other.key === capture.encryptionKey &&
        other.cases.every((there) => areOneMeters(there, each)),
    );
    if (port === undefined) ports.push({ meter, key: capture.encryptionKey, cases: [each] });
    else port.cases.push(each);
  }
  return ports.map(({ meter, key, cases: own }, at) => {
    const number = ports.slice(0, at).filter((other) => other.meter === meter).length + 1;
    const meterId = `${meter.profile.replace('/', '-')}-${number}`;
    return { meterId, meter, encryptionKey: key, cases: own };
  });
}

/** Whether two captures can come from one meter: no text differs and no time is in both. */
function areOneMeters(a: CaptureCase, b: CaptureCase): boolean {
  const texts = new Map(a.attributes.map(({ name, text }) => [name, text]));
  const times = new Set(a.readings.map((reading) => reading.atMs));
  return (
    b.attributes.every(({ name, text }) => (texts.get(name) ?? text) === text) &&
    b.readings.every(({ atMs }) => atMs === null || !times.has(atMs))
  );
}
