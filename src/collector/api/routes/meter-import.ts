/** A list of meters as a body of CSV, taken as a stream: what is wrong with it is the answer, line by line. */
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../errors.ts';
import { IMPORT_BODY_MAX_BYTES } from '../limits.ts';
import { QUERY } from '../requests.ts';
import { type ApiContext, addRoute } from '../route.ts';
import { ImportBody } from '../schemas.ts';

const CSV = 'text/csv';

/** Adds the route of lists of meters. */
export function registerMeterImport(app: FastifyInstance, { importer }: ApiContext): void {
  app.addContentTypeParser(CSV, (_request, payload, done) => done(null, payload));
  addRoute(app, {
    method: 'POST',
    url: '/api/v1/meters/import',
    tag: 'meters',
    summary: 'Import a list of meters',
    description:
      `The body is ${CSV} in UTF-8, at most 50,000 meters; the guide docs/guides/import-meters.md lists the columns. The same list ` +
      'again changes nothing. A list with a fault is answered with 200 and `isApplied: false`, unless `take=valid`.',
    query: QUERY.import,
    answers: { 200: ImportBody },
    async handle({ query, principal, request }) {
      const body: unknown = request.body;
      if (!isStream(body)) throw new ApiError('MEDIA_TYPE_UNKNOWN', '#/headers/content-type', `a list is ${CSV}`);
      // Fastify leaves streams alone; one that does not tell its length is bounded by the importer.
      if (Number(request.headers['content-length'] ?? 0) > IMPORT_BODY_MAX_BYTES)
        throw new ApiError('BODY_TOO_LARGE', '#/body');
      return importer.importMeters(body, {
        tenantId: principal.tenantId,
        actor: principal.name,
        isDryRun: query.dryRun === 'yes',
        onlyValid: query.take === 'valid',
      });
    },
  });
}

function isStream(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}
