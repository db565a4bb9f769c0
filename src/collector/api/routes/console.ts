/** The console's files. */
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../errors.ts';
import type { StaticFile } from '../static-files.ts';

/** Serves the files under their names; everything else is unknown. */
export function registerConsole(app: FastifyInstance, files: ReadonlyMap<string, StaticFile>): void {
  app.get('/*', { schema: { hide: true } }, (request, reply) => {
    const path = request.url.split('?')[0] ?? '/';
    const file = files.get(path);
    if (file === undefined) {
      if (path === '/') throw new ApiError('ROUTE_UNKNOWN', '#/path', 'the console is not built: run `npm run build`');
      throw new ApiError('ROUTE_UNKNOWN', '#/path', path.slice(0, 200));
    }
    return reply
      .type(file.contentType)
      .header('cache-control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache')
      .send(Buffer.from(file.octets));
  });
}
