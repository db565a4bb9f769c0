/** The first administrator, and tokens. */
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { DEFAULT_TENANT } from '../../../model/ids.ts';
import { ApiError } from '../errors.ts';
import { tokenJson } from '../present.ts';
import { BODY, PATH } from '../requests.ts';
import { type ApiContext, addRoute } from '../route.ts';
import { NewTokenBody, TokenBody } from '../schemas.ts';
import { timeOf } from '../time.ts';

/** Adds set-up, `me` and tokens. */
export function registerTokens(app: FastifyInstance, context: ApiContext): void {
  registerSetup(app, context);
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/tokens',
    tag: 'tokens',
    summary: 'All tokens, without their secrets',
    answers: { 200: Type.Object({ items: Type.Array(TokenBody) }) },
    handle: async () => ({ items: (await context.auth.tokens()).map(tokenJson) }),
  });
  addRoute(app, {
    method: 'POST',
    url: '/api/v1/tokens',
    tag: 'tokens',
    summary: 'A new token; its text is shown once',
    body: BODY.token,
    answers: { 201: NewTokenBody },
    async handle({ body, principal, reply }) {
      const expiresAtMs = body.expires === undefined ? undefined : timeOf(body.expires, '#/body/expires');
      if (expiresAtMs !== undefined && expiresAtMs <= context.env.clock.nowMs()) {
        throw new ApiError('BODY_INVALID', '#/body/expires', 'this time has passed');
      }
      const issued = await context.auth.issue(
        {
          name: body.name,
          role: body.role,
          tenantId: principal.tenantId,
          ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
        },
        principal.name,
      );
      return reply.code(201).send({ token: issued.text, record: tokenJson(issued.record) });
    },
  });
  addRoute(app, {
    method: 'DELETE',
    url: '/api/v1/tokens/:tokenId',
    tag: 'tokens',
    summary: 'Revoke a token; it stops working at once',
    path: PATH.token,
    answers: { 204: Type.Null() },
    async handle({ path, principal, reply }) {
      if (!(await context.auth.revoke(path.tokenId, principal.name)))
        throw new ApiError('TOKEN_UNKNOWN', '#/path/tokenId', path.tokenId);
      return reply.code(204).send();
    },
  });
}

function registerSetup(app: FastifyInstance, context: ApiContext): void {
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/setup',
    tag: 'set-up',
    summary: 'Whether the collector waits for its first administrator',
    answers: { 200: Type.Object({ open: Type.Boolean() }) },
    handle: async () => ({ open: await context.auth.setupOpen() }),
  });
  addRoute(app, {
    method: 'POST',
    url: '/api/v1/setup',
    tag: 'set-up',
    summary: 'Use the one-time code that the collector printed at its first start',
    body: BODY.setup,
    answers: { 201: NewTokenBody },
    async handle({ body, reply }) {
      const issued = await context.auth.setUp(body.code, body.name);
      return reply.code(201).send({ token: issued.text, record: tokenJson(issued.record) });
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/me',
    tag: 'set-up',
    summary: 'Who this token is',
    answers: { 200: Type.Object({ name: Type.String(), role: Type.String(), tenantId: Type.String() }) },
    handle: ({ principal }) => ({
      name: principal.name,
      role: principal.role,
      tenantId: principal.tenantId ?? DEFAULT_TENANT,
    }),
  });
}
