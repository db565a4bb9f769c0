/** The files of a meter with keys in a yard: its profile, its keys, and the invocation counters that it saw. */
import type { Env } from '../../base/env.ts';

/** Key of the profile: the simulator's own, signed on to by GMAC. */
export const KEYED_PROFILE = 'proof/keyed';

/** Keys of the yard's meters; worth nothing outside it. */
export const KEYED_SECRETS = {
  encryptionKey: '000102030405060708090a0b0c0d0e0f',
  authenticationKey: 'd0d1d2d3d4d5d6d7d8d9dadbdcdddedf',
  clientTitle: '4d4d4d0000000001',
  meterTitle: '4d4d4d0000bc614e',
} as const;

/** The profile of the simulator's default meter, with high-level security for the client that reads. */
export function keyedProfile(idis: string): string {
  return idis
    .replace('vendor: generic', 'vendor: proof')
    .replace('model: idis', 'model: keyed')
    .replace('security: lls', 'security: hls-gmac');
}

/** The key file as an edge reads it. */
export function keyFileOf(): string {
  const { encryptionKey, authenticationKey, clientTitle } = KEYED_SECRETS;
  const lines = { encryptionKey, authenticationKey, clientTitle };
  return Object.entries(lines)
    .map(([name, value]) => `${name}: "${value}"\n`)
    .join('');
}

/** How many counters the meters saw, and how many of those more than once: one number a line. */
export async function countersOf(
  env: Pick<Env, 'disk'>,
  paths: readonly string[],
): Promise<{ readonly countersSeen: number; readonly countersTwice: number }> {
  let [countersSeen, countersTwice] = [0, 0];
  for (const path of paths) {
    const text = new TextDecoder().decode((await env.disk.readFile(path)) ?? new Uint8Array(0));
    // A meter that was killed may have left half a line; its number was never answered.
    const seen = text.split('\n').slice(0, -1);
    countersSeen += seen.length;
    countersTwice += seen.length - new Set(seen).size;
  }
  return { countersSeen, countersTwice };
}
