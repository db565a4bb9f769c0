/** Commissioning: what a scan found, the inbox of strangers, and the acceptance report of a concentrator. */
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { EdgeId, MeterId } from '../../../model/ids.ts';
import { acceptanceText } from '../acceptance-text.ts';
import { AcceptanceBody, FindingBody } from '../commissioning-schemas.ts';
import { PAGE_DEFAULT } from '../limits.ts';
import { findingJson } from '../present.ts';
import { BODY, PATH, QUERY } from '../requests.ts';
import { type ApiContext, addRoute } from '../route.ts';

const PAGE = Type.Object({ items: Type.Array(FindingBody) });

/** Adds the routes of commissioning. */
export function registerFindings(app: FastifyInstance, { commissioner, store }: ApiContext): void {
  addRoute(app, {
    method: 'POST',
    url: '/api/v1/edges/:edgeId/findings',
    tag: 'commissioning',
    summary: 'Report what a scan found on a line of a concentrator',
    description:
      'Meters that a list names are placed there at once; others wait in the inbox. `deltawatt scan --report` sends it.',
    path: PATH.edge,
    body: BODY.findings,
    answers: { 200: PAGE },
    async handle({ path, body, principal }) {
      const findings = await commissioner.report(path.edgeId as EdgeId, body.line, body.addresses, principal);
      return { items: findings.map(findingJson) };
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/findings',
    tag: 'commissioning',
    summary: 'What was found on lines; `state=waiting` is the inbox of meters',
    query: QUERY.findings,
    answers: { 200: PAGE },
    async handle({ query }) {
      const findings = await store.findings({
        limit: query.limit ?? PAGE_DEFAULT,
        ...(query.edgeId === undefined ? {} : { edgeId: query.edgeId as EdgeId }),
        ...(query.state === undefined ? {} : { state: query.state as 'waiting' }),
      });
      return { items: findings.map(findingJson) };
    },
  });
  addRoute(app, {
    method: 'POST',
    url: '/api/v1/findings/:findingId/accept',
    tag: 'commissioning',
    summary: 'Take in a meter that waits',
    path: PATH.finding,
    body: BODY.acceptFinding,
    answers: { 200: FindingBody },
    async handle({ path, body, principal }) {
      const { meterId, ...rest } = body;
      const as = { ...rest, ...(meterId === undefined ? {} : { meterId: meterId as MeterId }) };
      return findingJson(await commissioner.accept(path.findingId, as, principal));
    },
  });
  addRoute(app, {
    method: 'POST',
    url: '/api/v1/findings/:findingId/refuse',
    tag: 'commissioning',
    summary: 'Refuse a meter that waits: it does not wait again when it is found again',
    path: PATH.finding,
    answers: { 200: FindingBody },
    handle: async ({ path, principal }) => findingJson(await commissioner.refuse(path.findingId, principal)),
  });
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/edges/:edgeId/acceptance',
    tag: 'commissioning',
    summary: 'The acceptance report of a concentrator',
    path: PATH.edge,
    query: QUERY.acceptance,
    answers: { 200: AcceptanceBody },
    async handle({ path, query, request, reply }) {
      const report = await commissioner.acceptance(path.edgeId as EdgeId);
      const wantsText = query.format === 'text' || (query.format === undefined && request.headers.accept === TEXT);
      if (!wantsText) return report;
      return reply.type(`${TEXT}; charset=utf-8`).serializer(String).send(acceptanceText(report));
    },
  });
}

const TEXT = 'text/plain';
