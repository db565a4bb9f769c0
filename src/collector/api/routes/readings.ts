/** Readings of one channel: pages of columns or rows, or a whole range as CSV or NDJSON. */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { MeterId } from '../../../model/ids.ts';
import type { Channel } from '../../../model/reading.ts';
import type { QueryStore, ReadingQuery, StoredReading } from '../../ports.ts';
import { ApiError } from '../errors.ts';
import { CSV_HEAD, columnsJson, csvLine, ndjsonLine, rowJson } from '../formats.ts';
import { READINGS_DEFAULT, READINGS_MAX, STREAM_CHUNK_CHARS, STREAM_ROWS } from '../limits.ts';
import { PATH, QUERY } from '../requests.ts';
import { type ApiContext, addRoute } from '../route.ts';
import { pageOf, ReadingColumns, ReadingRow } from '../schemas.ts';
import { rangeOf, timeOf } from '../time.ts';
import { meterOf } from './meters.ts';

type Format = 'json' | 'rows' | 'csv' | 'ndjson';

const FORMAT_OF_TYPE: Readonly<Record<string, Format>> = {
  'application/json': 'json',
  'application/*': 'json',
  '*/*': 'json',
  'text/csv': 'csv',
  'text/*': 'csv',
  'application/x-ndjson': 'ndjson',
};

/** Adds the route of readings. */
export function registerReadings(app: FastifyInstance, context: ApiContext): void {
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/meters/:meterId/readings',
    tag: 'readings',
    summary: 'Readings of a channel',
    description:
      'Columns by default; `Accept: text/csv` or `application/x-ndjson` (or `format`) streams the whole range unless `limit` is given. Pages continue with `cursor` and the same query.',
    path: PATH.meter,
    query: QUERY.readings,
    answers: { 200: Type.Union([ReadingColumns, pageOf(ReadingRow)]) },
    async handle({ path, query, request, reply }) {
      const format = query.format ?? formatOf(request.headers.accept);
      await meterOf(context, path.meterId);
      const channel = await channelOf(context.store, path.meterId as MeterId, query.obis, query.intervalS);
      const range = rangeOf(query, context.env.clock.nowMs());
      const afterMs = query.cursor === undefined ? undefined : afterOf(query.cursor);
      const ask: Omit<ReadingQuery, 'limit'> = {
        channel,
        ...range,
        ...(afterMs === undefined ? {} : { afterMs }),
        ...(query.asOf === undefined ? {} : { asOfMs: timeOf(query.asOf, '#/query/asOf') }),
        ...(query.versions === 'all' ? { allVersions: true } : {}),
      };
      if (format === 'csv' || format === 'ndjson') {
        const isCsv = format === 'csv';
        const text = isCsv
          ? chunks(context.store, ask, query.limit, CSV_HEAD, csvLine)
          : chunks(context.store, ask, query.limit, '', ndjsonLine);
        void reply.type(isCsv ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson; charset=utf-8');
        return reply.send(Readable.from(text, { objectMode: false, highWaterMark: STREAM_CHUNK_CHARS }));
      }
      const page = await pageFrom(context.store, ask, query.limit ?? READINGS_DEFAULT);
      const cursor = page.afterMs === undefined ? undefined : cursorOf(page.afterMs);
      void reply.type('application/json; charset=utf-8');
      if (format === 'json') return reply.send(columnsJson(channel, range, page.rows, cursor));
      return reply.send(JSON.stringify({ items: page.rows.map(rowJson), ...(cursor === undefined ? {} : { cursor }) }));
    },
  });
}

/** The first form of the Accept header that we have; its order stands for preference. Throws FORMAT_UNKNOWN. */
function formatOf(accept: string | undefined): Format {
  if (accept === undefined || accept.trim() === '') return 'json';
  for (const part of accept.split(',')) {
    const format = FORMAT_OF_TYPE[(part.split(';')[0] ?? '').trim().toLowerCase()];
    if (format !== undefined) return format;
  }
  throw new ApiError('FORMAT_UNKNOWN', '#/headers/accept', accept.slice(0, 100));
}

/** The channel that the query means; with one channel of the OBIS code, the interval length need not be said. */
async function channelOf(
  store: QueryStore,
  meterId: MeterId,
  obis: string,
  intervalS: number | undefined,
): Promise<Channel> {
  if (intervalS !== undefined) return { meterId, obis, intervalS };
  const found = (await store.channels(meterId)).filter((channel) => channel.obis === obis);
  if (found.length > 1) {
    const lengths = found.map((channel) => channel.intervalS).join(', ');
    throw new ApiError('CHANNEL_AMBIGUOUS', '#/query/intervalS', `${obis} has interval lengths ${lengths}`);
  }
  const only = found[0];
  if (only === undefined) throw new ApiError('CHANNEL_UNKNOWN', '#/query/obis', obis);
  return { meterId, obis, intervalS: only.intervalS };
}

/** A page of rows, whole keys only: versions of one reading never come on two pages. */
export async function pageFrom(
  store: Pick<QueryStore, 'readings'>,
  ask: Omit<ReadingQuery, 'limit'>,
  limit: number,
): Promise<{ readonly rows: readonly StoredReading[]; readonly afterMs?: number }> {
  for (let wanted = limit; ; wanted *= 2) {
    const rows = await store.readings({ ...ask, limit: wanted + 1 });
    if (rows.length <= wanted) return { rows };
    const nextMs = rows[wanted]?.atMs ?? 0;
    const whole = rows.slice(0, wanted).filter((row) => row.atMs < nextMs);
    const last = whole.at(-1);
    if (last !== undefined) return { rows: whole, afterMs: last.atMs };
    if (wanted > READINGS_MAX)
      throw new ApiError('RANGE_INVALID', '#/query/versions', 'one reading has more versions than a page holds');
  }
}

/** The range as text, a chunk at a time; the store is asked for the next rows only when the reader took the last. */
async function* chunks(
  store: QueryStore,
  ask: Omit<ReadingQuery, 'limit'>,
  limit: number | undefined,
  head: string,
  line: (reading: StoredReading) => string,
): AsyncGenerator<string> {
  let text = head;
  let left = limit ?? Number.POSITIVE_INFINITY;
  let afterMs = ask.afterMs;
  while (left > 0) {
    const page = await pageFrom(
      store,
      { ...ask, ...(afterMs === undefined ? {} : { afterMs }) },
      Math.min(left, STREAM_ROWS),
    );
    for (const reading of page.rows) {
      text += line(reading);
      if (text.length < STREAM_CHUNK_CHARS) continue;
      yield text;
      text = '';
    }
    left -= page.rows.length;
    afterMs = page.afterMs;
    if (afterMs === undefined) break;
  }
  if (text !== '') yield text;
}

const cursorOf = (afterMs: number): string => Buffer.from(`after ${afterMs}`).toString('base64url');

function afterOf(cursor: string): number {
  const afterMs = /^after (\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))?.[1];
  if (afterMs === undefined) throw new ApiError('CURSOR_INVALID', '#/query/cursor');
  return Number(afterMs);
}
