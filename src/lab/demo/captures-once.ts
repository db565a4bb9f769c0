/** Plays all captures once and looks for everything they say in the REST API. */
import type { Env } from '../../base/env.ts';
import { isoText } from '../../base/time.ts';
import { RestClient } from '../rest-client.ts';
import type { CapturePort, ExpectedReading } from './capture-cases.ts';
import type { CapturePorts } from './capture-ports.ts';
import type { Site } from './site.ts';

/** The outcome. */
export interface CapturesReport {
  readonly captures: number;
  /** Customer ports, each a meter of its own. */
  readonly ports: number;
  /** Numbers in the captures, and how many of them the API gave back with unit, exponent, time and quality. */
  readonly expected: number;
  readonly found: number;
  readonly attributesExpected: number;
  readonly attributesFound: number;
  /** What is not there, in words. */
  readonly missing: readonly string[];
  readonly noiseOctets: number;
  /** Noise and frames that were dropped, as the edge's health counts them. */
  readonly discarded: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** A reading as the API gives it with `format=rows`. */
interface Row {
  readonly atMs: number;
  readonly value: number | string;
  readonly exponent: number;
  readonly unit: string;
  readonly quality: string;
}

/** From the last octet on the line to the store: journal, broker and database take well under a second. */
const PATIENCE_MS = 20_000;
const LOOK_MS = 250;
const PAGE_ROWS = 1_000;
const COUNTER = 'reader_discarded_';

/** Plays, waits until all is there or patience ends, and tells. */
export async function capturesOnce(
  env: Env,
  site: Site,
  ports: readonly CapturePort[],
  lines: Pick<CapturePorts, 'play'>,
  options: { readonly seed: string; readonly tell: (line: string) => void },
): Promise<CapturesReport> {
  const cases = ports.flatMap((port) => port.cases);
  const startedMs = env.clock.monotonicMs();
  const playedFromMs = env.clock.nowMs();
  options.tell(`playing ${cases.length} captures into ${ports.length} ports`);
  const noiseOctets = await lines.play(options.seed);
  options.tell('played; looking for every value in the REST API');
  const client = await RestClient.signIn(site.collector, 'demo');
  const missing = await waitForAll(env, site, ports, client, playedFromMs);
  const expected = cases.reduce((sum, { readings }) => sum + readings.length, 0);
  const attributesExpected = cases.reduce((sum, { attributes }) => sum + attributes.length, 0);
  const unexplained = cases.flatMap(({ capture, unexplained: words }) =>
    words.map((word) => `${capture.id} ${word}: no vector of its profile has it`),
  );
  const counters = site.edge.health.counters().filter(([name]) => name.startsWith(COUNTER));
  return {
    captures: cases.length,
    ports: ports.length,
    // What no vector explains was not found either: it stays in the sum.
    expected: expected + unexplained.length,
    found: expected - missing.readings.length,
    attributesExpected,
    attributesFound: attributesExpected - missing.attributes.length,
    missing: [...missing.readings, ...missing.attributes, ...unexplained],
    noiseOctets,
    discarded: Object.fromEntries(counters.map(([name, count]) => [name.slice(COUNTER.length), count])),
    seconds: Math.round((env.clock.monotonicMs() - startedMs) / 100) / 10,
  };
}

/** Whether everything was found. */
export function capturesHold(report: CapturesReport): boolean {
  return report.expected > 0 && report.missing.length === 0;
}

/** The report for people. */
export function capturesText(report: CapturesReport): string {
  const { captures, ports, expected, found, attributesExpected, attributesFound, noiseOctets, seconds } = report;
  const dropped = Object.entries(report.discarded).map(([code, count]) => `${count} ${code}`);
  const lines = [
    `${captures} captures of real meters through ${ports} ports in ${seconds} s`,
    `${found} of ${expected} values and ${attributesFound} of ${attributesExpected} texts found in the REST API`,
    `${noiseOctets} octets of noise; dropped: ${dropped.length === 0 ? 'nothing' : dropped.join(', ')}`,
    ...report.missing.map((line) => `  missing: ${line}`),
  ];
  return `${lines.join('\n')}\n`;
}

interface Missing {
  readonly readings: readonly string[];
  readonly attributes: readonly string[];
}

async function waitForAll(
  env: Env,
  site: Site,
  ports: readonly CapturePort[],
  client: RestClient,
  playedFromMs: number,
): Promise<Missing> {
  const deadlineMs = env.clock.monotonicMs() + PATIENCE_MS;
  for (;;) {
    await site.edge.flush();
    const readings: string[] = [];
    const attributes: string[] = [];
    for (const port of ports) {
      const missing = await missingOf(client, port, playedFromMs, env.clock.nowMs());
      readings.push(...missing.readings);
      attributes.push(...missing.attributes);
    }
    const nothing = readings.length === 0 && attributes.length === 0;
    if (nothing || env.clock.monotonicMs() > deadlineMs) return { readings, attributes };
    await env.timers.sleep(LOOK_MS);
  }
}

async function missingOf(client: RestClient, port: CapturePort, fromMs: number, toMs: number): Promise<Missing> {
  const texts = await client.get<{ items: { name: string; text: string }[] }>(`meters/${port.meterId}/attributes`);
  const stored = await rowsOf(client, port.meterId);
  return {
    attributes: port.cases.flatMap(({ capture, attributes }) =>
      attributes
        .filter(({ name, text }) => !texts.items.some((item) => item.name === name && item.text === text))
        .map(({ name, text }) => `${port.meterId} ${capture.id}: attribute ${name} ${text}`),
    ),
    readings: port.cases.flatMap(({ capture, readings }) =>
      readings
        .filter((reading) => !stored.get(reading.obis)?.some((row) => isRow(row, reading, fromMs, toMs)))
        .map((reading) => `${port.meterId} ${capture.id}: ${readingText(reading)}`),
    ),
  };
}

async function rowsOf(client: RestClient, meterId: string): Promise<Map<string, readonly Row[]>> {
  const rows = new Map<string, readonly Row[]>();
  const channels = await client.get<{ items: { obis: string }[] }>(`meters/${meterId}/channels`);
  for (const { obis } of channels.items) {
    const query = `obis=${encodeURIComponent(obis)}&intervalS=0&from=0&format=rows&limit=${PAGE_ROWS}`;
    rows.set(obis, (await client.get<{ items: Row[] }>(`meters/${meterId}/readings?${query}`)).items);
  }
  return rows;
}

function isRow(row: Row, reading: ExpectedReading, fromMs: number, toMs: number): boolean {
  const inTime = reading.atMs === null ? row.atMs >= fromMs && row.atMs <= toMs : row.atMs === reading.atMs;
  const { value, exponent, unit, quality } = reading;
  return inTime && row.value === value && row.exponent === exponent && row.unit === unit && row.quality === quality;
}

function readingText({ obis, value, exponent, unit, quality, atMs }: ExpectedReading): string {
  const time = atMs === null ? 'on arrival' : isoText(atMs);
  return `${obis} ${value}e${exponent} ${unit} ${time} ${quality}`;
}
