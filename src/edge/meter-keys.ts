/** The key file of a meter on disk: one a meter, readable by its owner only. */
import type { Env } from '../base/env.ts';
import { parseMeterKeys } from '../dlms/security/key-file.ts';
import type { MeterSecurity } from '../dlms/security/meter-security.ts';

/** Others than the owner may not even read. */
const FOREIGN_PERMISSIONS = 0o077;

/** Reads a key file; throws an Error in words for the operator that names keys and never shows one. */
export async function readMeterKeys(path: string, env: Pick<Env, 'disk'>): Promise<MeterSecurity> {
  const read = parseMeterKeys(new TextDecoder().decode(await ownersFile(path, env)));
  if (!read.ok) throw new Error(`key file ${path}: ${read.problem}`);
  return read.security;
}

/** The octets of a file with a secret, which nobody but its owner may use; throws an Error in words. */
export async function ownersFile(path: string, { disk }: Pick<Env, 'disk'>): Promise<Uint8Array> {
  const octets = await disk.readFile(path);
  if (octets === undefined) throw new Error(`there is no key file ${path}`);
  const permissions = (await disk.permissions(path)) ?? 0;
  if ((permissions & FOREIGN_PERMISSIONS) !== 0)
    throw new Error(`others can use the key file ${path}: make it its owner's alone (chmod 600)`);
  return octets;
}
