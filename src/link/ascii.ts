/**
 * Lines of meters that speak nothing but ASCII (IEC 62056-21, modes A, B and C): `ascii-serial:///dev/ttyUSB0?baud=9600` with an
 * optical head, a current loop or RS-485, `ascii-tcp://host:10001` through a converter with a network port, which keeps its speed.
 *
 * An echo is dropped where it is exactly what was written; heads have one, RS-485 adapters some, so it is always looked for.
 */
import { ASCII_DEFAULTS } from '../dlms/ascii/task.ts';
import { withoutEcho } from './echo.ts';
import { OPTICAL_PAUSE_MAX_MS } from './limits.ts';
import { type OptionRow, type OptionTable, type OptionValues, readOptions } from './options.ts';
import { converterProblems, type MadeLine, PLAIN_CAPABILITIES } from './plain.ts';
import type { LinkAddress, LinkEnv, LinkScheme } from './scheme.ts';
import { deviceProblems, openPort } from './serial.ts';
import { SwitchedPort } from './switched-port.ts';
import { CONNECT_OPTION, connectTo } from './tcp.ts';

const pause = (about: string, standard: number) =>
  ({ kind: 'number', about, unit: 'ms', default: standard, min: 0, max: OPTICAL_PAUSE_MAX_MS }) satisfies OptionRow;

const BAUDS = ['300', '600', '1200', '2400', '4800', '9600', '19200'];
const COMMON = {
  gap: { ...pause('Silence inside an answer after which it is given up', ASCII_DEFAULTS.gapMs), min: 20 },
  attempts: { kind: 'number', about: 'Sign-on requests', unit: 'requests', default: 3, min: 1, max: 10 },
  wake: { kind: 'number', about: 'Octets 00 that wake head or meter', unit: 'octets', default: 0, min: 0, max: 255 },
  settle: pause('Pause before the first request', 0),
  reaction: pause('Wait for an answer', ASCII_DEFAULTS.reactionMs),
  drain: pause('From the last octet sent to the new speed', ASCII_DEFAULTS.drainMs),
  recover: pause('Wait after a stuck meter was told to end', ASCII_DEFAULTS.recoverMs),
} as const satisfies OptionTable;
const SERIAL_OPTIONS = {
  baud: { kind: 'choice', about: 'Fastest speed of head and line, Bd', default: '9600', of: BAUDS },
  start: { kind: 'choice', about: 'Speed of the sign-on, Bd', default: '300', of: BAUDS },
  ...COMMON,
} as const satisfies OptionTable;
const TCP_OPTIONS = {
  baud: { kind: 'choice', about: 'Speed that the converter keeps, Bd', default: '9600', of: BAUDS },
  connect: CONNECT_OPTION,
  ...COMMON,
} as const satisfies OptionTable;

const TCP_EXAMPLE = 'ascii-tcp://192.168.1.20:10001';
const BITS_PER_OCTET = 10;

function factsOf(values: OptionValues<typeof COMMON>, startBaud: number, maxBaud: number) {
  return {
    kind: 'line',
    purpose: 'ask',
    framing: 'ascii',
    capabilities: PLAIN_CAPABILITIES,
    octetMs: (BITS_PER_OCTET * 1_000) / maxBaud,
    gapMs: values.gap,
    ascii: {
      startBaud,
      maxBaud,
      wakeOctets: values.wake,
      openMs: values.settle,
      reactionMs: values.reaction,
      drainMs: values.drain,
      recoverMs: values.recover,
      attempts: values.attempts,
    },
  } as const;
}

function makeSerial(address: LinkAddress, env: LinkEnv): MadeLine {
  const { values, problems } = readOptions(SERIAL_OPTIONS, address.query);
  const all = [...deviceProblems(address), ...problems];
  if (all.length > 0) return { problems: all };
  const { url, path } = address;
  const openSwitched = () => {
    const port = new SwitchedPort(path, (settings) => openPort(env, path, settings));
    return Promise.resolve({ ...withoutEcho(port), set: port.set.bind(port) });
  };
  return {
    ...factsOf(values, Number(values.start), Number(values.baud)),
    scheme: 'ascii-serial',
    url,
    open: openSwitched,
    openSwitched,
  };
}

function makeTcp(address: LinkAddress, env: LinkEnv): MadeLine {
  const { values, problems } = readOptions(TCP_OPTIONS, address.query);
  const all = [...converterProblems(address, TCP_EXAMPLE), ...problems];
  if (all.length > 0) return { problems: all };
  const baud = Number(values.baud);
  return {
    ...factsOf(values, baud, baud),
    scheme: 'ascii-tcp',
    url: address.url,
    open: async () => withoutEcho(await connectTo(address, env, values.connect)),
  };
}

/** Lines of meters that speak ASCII. */
export const ASCII_SCHEMES: readonly LinkScheme[] = [
  {
    scheme: 'ascii-serial',
    example: 'ascii-serial:///dev/ttyUSB0?baud=9600',
    options: SERIAL_OPTIONS,
    make: makeSerial,
  },
  { scheme: 'ascii-tcp', example: TCP_EXAMPLE, options: TCP_OPTIONS, make: makeTcp },
];
