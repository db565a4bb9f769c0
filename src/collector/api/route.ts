/** One way to write a route: schema, words for OpenAPI and a typed handler in one object. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import type { Env } from '../../base/env.ts';
import type { Commissioner, FindingStore } from '../commissioning-ports.ts';
import type { RotationSchedule } from '../key-schedule.ts';
import type {
  Authenticator,
  CollectorStore,
  CommandDesk,
  CommandStore,
  Enroller,
  HealthFact,
  ImageStore,
  JournalStore,
  MeterImporter,
  Principal,
  QueryStore,
  RegistryStore,
  RereadStore,
} from '../ports.ts';
import { ACCESS } from './access.ts';
import type { ApiMetrics } from './metrics.ts';
import { QUERY } from './requests.ts';
import { ProblemBody } from './schemas.ts';
import type { ChangeStream } from './stream.ts';

/** What the API needs from the rest of the collector. */
export interface ApiParts {
  readonly env: Pick<Env, 'clock' | 'timers' | 'random' | 'disk' | 'log' | 'crypto'>;
  readonly store: QueryStore &
    RegistryStore &
    Pick<JournalStore, 'edge'> &
    Pick<CommandStore, 'audit'> &
    Pick<RereadStore, 'rereads'> &
    Omit<ImageStore, 'imagePart'> &
    Pick<FindingStore, 'findings'> &
    Pick<CollectorStore, 'onChange' | 'notSafe' | 'damage'>;
  readonly auth: Authenticator;
  readonly commands: CommandDesk;
  readonly enroller: Enroller;
  readonly importer: MeterImporter;
  /** Absent = no keys are changed by schedule. */
  readonly rotations?: RotationSchedule;
  readonly commissioner: Commissioner;
  /** States of the other rooms, in words. */
  readonly health?: () => Promise<readonly HealthFact[]>;
  /** Figures of the other rooms for `/metrics`, by name without the prefix `deltawatt_`. */
  readonly facts?: () => Promise<Readonly<Record<string, number>>>;
}

/** What routes share beside the parts. */
export interface ApiContext extends ApiParts {
  readonly stream: ChangeStream;
  readonly metrics: ApiMetrics;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls; null on public routes. */
    principal: Principal | null;
  }
}

/** A request as a handler sees it. */
export interface Call<Path extends TSchema, Query extends TSchema, Body extends TSchema> {
  readonly path: Static<Path>;
  readonly query: Static<Query>;
  readonly body: Static<Body>;
  readonly principal: Principal;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** A route. */
export interface RouteSpec<Path extends TSchema, Query extends TSchema, Body extends TSchema> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly path?: Path;
  readonly query?: Query;
  readonly body?: Body;
  readonly headers?: TSchema;
  /** Longest body, where it is not the usual limit. */
  readonly bodyMaxBytes?: number;
  /** Answers by status. */
  readonly answers: Readonly<Record<number, TSchema>>;
  readonly handle: (call: Call<Path, Query, Body>) => unknown;
}

/** Stands in for the caller on public routes. */
const NOBODY: Principal = { tokenId: '', tenantId: 'default' as Principal['tenantId'], name: 'nobody', role: 'viewer' };

/** Adds a route; its access is the line of the table of access.ts. */
export function addRoute<Path extends TSchema, Query extends TSchema, Body extends TSchema>(
  app: FastifyInstance,
  spec: RouteSpec<Path, Query, Body>,
): void {
  const access = ACCESS[`${spec.method} ${spec.url}`];
  const problems = {
    '4XX': { ...ProblemBody, description: 'Refused' },
    '5XX': { ...ProblemBody, description: 'Failed' },
  };
  app.route({
    method: spec.method,
    url: spec.url,
    ...(spec.bodyMaxBytes === undefined ? {} : { bodyLimit: spec.bodyMaxBytes }),
    schema: {
      tags: [spec.tag],
      summary: spec.summary,
      description: `${spec.description ?? ''}\n\nAccess: ${access}.`.trim(),
      querystring: spec.query ?? QUERY.none,
      ...(spec.path === undefined ? {} : { params: spec.path }),
      ...(spec.body === undefined ? {} : { body: spec.body }),
      ...(spec.headers === undefined ? {} : { headers: spec.headers }),
      ...(access === 'public' ? {} : { security: [{ token: [] }] }),
      response: { ...spec.answers, ...problems },
    },
    handler: async (request, reply) =>
      spec.handle({
        path: request.params as Static<Path>,
        query: request.query as Static<Query>,
        body: request.body as Static<Body>,
        principal: request.principal ?? NOBODY,
        request,
        reply,
      }),
  });
}

/** The token that a request carries, undefined when it carries none. */
export function bearerOf(request: FastifyRequest): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
}
