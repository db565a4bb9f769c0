/** All benches: `deltawatt bench` lists them. To add one, write its file and a line here. */
import type { BenchEntry } from './bench.ts';

/** The registry. */
export const BENCHES: readonly BenchEntry[] = [
  {
    name: 'api',
    title: 'a page of 1,000 readings as columns against one object a row',
    load: async () => (await import('./api.ts')).benchApi,
  },
  {
    name: 'bus',
    title: '32 meters on one bus of 9,600 Bd: line time of a round, lists against single reads, orders beside it',
    load: async () => (await import('./bus.ts')).benchBus,
  },
  {
    name: 'codec',
    title: 'rows a second of a load profile, decoded and encoded',
    load: async () => (await import('./codec.ts')).benchCodec,
  },
  {
    name: 'edge-idle',
    title: 'memory of a concentrator that polls 1,000 meters, as a process',
    load: async () => (await import('./edge-idle.ts')).benchEdgeIdle,
  },
  {
    name: 'explain',
    title: 'a capture of 10 MB explained with keys, as a process',
    load: async () => (await import('./explain.ts')).benchExplain,
  },
  {
    name: 'flash',
    title: 'octets that two days of 200 meters write to the medium, counted at the block layer',
    load: async () => (await import('./flash.ts')).benchFlash,
  },
  {
    name: 'line',
    title: "how much of a serial line's time a reader uses, in virtual time",
    load: async () => (await import('./line-pty.ts')).benchLineWithPty,
  },
  {
    name: 'scan',
    title: '200 meters of a list found on one bus of 9,600 Bd, in virtual time',
    load: async () => (await import('./scan.ts')).benchScan,
  },
  {
    name: 'session',
    title: 'round trips and octets of a small job with one ciphered meter, by transport',
    load: async () => (await import('./session.ts')).benchSession,
  },
  {
    name: 'start',
    title: 'how long until a concentrator is ready, as a process',
    load: async () => (await import('./start.ts')).benchStart,
  },
  {
    name: 'tcp-fleet',
    title: 'ciphered meters a second that one edge reads over TCP and stores, as processes',
    load: async () => (await import('./tcp-fleet.ts')).benchTcpFleet,
  },
  {
    name: 'uplink-drain',
    title: 'a month of 1,000 meters over 20 kbit/s, with alarms and fresh readings meanwhile, in virtual time',
    load: async () => (await import('./uplink-drain.ts')).benchUplinkDrain,
  },
  {
    name: 'way',
    title: 'every octet between an edge and its broker, TLS and TCP included, counted on a link of its own',
    load: async () => (await import('./way.ts')).benchWay,
  },
  {
    name: 'wire',
    title: 'octets per value of the block format on two published loads',
    load: async () => (await import('./wire.ts')).benchWire,
  },
];
