/** Meters: search, create, place; what is known of one beside its readings. */
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { EdgeId, MeterId } from '../../../model/ids.ts';
import type { EdgeRecord, MeterRecord } from '../../ports.ts';
import { ApiError } from '../errors.ts';
import { rowJson } from '../formats.ts';
import { EDGE_UNHEARD_MS, EXCEPTION_SCAN, GAP_RANGE_MAX_MS, PAGE_DEFAULT, PAGE_MAX } from '../limits.ts';
import { meterJson } from '../present.ts';
import { BODY, PATH, QUERY } from '../requests.ts';
import { type ApiContext, addRoute } from '../route.ts';
import { AttributeBody, ChannelBody, EventBody, GapBody, Meter, pageOf, ReadingRow, WayBody } from '../schemas.ts';
import { rangeOf, timeOf } from '../time.ts';
import { isUnheard, type WayFacts, wayOf } from '../way.ts';

/** Events that tell of the supply of a meter. */
const SUPPLY: ReadonlySet<string> = new Set(['power-down', 'power-up', 'last-gasp']);
/** How far back they are looked for. */
const SUPPLY_SPAN_MS = 7 * 86_400_000;

/** Adds the routes of meters. */
export function registerMeters(app: FastifyInstance, context: ApiContext): void {
  registerSearch(app, context);
  registerRegistry(app, context);
  registerKnowledge(app, context);
}

/** The meter of a path; throws METER_UNKNOWN. */
export async function meterOf(context: ApiContext, meterId: string): Promise<MeterRecord> {
  const meter = await context.store.meter(meterId as MeterId);
  if (meter === undefined) throw new ApiError('METER_UNKNOWN', '#/path/meterId', meterId);
  return meter;
}

function registerSearch(app: FastifyInstance, context: ApiContext): void {
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/meters',
    tag: 'meters',
    summary: 'Search meters',
    query: QUERY.meters,
    answers: { 200: pageOf(Meter) },
    async handle({ query }) {
      const filter = {
        ...(query.text === undefined ? {} : { text: query.text }),
        ...(query.edgeId === undefined ? {} : { edgeId: query.edgeId as EdgeId }),
      };
      const limit = query.limit ?? PAGE_DEFAULT;
      if (query.state === undefined) {
        const page = await context.store.meters({
          ...filter,
          limit,
          ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
        });
        return { ...page, items: page.items.map(meterJson) };
      }
      return metersInState(context, filter, query.state, limit, query.cursor);
    },
  });
}

/** The store does not know states as an index: whole pages are read until enough fit, so a page may be a little longer. */
async function metersInState(
  context: ApiContext,
  filter: { readonly text?: string; readonly edgeId?: EdgeId },
  state: string,
  limit: number,
  from: string | undefined,
) {
  const items: ReturnType<typeof meterJson>[] = [];
  let cursor = from;
  for (let scanned = 0; scanned < EXCEPTION_SCAN; scanned += PAGE_MAX) {
    const page = await context.store.meters({
      ...filter,
      limit: PAGE_MAX,
      ...(cursor === undefined ? {} : { cursor }),
    });
    items.push(...page.items.map(meterJson).filter((meter) => meter.state === state));
    cursor = page.cursor;
    if (cursor === undefined || items.length >= limit) break;
  }
  return { items, ...(cursor === undefined ? {} : { cursor }) };
}

function registerRegistry(app: FastifyInstance, context: ApiContext): void {
  const { store, env } = context;
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/meters/:meterId',
    tag: 'meters',
    summary: 'One meter',
    path: PATH.meter,
    answers: { 200: Meter },
    handle: async ({ path }) => meterJson(await meterOf(context, path.meterId)),
  });
  addRoute(app, {
    method: 'PUT',
    url: '/api/v1/meters/:meterId',
    tag: 'meters',
    summary: 'Create a meter, or change what is known of it',
    path: PATH.meter,
    body: BODY.meter,
    answers: { 200: Meter },
    async handle({ path, body, principal }) {
      const meterId = path.meterId as MeterId;
      await store.saveMeter({ meterId, tenantId: principal.tenantId, ...body });
      await audit(context, principal.name, 'meter.save', meterId, JSON.stringify(body));
      return meterJson(await meterOf(context, meterId));
    },
  });
  addRoute(app, {
    method: 'POST',
    url: '/api/v1/meters/:meterId/placements',
    tag: 'meters',
    summary: 'Place a meter on a concentrator',
    description: 'Ends an earlier placement. Readings that waited in quarantine for it are taken in.',
    path: PATH.meter,
    body: BODY.placement,
    answers: { 201: Meter },
    async handle({ path, body, principal, reply }) {
      const { meterId } = await meterOf(context, path.meterId);
      const edgeId = body.edgeId as EdgeId;
      if ((await store.edge(edgeId)) === undefined) throw new ApiError('EDGE_UNKNOWN', '#/body/edgeId', edgeId);
      const fromMs = body.from === undefined ? env.clock.nowMs() : timeOf(body.from, '#/body/from');
      await store.placeMeter(meterId, edgeId, fromMs);
      await audit(context, principal.name, 'meter.place', meterId, `on ${edgeId} from ${fromMs}`);
      return reply.code(201).send(meterJson(await meterOf(context, meterId)));
    },
  });
  addRoute(app, {
    method: 'POST',
    url: '/api/v1/meters/:meterId/placements/end',
    tag: 'meters',
    summary: 'End the placement of a meter',
    path: PATH.meter,
    body: BODY.placementEnd,
    answers: { 200: Meter },
    async handle({ path, body, principal }) {
      const { meterId } = await meterOf(context, path.meterId);
      const toMs = body.to === undefined ? env.clock.nowMs() : timeOf(body.to, '#/body/to');
      await store.endPlacement(meterId, toMs);
      await audit(context, principal.name, 'meter.end-placement', meterId, `until ${toMs}`);
      return meterJson(await meterOf(context, meterId));
    },
  });
}

