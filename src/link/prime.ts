/**
 * `prime-tcp://host:4059`: a network of meters over the power line behind one PRIME base node (DLMSoTCP).
 *
 * Meters are found by their DLMS id or the EUI-48 of their modem, since device ids change with every join; the path of the address
 * names the meter for whoever asks only one: `prime-tcp://host:4059/10000001`. The rest is in `plc-link.ts`.
 */
import { PRIME_APDU_MAX_BYTES, PRIME_HELD_MS } from './limits.ts';
import type { LineLink } from './link.ts';
import { type OptionTable, readOptions } from './options.ts';
import { PLC_LINK_OPTIONS, PlcLink } from './plc-link.ts';
import { PrimeSession } from './prime-session.ts';
import type { LinkAddress, LinkEnv, LinkScheme } from './scheme.ts';
import { CONNECT_OPTION, connectTo } from './tcp.ts';

const OPTIONS = {
  connect: CONNECT_OPTION,
  ...PLC_LINK_OPTIONS,
  strangers: {
    kind: 'choice',
    about:
      'Meters that join and that the settings do not name are asked once who they are, and told to the collector; or not',
    default: 'tell',
    of: ['tell', 'ignore'],
  },
  gap: {
    kind: 'number',
    about: 'Silence inside a message after which it is given up',
    unit: 'ms',
    default: 60_000,
    min: 20,
    max: 600_000,
  },
} as const satisfies OptionTable;

const EXAMPLE = 'prime-tcp://192.168.1.30:4059';

function make(address: LinkAddress, env: LinkEnv): LineLink | { readonly problems: readonly string[] } {
  const { values, problems } = readOptions(OPTIONS, address.query);
  const { host, url, path } = address;
  const wrong = [...(host === '' ? [`the host is missing, as in ${EXAMPLE}`] : []), ...problems];
  if (wrong.length > 0) return { problems: wrong };
  const rules = { most: values.inflight, heldMs: PRIME_HELD_MS, guardMs: values.guard };
  return new PlcLink({
    scheme: 'prime-tcp',
    url,
    options: values,
    env,
    maxPduBytes: PRIME_APDU_MAX_BYTES,
    octetMs: 0,
    gapMs: values.gap,
    tellsStrangers: values.strangers === 'tell',
    named: path.slice(1),
    example: `${EXAMPLE}/10000001`,
    connect: async (watcher) => {
      const duplex = await connectTo(address, env, values.connect);
      return new PrimeSession({ duplex, env, gapMs: values.gap, rules, watcher });
    },
  });
}

/** Networks behind a PRIME base node. */
export const PRIME_SCHEMES: readonly LinkScheme[] = [
  { scheme: 'prime-tcp', example: EXAMPLE, options: OPTIONS, tellsJoins: true, make },
];
