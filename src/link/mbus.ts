/**
 * Lines of a wired M-Bus: `mbus-serial:///dev/ttyS1?baud=2400` through a level converter, `mbus-tcp://host:10001` through one
 * with a network port. Meters are asked with frames of EN 13757-2, so the parity is even.
 */
import { withoutEcho } from './echo.ts';
import { LINK_PDU_MAX_BYTES } from './limits.ts';
import type { LineLink, LinkCapabilities } from './link.ts';
import { type OptionTable, readOptions } from './options.ts';
import type { LinkAddress, LinkEnv, LinkScheme } from './scheme.ts';
import { deviceProblems, octetMsOf, openPort } from './serial.ts';
import { CONNECT_OPTION, connectTo } from './tcp.ts';

const GAP = {
  kind: 'number',
  about: 'Silence inside a frame after which it is given up',
  unit: 'ms',
  default: 250,
  min: 20,
  max: 6_000,
} as const;
const SERIAL_OPTIONS = {
  baud: {
    kind: 'choice',
    about: 'Speed of the bus',
    default: '2400',
    of: ['300', '600', '1200', '2400', '4800', '9600', '19200', '38400'],
  },
  gap: GAP,
  echo: { kind: 'flag', about: 'The converter sends back what is written, drop it', default: false },
} as const satisfies OptionTable;
const TCP_OPTIONS = {
  connect: CONNECT_OPTION,
  gap: { ...GAP, default: 2_000, max: 60_000 },
} as const satisfies OptionTable;

const CAPABILITIES: LinkCapabilities = {
  maxInFlight: 1,
  maxPduBytes: LINK_PDU_MAX_BYTES,
  broadcast: false,
  joinEvents: false,
  rescan: false,
};

type Made = LineLink | { readonly problems: readonly string[] };

function makeSerial(address: LinkAddress, env: LinkEnv): Made {
  const { values, problems } = readOptions(SERIAL_OPTIONS, address.query);
  const all = [...deviceProblems(address), ...problems];
  if (all.length > 0) return { problems: all };
  const settings = { baud: Number(values.baud), parity: 'even', dataBits: 8, stopBits: 1 } as const;
  return {
    kind: 'line',
    purpose: 'ask',
    scheme: 'mbus-serial',
    url: address.url,
    framing: 'mbus',
    capabilities: CAPABILITIES,
    octetMs: octetMsOf(settings),
    gapMs: values.gap,
    open: async () => {
      const duplex = await openPort(env, address.path, settings);
      return values.echo ? withoutEcho(duplex) : duplex;
    },
  };
}

function makeTcp(address: LinkAddress, env: LinkEnv): Made {
  const { values, problems } = readOptions(TCP_OPTIONS, address.query);
  const { host, port, path } = address;
  const all = [
    ...(host === '' || port === null ? ['host and port are wanted, as in mbus-tcp://192.168.1.20:10001'] : []),
    ...(path === '' || path === '/' ? [] : [`'${path}' stands where nothing belongs`]),
    ...problems,
  ];
  if (all.length > 0) return { problems: all };
  return {
    kind: 'line',
    purpose: 'ask',
    scheme: 'mbus-tcp',
    url: address.url,
    framing: 'mbus',
    capabilities: CAPABILITIES,
    octetMs: 0,
    gapMs: values.gap,
    open: () => connectTo(address, env, values.connect),
  };
}

/** Lines of a wired M-Bus. */
export const MBUS_SCHEMES: readonly LinkScheme[] = [
  { scheme: 'mbus-serial', example: 'mbus-serial:///dev/ttyS1?baud=2400', options: SERIAL_OPTIONS, make: makeSerial },
  { scheme: 'mbus-tcp', example: 'mbus-tcp://192.168.1.20:10001', options: TCP_OPTIONS, make: makeTcp },
];
