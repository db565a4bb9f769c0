/**
 * Lines over TCP: `tcp://host:4059` carries the wrapper, `tcp+hdlc://host:port` HDLC (serial servers and some meters);
 * `push+tcp://:4059` listens for meters that connect by themselves and push with the wrapper,
 * or with `framing=p1` or `sml` for ports whose telegrams are sent on.
 */
import type { ByteDuplex } from '../base/env.ts';
import { reasonOf } from '../base/errors.ts';
import { linkError } from './errors.ts';
import { CONNECT_TIMEOUT_DEFAULT_MS, DLMS_PORT, LINK_PDU_MAX_BYTES } from './limits.ts';
import type { LineLink, LinkCapabilities, LinkFraming, ListenerLink } from './link.ts';
import { type OptionTable, readOptions } from './options.ts';
import type { LinkAddress, LinkEnv, LinkScheme } from './scheme.ts';

const GAP = {
  kind: 'number',
  about: 'Silence inside a message after which it is given up',
  unit: 'ms',
  default: 30_000,
  min: 20,
  max: 600_000,
} as const;
/** Option of links that connect. */
export const CONNECT_OPTION = {
  kind: 'number',
  about: 'Wait for the connection',
  unit: 'ms',
  default: CONNECT_TIMEOUT_DEFAULT_MS,
  min: 100,
  max: 120_000,
} as const;
const OPTIONS = {
  connect: CONNECT_OPTION,
  gap: GAP,
} as const satisfies OptionTable;
const PUSH_OPTIONS = {
  gap: GAP,
  framing: {
    kind: 'choice',
    about: 'What comes in a connection; p1-unchecked are the telegrams without CRC of meters before DSMR 4',
    default: 'wrapper',
    of: ['wrapper', 'p1', 'p1-unchecked', 'sml'],
  },
} as const satisfies OptionTable;

const CAPABILITIES: LinkCapabilities = {
  maxInFlight: 1,
  maxPduBytes: LINK_PDU_MAX_BYTES,
  broadcast: false,
  joinEvents: false,
  rescan: false,
};

function hostProblems({ host, path }: LinkAddress): string[] {
  const problems = host === '' ? ['the host is missing, as in tcp://192.168.1.20:4059'] : [];
  return path === '' || path === '/' ? problems : [...problems, `'${path}' stands where nothing belongs`];
}

/** Connects; rejects with LINK_OPEN. */
export function connectTo({ host, port }: LinkAddress, env: LinkEnv, timeoutMs: number): Promise<ByteDuplex> {
  const known = port ?? DLMS_PORT;
  return env.net.connectTcp(host, known, { timeoutMs }).catch((error: unknown) => {
    throw linkError('LINK_OPEN', `${host}:${known}: ${reasonOf(error)}`, error);
  });
}

function makeTcp(framing: 'wrapper' | 'hdlc'): LinkScheme['make'] {
  return (address: LinkAddress, env: LinkEnv): LineLink | { readonly problems: readonly string[] } => {
    const { values, problems } = readOptions(OPTIONS, address.query);
    const all = [...hostProblems(address), ...problems];
    if (all.length > 0) return { problems: all };
    return {
      kind: 'line',
      purpose: 'ask',
      scheme: framing === 'wrapper' ? 'tcp' : 'tcp+hdlc',
      url: address.url,
      framing,
      capabilities: { ...CAPABILITIES, broadcast: framing === 'hdlc' },
      octetMs: 0,
      gapMs: values.gap,
      open: () => connectTo(address, env, values.connect),
    };
  };
}

function makePush(address: LinkAddress, env: LinkEnv): ListenerLink | { readonly problems: readonly string[] } {
  const { values, problems } = readOptions(PUSH_OPTIONS, address.query);
  const all = [...hostProblems(address), ...problems];
  if (all.length > 0) return { problems: all };
  const port = address.port ?? DLMS_PORT;
  return {
    kind: 'listener',
    purpose: 'push',
    scheme: 'push+tcp',
    url: address.url,
    framing: values.framing as LinkFraming,
    capabilities: CAPABILITIES,
    octetMs: 0,
    gapMs: values.gap,
    listen: (accept) =>
      env.net.listenTcp(address.host, port, accept).catch((error: unknown) => {
        throw linkError('LINK_OPEN', `${address.host}:${port}: ${reasonOf(error)}`, error);
      }),
  };
}

/** Lines over TCP. */
export const TCP_SCHEMES: readonly LinkScheme[] = [
  { scheme: 'tcp', example: 'tcp://192.168.1.20:4059', options: OPTIONS, make: makeTcp('wrapper') },
  { scheme: 'tcp+hdlc', example: 'tcp+hdlc://192.168.1.20:4001', options: OPTIONS, make: makeTcp('hdlc') },
  { scheme: 'push+tcp', example: 'push+tcp://:4059', options: PUSH_OPTIONS, make: makePush },
];
