/**
 * Serial ports: `serial:///dev/ttyS1?baud=9600&parity=none`. HDLC as it runs on RS-485, RS-232 and optical heads that
 * start at a fixed rate; the direction of a two-wire adapter is the kernel's or the adapter's business.
 */
import type { ByteDuplex, SerialSettings } from '../base/env.ts';
import { reasonOf } from '../base/errors.ts';
import { withoutEcho } from './echo.ts';
import { linkError } from './errors.ts';
import { BAUD_MAX, BAUD_MIN, LINK_PDU_MAX_BYTES } from './limits.ts';
import type { LineLink } from './link.ts';
import { type OptionTable, type OptionValues, readOptions } from './options.ts';
import type { LinkAddress, LinkEnv, LinkScheme } from './scheme.ts';

/** Options that every serial scheme has. */
export const SERIAL_OPTIONS = {
  baud: { kind: 'number', about: 'Speed of the port', unit: 'Bd', default: 9_600, min: BAUD_MIN, max: BAUD_MAX },
  parity: { kind: 'choice', about: 'Parity bit', default: 'none', of: ['none', 'even', 'odd'] },
  data: { kind: 'choice', about: 'Data bits', default: '8', of: ['7', '8'] },
  stop: { kind: 'choice', about: 'Stop bits', default: '1', of: ['1', '2'] },
  gap: {
    kind: 'number',
    about: 'Silence inside a frame after which it is given up',
    unit: 'ms',
    default: 250,
    min: 20,
    max: 6_000,
  },
} as const satisfies OptionTable;

/** Of ports on which this side asks. */
export const ECHO_OPTION = {
  kind: 'flag',
  about: 'The adapter sends back what is written, drop it',
  default: false,
} as const;

const ASK_OPTIONS = { ...SERIAL_OPTIONS, echo: ECHO_OPTION } as const satisfies OptionTable;

/** The port's settings in the options. */
export function serialSettings(values: OptionValues<typeof SERIAL_OPTIONS>): SerialSettings {
  return {
    baud: values.baud,
    parity: values.parity as SerialSettings['parity'],
    dataBits: values.data === '7' ? 7 : 8,
    stopBits: values.stop === '2' ? 2 : 1,
  };
}

/** Time of one octet, ms: start bit, data, parity, stop. */
export function octetMsOf({ baud, dataBits, parity, stopBits }: SerialSettings): number {
  return ((1 + dataBits + (parity === 'none' ? 0 : 1) + stopBits) * 1_000) / baud;
}

/** Opens a port; any failure is LINK_OPEN with its words. */
export async function openPort(env: LinkEnv, path: string, settings: SerialSettings): Promise<ByteDuplex> {
  try {
    return await env.serial.open(path, settings);
  } catch (error) {
    throw linkError('LINK_OPEN', `${path}: ${reasonOf(error)}`, error);
  }
}

/** Problems of an address that must name a device and nothing else. */
export function deviceProblems({ host, path }: LinkAddress): string[] {
  if (host !== '') return [`'${host}' stands where no host belongs: write three slashes, as in serial:///dev/ttyS1`];
  return path.startsWith('/') && path.length > 1 ? [] : ['the path of a device is missing, as in serial:///dev/ttyS1'];
}

/** A serial line; `reopen` changes what an open port cannot: parity and data bits. */
export interface SerialLink extends LineLink {
  readonly settings: SerialSettings;
  /** Opens the port with other settings than the address says; close the old one first. */
  openWith(settings: SerialSettings): Promise<ByteDuplex>;
}

function makeSerial(address: LinkAddress, env: LinkEnv): SerialLink | { readonly problems: readonly string[] } {
  const { values, problems } = readOptions(ASK_OPTIONS, address.query);
  const all = [...deviceProblems(address), ...problems];
  if (all.length > 0) return { problems: all };
  const settings = serialSettings(values);
  const openWith = async (chosen: SerialSettings): Promise<ByteDuplex> => {
    const duplex = await openPort(env, address.path, chosen);
    return values.echo ? withoutEcho(duplex) : duplex;
  };
  return {
    kind: 'line',
    purpose: 'ask',
    scheme: 'serial',
    url: address.url,
    framing: 'hdlc',
    capabilities: {
      maxInFlight: 1,
      maxPduBytes: LINK_PDU_MAX_BYTES,
      broadcast: true,
      joinEvents: false,
      rescan: false,
    },
    octetMs: octetMsOf(settings),
    gapMs: values.gap,
    settings,
    open: () => openWith(settings),
    openWith,
  };
}

/** Serial lines on which meters are asked. */
export const SERIAL_SCHEMES: readonly LinkScheme[] = [
  { scheme: 'serial', example: 'serial:///dev/ttyS1?baud=9600', options: ASK_OPTIONS, make: makeSerial },
];
