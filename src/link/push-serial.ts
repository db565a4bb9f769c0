/**
 * Customer ports: `push+serial:///dev/ttyUSB0?baud=2400&parity=even&framing=auto`. The meter sends by itself, this side only
 * listens; HDLC and wired M-Bus frames may come in one stream. P1 ports send telegrams:
 * `push+serial:///dev/ttyUSB0?baud=115200&parity=none&framing=p1`, and before DSMR 4 `baud=9600&parity=even&data=7&framing=p1-unchecked`.
 * German meters push SML on their optical data port: `push+serial:///dev/ttyUSB0?baud=9600&parity=none&framing=sml`.
 */
import { LINK_PDU_MAX_BYTES } from './limits.ts';
import type { LineLink, LinkFraming } from './link.ts';
import { type OptionTable, readOptions } from './options.ts';
import type { LinkAddress, LinkEnv, LinkScheme } from './scheme.ts';
import { deviceProblems, octetMsOf, openPort, SERIAL_OPTIONS, serialSettings } from './serial.ts';

const OPTIONS = {
  ...SERIAL_OPTIONS,
  baud: { ...SERIAL_OPTIONS.baud, default: 2_400 },
  parity: { ...SERIAL_OPTIONS.parity, default: 'even' },
  reassembly: {
    kind: 'number',
    about: 'Silence between the segments of one push after which they are given up',
    unit: 'ms',
    default: 5_000,
    min: 1_000,
    max: 60_000,
  },
  framing: {
    kind: 'choice',
    about: 'Frames to look for; p1-unchecked are the telegrams without CRC of meters before DSMR 4',
    default: 'auto',
    of: ['hdlc', 'mbus', 'auto', 'p1', 'p1-unchecked', 'sml'],
  },
} as const satisfies OptionTable;

function make(address: LinkAddress, env: LinkEnv): LineLink | { readonly problems: readonly string[] } {
  const { values, problems } = readOptions(OPTIONS, address.query);
  const all = [...deviceProblems(address), ...problems];
  if (all.length > 0) return { problems: all };
  const settings = serialSettings(values);
  return {
    kind: 'line',
    purpose: 'push',
    scheme: 'push+serial',
    url: address.url,
    framing: values.framing as LinkFraming,
    capabilities: {
      maxInFlight: 0,
      maxPduBytes: LINK_PDU_MAX_BYTES,
      broadcast: false,
      joinEvents: false,
      rescan: false,
    },
    octetMs: octetMsOf(settings),
    gapMs: values.gap,
    reassemblyMs: values.reassembly,
    open: () => openPort(env, address.path, settings),
  };
}

/** Serial lines on which meters speak by themselves. */
export const PUSH_SERIAL_SCHEMES: readonly LinkScheme[] = [
  {
    scheme: 'push+serial',
    example: 'push+serial:///dev/ttyUSB0?baud=2400&parity=even&framing=auto',
    options: OPTIONS,
    make,
  },
];
