/** How the meters of a virtual site are spread over lines. */
import type { SimMeter } from '../sim/fleet.ts';

/** Where the meters' sockets are. */
export const METERS_HOST = 'meters';
/** Meters of one bus: with 9,600 Bd they are read in a few minutes. */
const BUS_METERS = 8;
/** Meters behind one socket that speaks HDLC. */
const GATEWAY_METERS = 8;
const FIRST_PORT = 4_059;

/** A line of the site; a line is named by its place in `VirtualSite.places`. */
export interface Place {
  readonly kind: 'socket' | 'gateway' | 'bus' | 'base-node' | 'g3-modem' | 'wired-mbus' | 'ascii' | 'modbus' | 'port';
  readonly url: string;
  /** `host:port`, or the name of the bus. */
  readonly address: string;
  readonly meters: readonly SimMeter[];
}

/**
 * How meters are spread over lines: a third each on sockets, behind sockets that speak HDLC and on buses (`mixed`); a third each on
 * sockets, on buses and behind one PRIME base node (`street`); or all in one way.
 */
export type SiteLayout =
  | 'mixed'
  | 'street'
  | 'one-bus'
  | 'base-node'
  | 'g3-modem'
  | 'ports'
  | 'wired-mbus'
  | 'ascii'
  | 'modbus';

/** The lines of a site; `plcQuery` are options of the link to a base node. */
export function placesFor(layout: SiteLayout, meters: readonly SimMeter[], plcQuery: string): Place[] {
  if (layout === 'one-bus') return [busOf(meters, 1)];
  if (layout === 'mixed') return placesOf(meters);
  if (layout === 'street') return streetOf(meters, plcQuery);
  if (layout === 'ports') return portsOf(meters);
  if (layout === 'wired-mbus') return [{ kind: 'wired-mbus', url: 'memory:mbus1', address: 'mbus1', meters }];
  if (layout === 'modbus') return [{ kind: 'modbus', url: 'memory:modbus1', address: 'modbus1', meters }];
  if (layout === 'ascii') return [{ kind: 'ascii', url: 'memory:ascii1', address: 'ascii1', meters }];
  if (layout === 'g3-modem') return [g3ModemOf(meters, plcQuery)];
  return [baseNodeOf(meters, FIRST_PORT, plcQuery)];
}

function baseNodeOf(meters: readonly SimMeter[], port: number, query: string): Place {
  const address = `${METERS_HOST}:${port}`;
  return { kind: 'base-node', url: `prime-tcp://${address}${query}`, address, meters };
}

/** Behind a serial server. */
function g3ModemOf(meters: readonly SimMeter[], query: string): Place {
  const address = `${METERS_HOST}:${FIRST_PORT}`;
  return { kind: 'g3-modem', url: `g3-serial://${address}?pan=781D${query.replace('?', '&')}`, address, meters };
}

function socketsOf(meters: readonly SimMeter[]): Place[] {
  return meters.map((meter, at) => {
    const address = `${METERS_HOST}:${FIRST_PORT + at}`;
    return { kind: 'socket', url: `tcp://${address}`, address, meters: [meter] };
  });
}

function streetOf(meters: readonly SimMeter[], plcQuery: string): Place[] {
  const third = Math.ceil(meters.length / 3);
  return [
    ...socketsOf(meters.slice(0, third)),
    ...chunksOf(meters.slice(third, 2 * third), BUS_METERS).map((own, at) => busOf(own, at + 1)),
    baseNodeOf(meters.slice(2 * third), FIRST_PORT + third, plcQuery),
  ];
}

function placesOf(meters: readonly SimMeter[]): Place[] {
  const third = Math.ceil(meters.length / 3);
  const places = socketsOf(meters.slice(0, third));
  for (const [at, own] of chunksOf(meters.slice(third, 2 * third), GATEWAY_METERS).entries()) {
    const address = `${METERS_HOST}:${FIRST_PORT + third + at}`;
    places.push({ kind: 'gateway', url: `tcp+hdlc://${address}`, address, meters: own });
  }
  for (const [at, own] of chunksOf(meters.slice(2 * third), BUS_METERS).entries()) places.push(busOf(own, at + 1));
  return places;
}

/** A port for each meter that has one, with what hangs on it. */
function portsOf(meters: readonly SimMeter[]): Place[] {
  return meters
    .filter(({ port }) => port === null)
    .map((meter, at) => {
      const address = `port${at + 1}`;
      return { kind: 'port', url: `memory:${address}`, address, meters: [meter, ...meter.behind] };
    });
}

function busOf(meters: readonly SimMeter[], number: number): Place {
  return { kind: 'bus', url: `memory:bus${number}`, address: `bus${number}`, meters };
}

function chunksOf<Item>(items: readonly Item[], most: number): Item[][] {
  const chunks: Item[][] = [];
  for (let at = 0; at < items.length; at += most) chunks.push(items.slice(at, at + most));
  return chunks;
}
