/** The event stream. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { QUERY } from '../requests.ts';
import { type ApiContext, addRoute, bearerOf } from '../route.ts';

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
      return reply.send(context.stream.open(lastEventId, () => mayListen(context, request)));
    },
  });
}

/** Whether the token of the request still opens the stream. */
async function mayListen(context: ApiContext, request: FastifyRequest): Promise<boolean> {
  const token = bearerOf(request);
  return token !== undefined && (await context.auth.authenticate(token)) !== null;
}
