/** What the schedule of key rotation does: its groups, and where the keys of meters stand. */
import type { FastifyInstance } from 'fastify';
import type { EdgeId } from '../../../model/ids.ts';
import { PAGE_DEFAULT } from '../limits.ts';
import { QUERY } from '../requests.ts';
import { type ApiContext, addRoute } from '../route.ts';
import { RotationsAnswer } from '../schemas.ts';

/** Adds the route of scheduled rotations. */
export function registerKeyRotations(app: FastifyInstance, { store, rotations }: ApiContext): void {
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/key-rotations',
    tag: 'commands',
    summary: 'Keys of meters that are changed by schedule, with the last order of each',
    description:
      'A page of meters; those of no group have no line. `dueAtMs` is the moment that counts: passed while an order is due or under way, else the next one.',
    query: QUERY.keyRotations,
    answers: { 200: RotationsAnswer },
    async handle({ query }) {
      const { edgeId, cursor, limit = PAGE_DEFAULT } = query;
      const page = await store.meters({
        limit,
        ...(edgeId === undefined ? {} : { edgeId: edgeId as EdgeId }),
        ...(cursor === undefined ? {} : { cursor }),
      });
      const items = [];
      for (const meter of page.items) {
        for (const { group, key, dueAtMs, last, isDue } of (await rotations?.of(meter)) ?? []) {
          const { meterId } = meter;
          const line = { meterId, group: group.name, key, dueAtMs, isDue };
          items.push(
            last === null
              ? line
              : { ...line, lastCommandId: last.id, lastState: last.state, lastAtMs: last.createdAtMs },
          );
        }
      }
      const groups = (rotations?.groups ?? []).map(({ name, edges, meters, keys, periodMs, fromMs }) => ({
        name,
        edges: [...edges],
        meters: [...meters],
        keys: [...keys],
        periodMs,
        fromMs,
      }));
      return { groups, items, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
    },
  });
}
