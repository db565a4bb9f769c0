/**
 * The collector's HTTP server: REST under `/api/v1`, `/health`, `/metrics` and the console's files.
 *
 * Plan: one schema per route for checking and for OpenAPI 3.1, one table for access, one form for refusals. It owns the
 * listening socket (fastify does); everything else of the outside comes in through Env.
 */
import swagger from '@fastify/swagger';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { TSchema } from 'typebox';
import { toHex } from '../../base/bytes.ts';
import { reasonOf } from '../../base/errors.ts';
import type { Principal } from '../ports.ts';
import { ACCESS, permits } from './access.ts';
import { ApiError } from './errors.ts';
import {
  BODY_MAX_BYTES,
  HEADERS_TIMEOUT_MS,
  KEEP_ALIVE_MS,
  REQUEST_TIMEOUT_MS,
  TEXT_MAX_CHARS,
  TIMEOUT_CHECK_MS,
} from './limits.ts';
import { createMetrics } from './metrics.ts';
import { changeJson, commandJson } from './present.ts';
import { asApiError, PROBLEM_TYPE, problemOf } from './problem.ts';
import { type ApiContext, type ApiParts, bearerOf } from './route.ts';
import { registerCommands } from './routes/commands.ts';
import { registerConsole } from './routes/console.ts';
import { registerEdges } from './routes/edges.ts';
import { registerExceptions } from './routes/exceptions.ts';
import { registerFindings } from './routes/findings.ts';
import { registerFirmwareOrders } from './routes/firmware-orders.ts';
import { registerImages } from './routes/images.ts';
import { registerKeyRotations } from './routes/key-rotations.ts';
import { registerMeterImport } from './routes/meter-import.ts';
import { registerMeters } from './routes/meters.ts';
import { registerReadings } from './routes/readings.ts';
import { registerStream } from './routes/stream.ts';
import { registerSystem } from './routes/system.ts';
import { registerTokens } from './routes/tokens.ts';
import { CONSOLE_POLICY, loadStatic } from './static-files.ts';
import { ChangeStream } from './stream.ts';
import { checkOf } from './validate.ts';

/** Settings of the API. */
export interface ApiSettings {
  /** Loopback unless `tls` is given. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** PEM texts. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Folder of the console's bundle. */
  readonly webFolder?: string;
  /** Adds figures of this process to `/metrics`; default true. */
  readonly processMetrics?: boolean;
}

/** The running API. */
export interface Api {
  /** Listens; resolves with the address for people. */
  listen(): Promise<{ readonly url: string; readonly host: string; readonly port: number }>;
  /** A request without a socket, for tests and benches. */
  inject: FastifyInstance['inject'];
  /** Ends streams, waits for requests under way, closes. */
  close(): Promise<void>;
}

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

/** Builds the server; throws BIND_NEEDS_TLS when it would listen on a network in plain HTTP. */
export async function createApi(parts: ApiParts, settings: ApiSettings): Promise<Api> {
  const isLoopback = LOOPBACK.has(settings.host);
  if (!isLoopback && settings.tls === undefined) throw new ApiError('BIND_NEEDS_TLS', '#', settings.host);
  const context: ApiContext = {
    ...parts,
    stream: new ChangeStream(parts.env),
    metrics: createMetrics(settings.processMetrics ?? true),
  };
  const app = newServer(parts, settings);
  refuseWell(app, parts);
  guard(app, context, isLoopback);
  observe(app, context);
  await app.register(swagger, OPENAPI);
  const urls = new Set<string>();
  app.addHook('onRoute', (route) => {
    if (ACCESS[`${route.method} ${route.url}`] === undefined)
      throw new Error(`no access line for ${route.method} ${route.url}`);
    urls.add(route.url);
  });
  for (const register of [
    registerSystem,
    registerTokens,
    registerEdges,
    registerMeters,
    registerMeterImport,
    registerFindings,
    registerReadings,
    registerCommands,
    registerFirmwareOrders,
    registerKeyRotations,
    registerImages,
  ]) {
    register(app, context);
  }
  registerExceptions(app, context);
  registerStream(app, context);
  registerConsole(app, await loadStatic(parts.env, settings.webFolder));
  parts.store.onChange((change) => {
    context.metrics.changed(change.kind);
    const shown = change.kind === 'command' ? { ...change, command: parts.commands.describe(change.command) } : change;
    context.stream.publish(change.kind, changeJson(shown));
  });
  parts.commands.onWords((record) =>
    context.stream.publish('command', { kind: 'command', command: commandJson(record) }),
  );
  await app.ready();
  return running(app, settings, context);
}

