/**
 * Lines of Modbus devices: `modbus-serial:///dev/ttyS1?baud=9600&parity=even` (RTU), `modbus-tcp://host:502`; with `framing=rtu` the
 * latter is a converter that hands RTU frames through.
 */
import { MODBUS_ANSWER_MS } from './limits.ts';
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
import { deviceProblems, SERIAL_OPTIONS as PORT_OPTIONS, serialSettings } from './serial.ts';

const ANSWER = {
  kind: 'number',
  about: 'Wait for an answer; devices answer in 10 to 500 ms, gateways behind which others hang take longer',
  unit: 'ms',
  default: MODBUS_ANSWER_MS,
  min: 50,
  max: 60_000,
} as const;

const SERIAL_OPTIONS = { ...PORT_OPTIONS, ...PLAIN_SERIAL_OPTIONS, answer: ANSWER } as const satisfies OptionTable;
const TCP_OPTIONS = {
  ...PLAIN_TCP_OPTIONS,
  answer: ANSWER,
  framing: { kind: 'choice', about: 'Frames on the connection', default: 'tcp', of: ['tcp', 'rtu'] },
} as const satisfies OptionTable;
const TCP_EXAMPLE = 'modbus-tcp://192.168.1.20:502';

function makeSerial(address: LinkAddress, env: LinkEnv): MadeLine {
  const { values, problems } = readOptions(SERIAL_OPTIONS, address.query);
  const all = [...deviceProblems(address), ...problems];
  if (all.length > 0) return { problems: all };
  const named = { scheme: 'modbus-serial', framing: 'modbus-rtu' } as const;
  return { ...plainSerial(named, address, env, serialSettings(values), values), answerTimeoutMs: values.answer };
}

function makeTcp(address: LinkAddress, env: LinkEnv): MadeLine {
  const { values, problems } = readOptions(TCP_OPTIONS, address.query);
  const all = [...converterProblems(address, TCP_EXAMPLE), ...problems];
  if (all.length > 0) return { problems: all };
  const framing = values.framing === 'rtu' ? 'modbus-rtu' : 'modbus-tcp';
  return { ...plainTcp({ scheme: 'modbus-tcp', framing }, address, env, values), answerTimeoutMs: values.answer };
}

/** Lines of Modbus devices. */
export const MODBUS_SCHEMES: readonly LinkScheme[] = [
  {
    scheme: 'modbus-serial',
    example: 'modbus-serial:///dev/ttyS1?baud=9600',
    options: SERIAL_OPTIONS,
    make: makeSerial,
  },
  { scheme: 'modbus-tcp', example: TCP_EXAMPLE, options: TCP_OPTIONS, make: makeTcp },
];
