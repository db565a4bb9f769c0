/** Concentrators: list, take in, put out; what of theirs is in quarantine or read again. */
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { EdgeId, MeterId } from '../../../model/ids.ts';
import type { RereadState } from '../../../model/reread.ts';
import { ApiError } from '../errors.ts';
import { PAGE_DEFAULT } from '../limits.ts';
import { edgeJson, rereadJson } from '../present.ts';
import { PATH, QUERY } from '../requests.ts';
import { type ApiContext, addRoute } from '../route.ts';
import { Edge, EnrolmentBody, pageOf, QuarantineBody, RereadBody } from '../schemas.ts';

/** Adds the routes of concentrators, of quarantined readings and of what is read again. */
export function registerEdges(app: FastifyInstance, context: ApiContext): void {
  const { store, enroller } = context;
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/edges',
    tag: 'concentrators',
    summary: 'All concentrators, those of the inbox too',
    query: QUERY.edges,
    answers: { 200: Type.Object({ items: Type.Array(Edge) }) },
    async handle({ query }) {
      const edges = await store.edges();
      return { items: edges.filter((edge) => query.state === undefined || edge.state === query.state).map(edgeJson) };
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/edges/:edgeId',
    tag: 'concentrators',
    summary: 'One concentrator',
    path: PATH.edge,
    answers: { 200: Edge },
    async handle({ path }) {
      const edge = await store.edge(path.edgeId as EdgeId);
      if (edge === undefined) throw new ApiError('EDGE_UNKNOWN', '#/path/edgeId', path.edgeId);
      return edgeJson(edge);
    },
  });
  addRoute(app, {
    method: 'POST',
    url: '/api/v1/edges/:edgeId/adopt',
    tag: 'concentrators',
    summary: 'Take a concentrator in, from the inbox or ahead of its first call',
    description:
      'Makes a new password and key. The answer is the enrolment file for the concentrator; it is shown once.',
    path: PATH.edge,
    answers: { 201: EnrolmentBody },
    async handle({ path, principal, reply }) {
      const enrolment = await enroller.adopt(path.edgeId as EdgeId, principal.tenantId, principal.name);
      return reply.code(201).send(enrolment);
    },
  });
  addRoute(app, {
    method: 'POST',
    url: '/api/v1/edges/:edgeId/deactivate',
    tag: 'concentrators',
    summary: 'Put a concentrator out: it may not connect any more',
    path: PATH.edge,
    answers: { 204: Type.Null() },
    async handle({ path, principal, reply }) {
      if (!(await enroller.deactivate(path.edgeId as EdgeId, principal.name))) {
        throw new ApiError('EDGE_UNKNOWN', '#/path/edgeId', path.edgeId);
      }
      return reply.code(204).send();
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/quarantine',
    tag: 'concentrators',
    summary: 'Readings of meters that are not placed on the concentrator that sent them',
    answers: { 200: Type.Object({ items: Type.Array(QuarantineBody) }) },
    handle: async () => ({ items: await store.quarantined() }),
  });
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/rereads',
    tag: 'concentrators',
    summary: 'Lost intervals that concentrators read from their meters again, newest first',
    query: QUERY.rereads,
    answers: { 200: pageOf(RereadBody) },
    async handle({ query }) {
      const { edgeId, meterId, state, cursor, limit = PAGE_DEFAULT } = query;
      const page = await store.rereads({
        limit,
        ...(edgeId === undefined ? {} : { edgeId: edgeId as EdgeId }),
        ...(meterId === undefined ? {} : { meterId: meterId as MeterId }),
        ...(state === undefined ? {} : { state: state as RereadState }),
        ...(cursor === undefined ? {} : { cursor }),
      });
      return { ...page, items: page.items.map(rereadJson) };
    },
  });
}
