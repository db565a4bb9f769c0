/** From the address of a line to the line: the one list of schemes. */
import { ASCII_SCHEMES } from './ascii.ts';
import { linkError } from './errors.ts';
import { G3_SCHEMES } from './g3.ts';
import type { Link } from './link.ts';
import { MBUS_SCHEMES } from './mbus.ts';
import { MEMORY_SCHEMES } from './memory.ts';
import { MODBUS_SCHEMES } from './modbus.ts';
import { OPTICAL_SCHEMES } from './optical.ts';
import { PRIME_SCHEMES } from './prime.ts';
import { PUSH_SERIAL_SCHEMES } from './push-serial.ts';
import type { LinkAddress, LinkEnv, LinkScheme } from './scheme.ts';
import { SERIAL_SCHEMES } from './serial.ts';
import { TCP_SCHEMES } from './tcp.ts';

/** Every kind of link. */
export const LINK_SCHEMES: readonly LinkScheme[] = [
  ...SERIAL_SCHEMES,
  ...TCP_SCHEMES,
  ...PRIME_SCHEMES,
  ...G3_SCHEMES,
  ...OPTICAL_SCHEMES,
  ...PUSH_SERIAL_SCHEMES,
  ...MBUS_SCHEMES,
  ...ASCII_SCHEMES,
  ...MODBUS_SCHEMES,
  ...MEMORY_SCHEMES,
];

const BY_NAME = new Map(LINK_SCHEMES.map((scheme) => [scheme.scheme, scheme]));

/** Everything that is wrong with an address, each as a sentence; none when it is good. For configuration checks. */
export function problemsOfLink(url: string, env: LinkEnv): readonly string[] {
  const found = find(url, env);
  return 'problems' in found ? found.problems : [];
}

/** Whether lines of this kind tell who joins them, so that one may be set up before its meters are known. */
export function tellsJoins(url: string): boolean {
  return BY_NAME.get(url.split(':', 1).at(0) ?? '')?.tellsJoins === true;
}

/** The link of an address; throws LINK_URL with every problem in the detail. Opens nothing. */
export function linkOf(url: string, env: LinkEnv): Link {
  const found = find(url, env);
  if ('problems' in found) throw linkError('LINK_URL', `${url}: ${found.problems.join('; ')}`);
  return found;
}

function find(url: string, env: LinkEnv): Link | { readonly problems: readonly string[] } {
  const name = url.split(':', 1).at(0) ?? '';
  const scheme = BY_NAME.get(name);
  if (scheme === undefined)
    return { problems: [`unknown scheme '${name}': ${[...BY_NAME.keys()].join(', ')} are known`] };
  const address = addressOf(url);
  if (address === null) return { problems: [`not an address; write it like ${scheme.example}`] };
  return scheme.make(address, env);
}

/** Splits an address; null when it has no such form. */
export function addressOf(url: string): LinkAddress | null {
  // A host may be left out before a port: every interface.
  const padded = url.replace(/^([a-z+-]+):\/\/:(\d+)/, '$1://0.0.0.0:$2');
  if (!URL.canParse(padded)) return null;
  const { hostname, port, pathname, searchParams, hash, username } = new URL(padded);
  if (hash !== '' || username !== '') return null;
  return {
    url,
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? null : Number(port),
    path: decodeURIComponent(pathname),
    query: searchParams,
  };
}
