/**
 * What lines have in common on which meters are asked without associations (wired M-Bus, Modbus, ASCII): one request at a time,
 * a pause that ends a frame, a port of our own or a converter with a network port.
 */
import type { SerialSettings } from '../base/env.ts';
import { withoutEcho } from './echo.ts';
import { LINK_PDU_MAX_BYTES } from './limits.ts';
import type { LineLink, LinkCapabilities } from './link.ts';
import type { OptionTable } from './options.ts';
import type { LinkAddress, LinkEnv } from './scheme.ts';
import { ECHO_OPTION, octetMsOf, openPort, SERIAL_OPTIONS } from './serial.ts';
import { CONNECT_OPTION, connectTo } from './tcp.ts';

/** A line that is made, or what is wrong with its address. */
export type MadeLine = LineLink | { readonly problems: readonly string[] };

/** Of all of them. */
export const PLAIN_CAPABILITIES: LinkCapabilities = {
  maxInFlight: 1,
  maxPduBytes: LINK_PDU_MAX_BYTES,
  broadcast: false,
  joinEvents: false,
  rescan: false,
};

const { gap: GAP } = SERIAL_OPTIONS;

/** Options of a port beside its speed. */
export const PLAIN_SERIAL_OPTIONS = { gap: GAP, echo: ECHO_OPTION } as const satisfies OptionTable;

/** Options of a connection: converters cut frames into pieces. */
export const PLAIN_TCP_OPTIONS = {
  connect: CONNECT_OPTION,
  gap: { ...GAP, default: 2_000, max: 60_000 },
} as const satisfies OptionTable;

/** What is wrong with the address of a converter; `example` shows a right one. */
export function converterProblems({ host, port, path }: LinkAddress, example: string): string[] {
  return [
    ...(host === '' || port === null ? [`host and port are wanted, as in ${example}`] : []),
    ...(path === '' || path === '/' ? [] : [`'${path}' stands where nothing belongs`]),
  ];
}

type Named = Pick<LineLink, 'scheme' | 'framing'>;

/** A line over a port of our own. */
export function plainSerial(
  named: Named,
  { url, path }: LinkAddress,
  env: LinkEnv,
  settings: SerialSettings,
  { gap, echo }: { readonly gap: number; readonly echo: boolean },
): LineLink {
  return {
    ...{ kind: 'line', purpose: 'ask', ...named, url, capabilities: PLAIN_CAPABILITIES },
    octetMs: octetMsOf(settings),
    gapMs: gap,
    open: async () => {
      const duplex = await openPort(env, path, settings);
      return echo ? withoutEcho(duplex) : duplex;
    },
  };
}

/** A line over a connection. */
export function plainTcp(
  named: Named,
  address: LinkAddress,
  env: LinkEnv,
  { gap, connect }: { readonly gap: number; readonly connect: number },
): LineLink {
  return {
    ...{ kind: 'line', purpose: 'ask', ...named, url: address.url, capabilities: PLAIN_CAPABILITIES },
    octetMs: 0,
    gapMs: gap,
    open: () => connectTo(address, env, connect),
  };
}
