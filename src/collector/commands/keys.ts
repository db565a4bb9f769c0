/**
 * The collector's two signing keys, each in a file of mode 0600 in the state folder, made at the first start.
 *
 * `command.key` signs commands; `limits.key` signs how much an edge lets any collector do (disconnects an hour), so it
 * belongs on another medium than the collector as soon as the site is in earnest: the collector works without it.
 */

import { fromHex, toHex } from '../../base/bytes.ts';
import type { Env, SigningKey } from '../../base/env.ts';
import { commandError } from './errors.ts';

/** Both keys. */
export interface CollectorKeys {
  readonly command: SigningKey;
  readonly limits: SigningKey;
}

const PROBE = new TextEncoder().encode('deltawatt key probe');

/** Reads both keys, or makes what is missing. Throws COMMAND_KEY_BROKEN naming the file. */
export async function loadKeys(env: Pick<Env, 'disk' | 'crypto' | 'log'>, folder: string): Promise<CollectorKeys> {
  return { command: await loadKey(env, `${folder}/command.key`), limits: await loadKey(env, `${folder}/limits.key`) };
}

async function loadKey(env: Pick<Env, 'disk' | 'crypto' | 'log'>, path: string): Promise<SigningKey> {
  const octets = await env.disk.readFile(path);
  if (octets === undefined) {
    const made = env.crypto.newSigningKey();
    const text = JSON.stringify({
      kind: 'ed25519',
      publicKey: toHex(made.publicKey),
      privateKey: toHex(made.privateKey),
    });
    await env.disk.writeFile(path, new TextEncoder().encode(`${text}\n`), 0o600);
    env.log.info('commands.key-made', { path, publicKey: toHex(made.publicKey) });
    return made;
  }
  const key = parseKey(octets, path);
  if (!env.crypto.verify(key.publicKey, PROBE, env.crypto.sign(key.privateKey, PROBE))) {
    throw commandError('COMMAND_KEY_BROKEN', `${path}: the two halves do not belong together`);
  }
  return key;
}

function parseKey(octets: Uint8Array, path: string): SigningKey {
  try {
    const document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(octets)) as Record<string, unknown>;
    const publicKey = fromHex(String(document['publicKey']));
    const privateKey = fromHex(String(document['privateKey']));
    if (publicKey.length !== 32 || privateKey.length !== 32) throw new RangeError('a key has 32 octets');
    return { publicKey, privateKey };
  } catch (cause) {
    throw commandError('COMMAND_KEY_BROKEN', path, cause);
  }
}
