/**
 * Lines of a wired M-Bus: `mbus-serial:///dev/ttyS1?baud=2400` through a level converter, `mbus-tcp://host:10001` through one
 * with a network port. Meters are asked with frames of EN 13757-2, so the parity is even.
 */
import { type OptionTable, readOptions } from './options.ts';
import {
  converterProblems,
  type MadeLine,
  PLAIN_SERIAL_OPTIONS,
  PLAIN_TCP_OPTIONS,
  plainSerial,
  plainTcp,
} from './plain.ts';
import type { LinkAddress, LinkEnv, LinkScheme } from './scheme.ts';
import { deviceProblems } from './serial.ts';

const SERIAL_OPTIONS = {
  baud: {
    kind: 'choice',
    about: 'Speed of the bus',
    default: '2400',
    of: ['300', '600', '1200', '2400', '4800', '9600', '19200', '38400'],
  },
  ...PLAIN_SERIAL_OPTIONS,
} as const satisfies OptionTable;
const TCP_EXAMPLE = 'mbus-tcp://192.168.1.20:10001';

function makeSerial(address: LinkAddress, env: LinkEnv): MadeLine {
  const { values, problems } = readOptions(SERIAL_OPTIONS, address.query);
  const all = [...deviceProblems(address), ...problems];
  if (all.length > 0) return { problems: all };
  const settings = { baud: Number(values.baud), parity: 'even', dataBits: 8, stopBits: 1 } as const;
  return plainSerial({ scheme: 'mbus-serial', framing: 'mbus' }, address, env, settings, values);
}

function makeTcp(address: LinkAddress, env: LinkEnv): MadeLine {
  const { values, problems } = readOptions(PLAIN_TCP_OPTIONS, address.query);
  const all = [...converterProblems(address, TCP_EXAMPLE), ...problems];
  if (all.length > 0) return { problems: all };
  return plainTcp({ scheme: 'mbus-tcp', framing: 'mbus' }, address, env, values);
}

/** Lines of a wired M-Bus. */
export const MBUS_SCHEMES: readonly LinkScheme[] = [
  { scheme: 'mbus-serial', example: 'mbus-serial:///dev/ttyS1?baud=2400', options: SERIAL_OPTIONS, make: makeSerial },
  { scheme: 'mbus-tcp', example: TCP_EXAMPLE, options: PLAIN_TCP_OPTIONS, make: makeTcp },
];
