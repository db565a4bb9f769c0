/**
 * `g3-serial:///dev/ttyS2?pan=781D`: a network of meters over the power line behind a G3-PLC modem, which this program makes its coordinator.
 * `g3-serial://192.168.1.40:4001?pan=781D` is the same modem behind a serial server.
 *
 * Meters are found by the EUI-64 of their modem; the option `meter` names one for whoever asks only one. The rest is in
 * `plc-link.ts` and `g3-session.ts`.
 */
import type { ByteDuplex } from '../base/env.ts';
import { G3_BANDS } from '../dlms/frame/g3-message.ts';
import { openG3Session } from './g3-session.ts';
import { DLMS_PORT, G3_APDU_MAX_BYTES } from './limits.ts';
import type { LineLink, LinkMemory } from './link.ts';
import { type OptionTable, readOptions } from './options.ts';
import { PLC_LINK_OPTIONS, PlcLink } from './plc-link.ts';
import { PlcTraffic } from './plc-traffic.ts';
import type { LinkAddress, LinkEnv, LinkScheme } from './scheme.ts';
import { octetMsOf, openPort, SERIAL_OPTIONS, serialSettings } from './serial.ts';
import { CONNECT_OPTION, connectTo } from './tcp.ts';

const OPTIONS = {
  ...SERIAL_OPTIONS,
  baud: { ...SERIAL_OPTIONS.baud, default: 115_200 },
  connect: CONNECT_OPTION,
  pan: { kind: 'hex', about: 'PAN id of the network, other than those of its neighbours', digits: 4, default: '' },
  meter: { kind: 'hex', about: 'EUI-64 of the only meter that is asked', digits: 16, default: '' },
  band: { kind: 'choice', about: 'Band of the modem', default: 'cenelec-a', of: Object.keys(G3_BANDS) },
  port: { kind: 'number', about: 'UDP port of DLMS, both ways', unit: '', default: DLMS_PORT, min: 1, max: 65_535 },
  routes: { kind: 'flag', about: 'The modem looks for a route where it knows none', default: true },
  restart: { kind: 'flag', about: 'A network that runs already is started anew', default: false },
  modem: {
    kind: 'number',
    about: 'Wait for an answer of the modem itself; after three it counts as absent',
    unit: 'ms',
    default: 5_000,
    min: 100,
    max: 60_000,
  },
  start: {
    kind: 'number',
    about: 'Wait for the network to start',
    unit: 'ms',
    default: 60_000,
    min: 100,
    max: 600_000,
  },
  confirm: {
    kind: 'number',
    about: 'Wait until a packet has left the modem: longer than its longest stall',
    unit: 'ms',
    default: 45_000,
    min: 1_000,
    max: 600_000,
  },
  alive: {
    kind: 'number',
    about: 'Silence after which the modem is asked whether it is still there',
    unit: 'ms',
    default: 60_000,
    min: 1_000,
    max: 3_600_000,
  },
  ...PLC_LINK_OPTIONS,
} as const satisfies OptionTable;

const EXAMPLE = 'g3-serial:///dev/ttyS2?pan=781D';
/** FFFF says "any network". */
const PAN_BROADCAST = 'FFFF';
/** First pause after the modem had no room for a packet. */
const RETRY_MS = 500;

function problemsOf({ host, port, path }: LinkAddress, pan: string): string[] {
  const isDevice = path.length > 1;
  const place =
    host === '' && !isDevice
      ? [`the path of a device is missing, as in ${EXAMPLE}`]
      : host !== '' && isDevice
        ? [`'${host}' stands where no host belongs: write three slashes, as in ${EXAMPLE}`]
        : host !== '' && port === null
          ? [`the port of the serial server is missing, as in g3-serial://${host}:4001?pan=781D`]
          : [];
  if (pan === '') return [...place, `option 'pan' is missing: the PAN id of this network, as in ${EXAMPLE}`];
  return pan === PAN_BROADCAST
    ? [...place, `option 'pan' is FFFF, which means any network: choose another one`]
    : place;
}

function make(address: LinkAddress, env: LinkEnv): LineLink | { readonly problems: readonly string[] } {
  const { values, problems } = readOptions(OPTIONS, address.query);
  const isPanWrong = problems.some((problem) => problem.startsWith("option 'pan'"));
  const wrong = [...problemsOf(address, isPanWrong ? '0000' : values.pan), ...problems];
  if (wrong.length > 0) return { problems: wrong };
  const settings = serialSettings(values);
  const traffic = new PlcTraffic({ most: values.inflight, heldMs: values.confirm, guardMs: values.guard });
  const rules = {
    panId: Number.parseInt(values.pan, 16),
    band: G3_BANDS[values.band as keyof typeof G3_BANDS],
    answerMs: values.modem,
    startMs: values.start,
    confirmMs: values.confirm,
    aliveMs: values.alive,
    retryMs: RETRY_MS,
    gapMs: values.gap,
    discoversRoutes: values.routes,
  };
  const open = (): Promise<ByteDuplex> =>
    address.host === '' ? openPort(env, address.path, settings) : connectTo(address, env, values.connect);
  let memory: LinkMemory | null = null;
  // Once: a connection that is lost later costs nobody his registration.
  let startsAnew = values.restart;
  return new PlcLink({
    scheme: 'g3-serial',
    url: address.url,
    options: values,
    env,
    maxPduBytes: G3_APDU_MAX_BYTES,
    octetMs: address.host === '' ? octetMsOf(settings) : 0,
    gapMs: values.gap,
    tellsStrangers: false,
    named: values.meter,
    example: `${EXAMPLE}&meter=0011223344556677`,
    nameProblem,
    remember: (given) => {
      memory = given;
    },
    connect: async (watcher) => {
      const duplex = await open();
      const { port } = values;
      const session = await openG3Session({ duplex, env, rules, port, startsAnew, traffic, memory, watcher });
      startsAnew = false;
      return session;
    },
  });
}

function nameProblem(name: string): string | null {
  return /^[0-9A-Fa-f]{16}$/.test(name.replace(/[:-]/g, ''))
    ? null
    : `'${name}' is no EUI-64: 16 hexadecimal digits are wanted, as on the label of the meter's modem`;
}

/** Networks behind a G3-PLC modem. */
export const G3_SCHEMES: readonly LinkScheme[] = [{ scheme: 'g3-serial', example: EXAMPLE, options: OPTIONS, make }];
