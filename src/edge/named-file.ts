/** Files that the settings name. */
import type { Env } from '../base/env.ts';
import { edgeError } from './errors.ts';

/** Octets of a file; throws EDGE_FILE when it is not there. */
export async function fileOf(env: Env, path: string): Promise<Uint8Array> {
  const octets = await env.disk.readFile(path);
  if (octets === undefined) throw edgeError('EDGE_FILE', path);
  return octets;
}

/** Text of a file; throws EDGE_FILE when it is not there. */
export async function textOf(env: Env, path: string): Promise<string> {
  return new TextDecoder().decode(await fileOf(env, path));
}