/** What is known around a meter: its concentrator, its neighbours there, its supply. */
async function wayFacts({ store, env }: ApiContext, meter: MeterRecord): Promise<WayFacts> {
  const nowMs = env.clock.nowMs();
  const { meterId, edgeId } = meter;
  const isPlaced = edgeId !== undefined && (meter.placedToMs ?? Number.POSITIVE_INFINITY) > nowMs;
  const edge = isPlaced ? await store.edge(edgeId) : undefined;
  const { items } = isPlaced ? await store.meters({ edgeId, limit: PAGE_MAX }) : { items: [] };
  const others = items.filter((each) => each.meterId !== meterId);
  const events = await store.events({ meterId, fromMs: nowMs - SUPPLY_SPAN_MS, toMs: nowMs + 1, limit: PAGE_MAX });
  const supply = events.items
    .filter(({ name }) => SUPPLY.has(name))
    .reduce<(typeof events.items)[number] | null>((a, b) => (a === null || b.atMs >= a.atMs ? b : a), null);
  return {
    state: meter.state?.state ?? 'unknown',
    sentence: meter.state?.sentence ?? '',
    isPlaced,
    isEdgeHeard: edge !== undefined && nowMs - heardMs(edge) < EDGE_UNHEARD_MS,
    isPowerDown: supply !== null && supply.name !== 'power-up',
    others: others.length,
    othersUnheard: others.filter(({ state }) => isUnheard(state?.state ?? 'unknown')).length,
  };
}

function heardMs({ lastHeardMs = 0, lastHelloMs = 0, lastBlockMs = 0 }: EdgeRecord): number {
  return Math.max(lastHeardMs, lastHelloMs, lastBlockMs);
}

function registerKnowledge(app: FastifyInstance, context: ApiContext): void {
  const { store, env } = context;
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/meters/:meterId/channels',
    tag: 'readings',
    summary: 'Channels of a meter that have readings',
    path: PATH.meter,
    answers: { 200: Type.Object({ items: Type.Array(ChannelBody) }) },
    async handle({ path }) {
      const { meterId } = await meterOf(context, path.meterId);
      return { items: (await store.channels(meterId)).map(({ meterId: _meter, ...channel }) => channel) };
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/meters/:meterId/way',
    tag: 'meters',
    summary: 'How far the way to a meter goes, which part fails, and who can mend it',
    description: 'From what is known already: nothing is sent to the meter. The command ping asks it.',
    path: PATH.meter,
    answers: { 200: WayBody },
    handle: async ({ path }) => wayOf(await wayFacts(context, await meterOf(context, path.meterId))),
  });
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/meters/:meterId/latest',
    tag: 'readings',
    summary: 'The newest reading of each channel by measured time',
    path: PATH.meter,
    answers: { 200: Type.Object({ items: Type.Array(ReadingRow) }) },
    async handle({ path }) {
      const { meterId } = await meterOf(context, path.meterId);
      return { items: (await store.latest(meterId)).map(rowJson) };
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/meters/:meterId/attributes',
    tag: 'meters',
    summary: 'Texts and identifiers read from a meter',
    path: PATH.meter,
    answers: { 200: Type.Object({ items: Type.Array(AttributeBody) }) },
    async handle({ path }) {
      const { meterId } = await meterOf(context, path.meterId);
      return { items: (await store.attributes(meterId)).map(({ meterId: _meter, ...attribute }) => attribute) };
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/meters/:meterId/gaps',
    tag: 'readings',
    summary: 'Intervals that should be there and are not, each with its cause',
    path: PATH.meter,
    query: QUERY.range,
    answers: { 200: Type.Object({ items: Type.Array(GapBody) }) },
    async handle({ path, query }) {
      const { meterId } = await meterOf(context, path.meterId);
      const nowMs = env.clock.nowMs();
      return { items: await store.gaps({ meterId, ...rangeOf(query, nowMs, GAP_RANGE_MAX_MS), nowMs }) };
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/events',
    tag: 'meters',
    summary: 'What meters and concentrators said that is not a reading',
    query: QUERY.events,
    answers: { 200: pageOf(EventBody) },
    handle: ({ query }) =>
      store.events({
        ...rangeOf(query, env.clock.nowMs()),
        limit: query.limit ?? PAGE_DEFAULT,
        ...(query.meterId === undefined ? {} : { meterId: query.meterId as MeterId }),
        ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
      }),
  });
}

function audit(context: ApiContext, actor: string, action: string, subject: string, detail: string): Promise<void> {
  return context.store.audit({ atMs: context.env.clock.nowMs(), actor, action, subject, detail });
}