function newServer(parts: ApiParts, settings: ApiSettings): FastifyInstance {
  const http = { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: TIMEOUT_CHECK_MS };
  const options = {
    logger: false,
    exposeHeadRoutes: false,
    bodyLimit: BODY_MAX_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: TEXT_MAX_CHARS },
    genReqId: () => toHex(parts.env.random.bytes(8)),
    clientErrorHandler: (
      error: Error & { code?: string },
      socket: { writable: boolean; end(text: string): void; destroy(): void },
    ) => {
      if (!socket.writable) return socket.destroy();
      const refusal =
        error.code?.startsWith('HPE_') && error.code !== 'HPE_HEADER_OVERFLOW'
          ? new ApiError('REQUEST_MALFORMED', '#')
          : asApiError(error);
      const body = JSON.stringify(problemOf(refusal, toHex(parts.env.random.bytes(8))));
      socket.end(
        `HTTP/1.1 ${refusal.statusCode} Refused\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      );
    },
  };
  const app =
    settings.tls === undefined
      ? Fastify({ ...options, http })
      : (Fastify({
          ...options,
          https: { ...http, ...settings.tls, minVersion: 'TLSv1.2' },
        }) as unknown as FastifyInstance);
  app.removeContentTypeParser('text/plain');
  app.setValidatorCompiler(({ schema, httpPart }) => checkOf(schema as TSchema, httpPart ?? 'body'));
  // Answers are built from typed records, and a test holds each against its schema: no second pass at run time.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  return app;
}

/** Every refusal in one form, also for addresses that do not exist. */
function refuseWell(app: FastifyInstance, parts: ApiParts): void {
  const answer = (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const refusal = asApiError(error);
    if (refusal.statusCode >= 500) {
      parts.env.log.error('api.request-failed', {
        requestId: request.id,
        url: request.url,
        reason: reasonOf(refusal.cause ?? refusal),
      });
    }
    if (refusal.statusCode === 401) void reply.header('www-authenticate', 'Bearer realm="deltawatt"');
    return reply
      .code(refusal.statusCode)
      .type(PROBLEM_TYPE)
      .serializer(JSON.stringify)
      .send(problemOf(refusal, request.id));
  };
  app.setErrorHandler(answer);
  app.setNotFoundHandler((request, reply) => {
    const allowed = methodsOf(request.url.split('?')[0] ?? '');
    if (allowed.length === 0)
      return answer(new ApiError('ROUTE_UNKNOWN', '#/path', request.url.slice(0, TEXT_MAX_CHARS)), request, reply);
    void reply.header('allow', allowed.join(', '));
    return answer(
      new ApiError('METHOD_UNKNOWN', '#', `${request.method}; it takes ${allowed.join(', ')}`),
      request,
      reply,
    );
  });
}

/** Methods that an address takes, from the table of access. */
function methodsOf(path: string): string[] {
  const segments = path.split('/');
  return Object.keys(ACCESS).flatMap((line) => {
    const [method = '', pattern = ''] = line.split(' ');
    const wanted = pattern.split('/');
    const fits =
      pattern !== '/*' &&
      wanted.length === segments.length &&
      wanted.every((part, at) => part === segments[at] || (part.startsWith(':') && segments[at] !== ''));
    return fits ? [method] : [];
  });
}

/** Who calls, and whether the table permits it. */
function guard(app: FastifyInstance, context: ApiContext, isLoopback: boolean): void {
  app.decorateRequest('principal', null);
  app.addHook('onRequest', async (request) => {
    const access = ACCESS[`${request.method} ${request.routeOptions.url}`];
    if (access === undefined || access === 'public' || (access === 'loopback' && isLoopback)) return;
    const principal = await callerOf(request, context);
    if (!permits(access, principal.role)) {
      throw new ApiError('ROLE_TOO_LOW', '#/headers/authorization', `${principal.role}; this needs ${access}`);
    }
    request.principal = principal;
  });
}

async function callerOf(request: FastifyRequest, context: ApiContext): Promise<Principal> {
  const token = bearerOf(request);
  if (token === undefined) throw new ApiError('TOKEN_MISSING', '#/headers/authorization');
  const principal = await context.auth.authenticate(token);
  if (principal === null) throw new ApiError('TOKEN_INVALID', '#/headers/authorization');
  return principal;
}

/** Headers of every answer, one log line and two figures a request (HE-6: the request id ties them together). */
function observe(app: FastifyInstance, context: ApiContext): void {
  app.addHook('onSend', async (request, reply) => {
    void reply.headers({
      'x-request-id': request.id,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    if (!reply.hasHeader('content-security-policy')) void reply.header('content-security-policy', CONSOLE_POLICY);
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
    if (request.protocol === 'https') void reply.header('strict-transport-security', 'max-age=31536000');
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    context.metrics.answered(route, request.method, reply.statusCode, reply.elapsedTime / 1_000);
    context.env.log.debug('api.request', {
      requestId: request.id,
      method: request.method,
      route,
      status: reply.statusCode,
      tookMs: Math.round(reply.elapsedTime * 10) / 10,
      tokenId: request.principal?.tokenId,
    });
  });
}

const OPENAPI = {
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'Deltawatt collector',
      description:
        'Meters, their readings and commands. Times are UTC milliseconds in fields ending in `Ms`; a value is an integer, a power of ten and a unit. Refusals are application/problem+json (RFC 9457) with a JSON pointer.',
      version: '1',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This collector' }],
    components: { securitySchemes: { token: { type: 'http' as const, scheme: 'bearer' } } },
  },
};

function running(app: FastifyInstance, settings: ApiSettings, context: ApiContext): Api {
  return {
    inject: app.inject.bind(app) as FastifyInstance['inject'],
    async listen() {
      await app.listen({ host: settings.host, port: settings.port });
      const address = app.server.address();
      const port = typeof address === 'object' && address !== null ? address.port : settings.port;
      const host = settings.host.includes(':') ? `[${settings.host}]` : settings.host;
      const url = `${settings.tls === undefined ? 'http' : 'https'}://${host}:${port}`;
      context.env.log.info('api.listening', { url });
      return { url, host: settings.host, port };
    },
    async close() {
      context.stream.close();
      await app.close();
    },
  };
}
