/** Health, metrics, OpenAPI, the list of problems. */
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { HealthFact } from '../../ports.ts';
import { API_ERRORS, ApiError, isApiCode } from '../errors.ts';
import { PATH } from '../requests.ts';
import { type ApiContext, addRoute } from '../route.ts';
import { HealthBody } from '../schemas.ts';

/** Adds the routes that say how the collector is and what it speaks. */
export function registerSystem(app: FastifyInstance, context: ApiContext): void {
  addRoute(app, {
    method: 'GET',
    url: '/health',
    tag: 'system',
    summary: 'Whether the collector does its work, with reasons',
    description: '200 while it works (also when `degraded`), 503 when it does not.',
    answers: { 200: HealthBody, 503: HealthBody },
    async handle({ reply }) {
      const facts = await healthFacts(context);
      const state = worst(facts);
      return reply.code(state === 'failed' ? 503 : 200).send({
        state,
        reasons: facts.filter((fact) => fact.state !== 'ok').map((fact) => `${fact.subject}: ${fact.sentence}`),
        facts,
      });
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/metrics',
    tag: 'system',
    summary: 'Figures for Prometheus',
    answers: { 200: Type.String() },
    async handle({ reply }) {
      const facts = { ...(await context.facts?.()), api_streams_open: context.stream.clients };
      return reply.type(context.metrics.contentType).send(await context.metrics.text(facts));
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/openapi.json',
    tag: 'system',
    summary: 'This API as OpenAPI 3.1',
    answers: { 200: Type.Unknown() },
    handle: () => app.swagger(),
  });
  registerProblems(app);
}

function registerProblems(app: FastifyInstance): void {
  const problem = Type.Object({
    code: Type.String(),
    status: Type.Integer(),
    sentence: Type.String(),
    retry: Type.String(),
  });
  const problems = Object.entries(API_ERRORS).map(([code, row]) => ({
    code,
    status: row.status,
    sentence: row.sentence,
    retry: row.retry,
  }));
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/problems',
    tag: 'system',
    summary: 'All refusals of this API',
    answers: { 200: Type.Object({ items: Type.Array(problem) }) },
    handle: () => ({ items: problems }),
  });
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/problems/:code',
    tag: 'system',
    summary: 'What a refusal means; its `type` leads here',
    path: PATH.code,
    answers: { 200: problem },
    handle({ path }) {
      if (!isApiCode(path.code)) throw new ApiError('ROUTE_UNKNOWN', '#/path/code', path.code);
      return problems.find((row) => row.code === path.code);
    },
  });
}

async function healthFacts(context: ApiContext): Promise<readonly HealthFact[]> {
  const reasons = await context.store
    .notSafe()
    .catch((error: unknown) => [error instanceof Error ? error.message : String(error)]);
  const store: HealthFact =
    reasons.length === 0
      ? { subject: 'store', state: 'ok', sentence: 'Commits are on the medium before they are acknowledged.' }
      : { subject: 'store', state: 'failed', sentence: `Nothing is acknowledged: ${reasons.join(' ')}` };
  // A database that does not answer has been told above.
  const damage = reasons.length === 0 ? await context.store.damage() : [];
  const told = damage.map((sentence): HealthFact => ({ subject: 'database', state: 'degraded', sentence }));
  return [store, ...told, ...((await context.health?.()) ?? [])];
}

function worst(facts: readonly HealthFact[]): HealthFact['state'] {
  if (facts.some((fact) => fact.state === 'failed')) return 'failed';
  return facts.some((fact) => fact.state === 'degraded') ? 'degraded' : 'ok';
}
