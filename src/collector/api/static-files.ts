/** The console's files, read once at start and served from memory: nothing outside this list can be asked for. */
import type { Env } from '../../base/env.ts';
import { STATIC_FILES, STATIC_MAX_BYTES } from './limits.ts';

/** A file as served. */
export interface StaticFile {
  readonly octets: Uint8Array;
  readonly contentType: string;
  /** Its name contains a hash of its content, so it never changes. */
  readonly immutable: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  ico: 'image/x-icon',
  woff2: 'font/woff2',
  txt: 'text/plain; charset=utf-8',
  webmanifest: 'application/manifest+json',
};

/** Everything that the console may load, and nothing from elsewhere. */
export const CONSOLE_POLICY =
  "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/** Files by path (`/index.html`); an empty map when there is no console in the folder. */
export async function loadStatic(
  env: Pick<Env, 'disk' | 'log'>,
  folder: string | undefined,
): Promise<ReadonlyMap<string, StaticFile>> {
  const files = new Map<string, StaticFile>();
  if (folder === undefined) return files;
  let total = 0;
  for (const name of await env.disk.list(folder).catch((): string[] => [])) {
    const contentType = TYPES[name.slice(name.lastIndexOf('.') + 1)];
    if (contentType === undefined || files.size >= STATIC_FILES) continue;
    const octets = await env.disk.readFile(`${folder}/${name}`);
    if (octets === undefined || total + octets.length > STATIC_MAX_BYTES) continue;
    total += octets.length;
    files.set(`/${name}`, { octets, contentType, immutable: /-[A-Z0-9]{8}\.[a-z0-9]+$/.test(name) });
  }
  const index = files.get('/index.html');
  if (index !== undefined) files.set('/', index);
  else env.log.warn('api.console-missing', { folder });
  return files;
}
