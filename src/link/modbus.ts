/**
 * Lines of Modbus devices: `modbus-serial:///dev/ttyS1?baud=9600&parity=even` (RTU), `modbus-tcp://host:502`; with `framing=rtu` the
 * latter is a converter that hands RTU frames through.
 */
import { withoutEcho } from './echo.ts';
import { LINK_PDU_MAX_BYTES } from './limits.ts';
import type { LineLink, LinkCapabilities } from './link.ts';
import { type OptionTable, readOptions } from './options.ts';
import type { LinkAddress, LinkEnv, LinkScheme } from './scheme.ts';
import { deviceProblems, octetMsOf, openPort, SERIAL_OPTIONS as PORT_OPTIONS, serialSettings } from './serial.ts';
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
  ...PORT_OPTIONS,
  gap: GAP,
  echo: { kind: 'flag', about: 'The adapter sends back what is written, drop it', default: false },
} as const satisfies OptionTable;
const TCP_OPTIONS = {
  connect: CONNECT_OPTION,
  gap: { ...GAP, default: 2_000, max: 60_000 },
  framing: { kind: 'choice', about: 'Frames on the connection', default: 'tcp', of: ['tcp', 'rtu'] },
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
  const settings = serialSettings(values);
  return {
    kind: 'line',
    purpose: 'ask',
    scheme: 'modbus-serial',
    url: address.url,
    framing: 'modbus-rtu',
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
    ...(host === '' || port === null ? ['host and port are wanted, as in modbus-tcp://192.168.1.20:502'] : []),
    ...(path === '' || path === '/' ? [] : [`'${path}' stands where nothing belongs`]),
    ...problems,
  ];
  if (all.length > 0) return { problems: all };
  return {
    kind: 'line',
    purpose: 'ask',
    scheme: 'modbus-tcp',
    url: address.url,
    framing: values.framing === 'rtu' ? 'modbus-rtu' : 'modbus-tcp',
    capabilities: CAPABILITIES,
    octetMs: 0,
    gapMs: values.gap,
    open: () => connectTo(address, env, values.connect),
  };
}

/** Lines of Modbus devices. */
export const MODBUS_SCHEMES: readonly LinkScheme[] = [
  {
    scheme: 'modbus-serial',
    example: 'modbus-serial:///dev/ttyS1?baud=9600',
    options: SERIAL_OPTIONS,
    make: makeSerial,
  },
  { scheme: 'modbus-tcp', example: 'modbus-tcp://192.168.1.20:502', options: TCP_OPTIONS, make: makeTcp },
];
