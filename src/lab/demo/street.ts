/**
 * The site of the demo: lines of every kind with the meters that hang on them, as an installer meets them.
 *
 * A bus and a customer port are pseudo-terminals, kept to the pace of their line; the base node and the others are sockets
 * on loopback. Meters behind others follow them in the list.
 */

/** A line with its meters. */
export interface StreetLine {
  /** What the edge calls it. */
  readonly id: string;
  /** `serial` and `p1` are pseudo-terminals; the others are addresses for the simulator. */
  readonly kind: 'tcp' | 'prime-tcp' | 'serial' | 'p1';
  /** One profile for each meter. */
  readonly profiles: readonly string[];
  /** Where it is, as the console shows it. */
  readonly name: string;
}

/** Pace of the buses: fast for RS-485, so that two weeks of history are read in half a minute. */
export const BUS_BAUD = 115_200;
/** P1 from DSMR 4 on. */
export const P1_BAUD = 115_200;

const HOUSE = ['generic/idis', 'generic/idis', 'generic/idis', 'generic/gas', 'generic/water'];
const PRIME_METERS = 60;

/** Two RS-485 buses, a PRIME base node with 60 meters, five meters on TCP, and a customer port with gas and water. */
export const MIXED_STREET: readonly StreetLine[] = [
  { id: 'tcp', kind: 'tcp', profiles: Array<string>(5).fill('generic/idis'), name: 'Harbour Works' },
  { id: 'bus1', kind: 'serial', profiles: HOUSE, name: 'Mill Lane 1' },
  {
    id: 'bus2',
    kind: 'serial',
    profiles: ['generic/smr5', 'generic/mbus-gas', 'generic/mbus-water', 'generic/mbus-heat', 'generic/idis'],
    name: 'Mill Lane 2',
  },
  { id: 'p1', kind: 'p1', profiles: ['generic/p1', 'generic/p1-gas', 'generic/p1-water'], name: 'Mill Lane 3' },
  { id: 'plc', kind: 'prime-tcp', profiles: Array<string>(PRIME_METERS).fill('generic/idis'), name: 'Station Road' },
];

/** So many meters on TCP, three commodities in each house (IT-29). */
export function tcpStreet(meters: number): readonly StreetLine[] {
  const houses = Math.max(1, Math.ceil(meters / HOUSE.length));
  return Array.from({ length: houses }, (_, at) => ({
    id: `house${at + 1}`,
    kind: 'tcp',
    profiles: HOUSE.slice(0, Math.min(HOUSE.length, meters - at * HOUSE.length)),
    name: `Mill Lane ${at + 1}`,
  }));
}

/** Names for the meters of a line, in its order: electricity meters are numbered where there are more of them. */
export function namesOn({ name }: Pick<StreetLine, 'name'>, media: readonly string[]): readonly string[] {
  const many = media.filter((medium) => medium === 'electricity').length > 1;
  let flat = 0;
  return media.map((medium) => {
    if (medium !== 'electricity') return `${name}, ${medium}`;
    return many ? `${name}, flat ${++flat}` : `${name}, electricity`;
  });
}
