/** The event stream. */
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { QUERY } from '../requests.ts';
import { type ApiContext, addRoute } from '../route.ts';

/** Adds `/api/v1/stream`. */
export function registerStream(app: FastifyInstance, context: ApiContext): void {
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/stream',
    tag: 'changes',
    summary: 'Changes as server-sent events',
    description:
      'Events: hello, readings, event, command, meter-state, edge, blocks, resync. Come back with Last-Event-ID; after `resync` read again what you show.',
    query: QUERY.stream,
    answers: { 200: Type.String() },
    handle({ query, request, reply }) {
      const header = request.headers['last-event-id'];
      const lastEventId = query.lastEventId ?? (typeof header === 'string' ? header : undefined);
      void reply.headers({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      return reply.send(context.stream.open(lastEventId));
    },
  });
}
