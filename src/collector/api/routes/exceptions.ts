/**
 * What needs a person, before any total: troubled meters, gaps, failed commands, silent concentrators, the inbox.
 *
 * Counted on demand and kept for some seconds, whoever asks. Weak point: gaps are looked for meter by meter, so on a large
 * site the answer says at how many meters it looked instead of pretending to all.
 */
import type { FastifyInstance } from 'fastify';
import { type GapCause, isWell } from '../../../model/event.ts';
import type { ChannelRecord, Gap, MeterRecord } from '../../ports.ts';
import { CommodityTally, isNeverRead } from '../commodities.ts';
import {
  EDGE_UNHEARD_MS,
  EXCEPTION_CACHE_MS,
  EXCEPTION_ITEMS,
  EXCEPTION_METERS,
  EXCEPTION_PARALLEL,
  EXCEPTION_SCAN,
  PAGE_MAX,
  RANGE_DEFAULT_MS,
} from '../limits.ts';
import { commandJson, edgeJson, meterJson } from '../present.ts';
import { type ApiContext, addRoute } from '../route.ts';
import { ExceptionsBody } from '../schemas.ts';

/** Causes that end by themselves. */
const HEALING: ReadonlySet<GapCause> = new Set(['not-due', 'buffered-at-edge', 'not-installed']);

/** Adds `/api/v1/exceptions`. */
export function registerExceptions(app: FastifyInstance, context: ApiContext): void {
  let kept: { readonly atMs: number; readonly answer: Promise<unknown> } | null = null;
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/exceptions',
    tag: 'meters',
    summary: 'What needs a person now',
    answers: { 200: ExceptionsBody },
    handle() {
      const nowMs = context.env.clock.monotonicMs();
      if (kept === null || nowMs - kept.atMs >= EXCEPTION_CACHE_MS) {
        const answer = countExceptions(context);
        kept = { atMs: nowMs, answer };
        // A failure is not worth keeping.
        answer.catch(() => {
          kept = null;
        });
      }
      return kept.answer;
    },
  });
}

async function countExceptions(context: ApiContext): Promise<unknown> {
  const nowMs = context.env.clock.nowMs();
  const { meters, counted } = await allMeters(context);
  const { gaps, commodities, neverRead } = await dataOf(context, meters.slice(0, EXCEPTION_METERS), nowMs);
  return {
    atMs: nowMs,
    meters: {
      total: meters.length,
      counted,
      byState: byState(meters),
      troubled: meters
        .filter((meter) => !isWell(meter.state?.state ?? 'unknown'))
        .slice(0, EXCEPTION_ITEMS)
        .map(meterJson),
    },
    gaps,
    commodities,
    neverRead,
    commands: await commandsOf(context, nowMs),
    edges: await edgesOf(context, nowMs),
    quarantine: (await context.store.quarantined()).slice(0, EXCEPTION_ITEMS),
  };
}

async function allMeters(context: ApiContext): Promise<{ meters: MeterRecord[]; counted: boolean }> {
  const meters: MeterRecord[] = [];
  let cursor: string | undefined;
  while (meters.length < EXCEPTION_SCAN) {
    const page = await context.store.meters({ limit: PAGE_MAX, ...(cursor === undefined ? {} : { cursor }) });
    meters.push(...page.items);
    cursor = page.cursor;
    if (cursor === undefined) return { meters, counted: true };
  }
  return { meters, counted: false };
}

function byState(meters: readonly MeterRecord[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const meter of meters) {
    const state = meter.state?.state ?? 'unknown';
    counts[state] = (counts[state] ?? 0) + 1;
  }
  return counts;
}

/** Gaps that need a person, and how complete the last day is, commodity by commodity. */
async function dataOf(context: ApiContext, meters: readonly MeterRecord[], nowMs: number) {
  const range = { fromMs: nowMs - RANGE_DEFAULT_MS, toMs: nowMs };
  const found: Gap[] = [];
  const tally = new CommodityTally(range);
  const neverRead: MeterRecord[] = [];
  let affected = 0;
  for (let at = 0; at < meters.length; at += EXCEPTION_PARALLEL) {
    const asked = meters.slice(at, at + EXCEPTION_PARALLEL).map((meter): Promise<MeterData> => {
      const { meterId } = meter;
      return Promise.all([meter, context.store.channels(meterId), context.store.gaps({ meterId, ...range, nowMs })]);
    });
    for (const [meter, channels, gaps] of await Promise.all(asked)) {
      tally.add(channels, gaps);
      if (isNeverRead(meter, channels, nowMs)) neverRead.push(meter);
      const serious = gaps.filter((gap) => !HEALING.has(gap.cause));
      if (serious.length > 0) affected += 1;
      found.push(...serious);
    }
  }
  const intervals = found.reduce((sum, gap) => sum + gap.count, 0);
  return {
    gaps: { meters: affected, intervals, examined: meters.length, items: found.slice(0, EXCEPTION_ITEMS) },
    commodities: tally.answer(),
    neverRead: { meters: neverRead.length, items: neverRead.slice(0, EXCEPTION_ITEMS).map(meterJson) },
  };
}

type MeterData = readonly [MeterRecord, readonly ChannelRecord[], readonly Gap[]];

async function commandsOf(context: ApiContext, nowMs: number) {
  const page = await context.commands.commands({ limit: PAGE_MAX });
  const recent = page.items.filter((record) => record.createdAtMs > nowMs - RANGE_DEFAULT_MS);
  const failed = recent.filter((record) => ['failed', 'refused', 'expired', 'uncertain'].includes(record.state));
  const open = recent.filter((record) => ['stored', 'sent', 'accepted', 'started'].includes(record.state));
  return { failed: failed.length, open: open.length, items: failed.slice(0, EXCEPTION_ITEMS).map(commandJson) };
}

async function edgesOf(context: ApiContext, nowMs: number) {
  const edges = await context.store.edges();
  const heardAtMs = (edge: (typeof edges)[number]): number =>
    Math.max(edge.lastHeardMs ?? 0, edge.lastHelloMs ?? 0, edge.lastBlockMs ?? 0);
  return {
    total: edges.filter((edge) => edge.state === 'active').length,
    unheard: edges.filter((edge) => edge.state === 'active' && heardAtMs(edge) < nowMs - EDGE_UNHEARD_MS).map(edgeJson),
    inbox: edges
      .filter((edge) => edge.state === 'inbox')
      .slice(0, EXCEPTION_ITEMS)
      .map(edgeJson),
  };
}
