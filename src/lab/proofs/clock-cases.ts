/** What clocks do to an edge, case by case: where its clock stands, when it is moved, and how long nobody confirms the time. */
import { WORLD_START_MS } from '../virtual-env.ts';
import type { Fault } from '../virtual-faults.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
/** 1970, a minute after the beginning: a machine without a clock that has just started. */
const BOOT_1970_MS = MINUTE_MS;
/** 2038-01-19T03:13:00Z: a minute before seconds since 1970 no longer fit into 31 bits. */
const BOOT_2038_MS = Date.UTC(2038, 0, 19, 3, 13);
/** The first day at which a wall clock counts as set at all: plausible, and two months wrong. */
const BOOT_BUILT_MS = Date.UTC(2026, 0, 2);
/** Some minutes for {@link BACKLOG_DAYS} and a week of the proof's meters. */
const BACKLOG_OCTETS_PER_S = 250;
const BACKLOG_DAYS = 25;

/** One case. */
export interface ClockCase {
  readonly name: string;
  readonly startMs?: number;
  readonly timeZone?: string;
  /** How far the edge's clock is from the world's at first. */
  readonly edgeAheadMs?: number;
  /** What the edge's clock says after each loss of power. */
  readonly edgeBootsAtMs?: number;
  /** There is no broker for so long. */
  readonly offlineMs?: number;
  /** History in the meters at the start; absent = the proof's. */
  readonly days?: number;
  /** Pace of the edge's line to the broker; absent = none. */
  readonly octetsPerS?: number;
  readonly hours: number;
  /** Hours since the start, and what happens then. */
  readonly faults: readonly (readonly [number, Fault])[];
}

const SET_RIGHT: Fault = { kind: 'edge-clock-set', aheadMs: 0 };
const POWER_LOSS: Fault = { kind: 'edge-power-loss', offMs: 10 * MINUTE_MS };

/** A machine that starts with this clock, among people who set it a day later. */
function boot(name: string, bootsAtMs: number): ClockCase {
  return {
    name: `boot at ${name}`,
    edgeAheadMs: bootsAtMs - WORLD_START_MS,
    edgeBootsAtMs: bootsAtMs,
    hours: 36,
    faults: [
      [8, POWER_LOSS],
      [24, SET_RIGHT],
    ],
  };
}

/**
 * The same for a week without a collector, the power lost twice. The clock is set shortly before the collector is there again, over
 * a line so slow that the backlog waits for minutes behind a clock that is confirmed.
 */
function offline(name: string, bootsAtMs: number): ClockCase {
  return {
    name: `7 days offline with a clock that starts at ${name}`,
    edgeAheadMs: bootsAtMs - WORLD_START_MS,
    edgeBootsAtMs: bootsAtMs,
    offlineMs: 7 * DAY_MS,
    octetsPerS: BACKLOG_OCTETS_PER_S,
    days: BACKLOG_DAYS,
    hours: 7 * 24 + 12,
    faults: [
      [30, POWER_LOSS],
      [100, POWER_LOSS],
      [7 * 24 - 1, SET_RIGHT],
    ],
  };
}

/** The clock steps and back; between, the edge loses its collector and starts anew. */
function step(name: string, byMs: number): ClockCase {
  return {
    name: `a step of ${name}, undone later`,
    hours: 40,
    faults: [
      [6, { kind: 'edge-clock-jump', byMs }],
      [12, { kind: 'broker-down', forMs: 12 * HOUR_MS }],
      [13, { kind: 'edge-kill', offMs: MINUTE_MS }],
      [30, { kind: 'edge-clock-jump', byMs: -byMs }],
    ],
  };
}

/** A change of the local time; the machine's clock wrongly goes with it for an hour, and the edge starts anew in the doubled hour. */
function change(timeZone: string, name: string, atMs: number, byMs: number): ClockCase {
  return {
    name: `${name} in ${timeZone}`,
    startMs: atMs - 12 * HOUR_MS,
    timeZone,
    hours: 30,
    faults: [
      [12, { kind: 'edge-clock-jump', byMs }],
      [12.6, { kind: 'edge-kill', offMs: MINUTE_MS }],
      [13, SET_RIGHT],
    ],
  };
}

/** A moment that calendars and counters stumble over, with a restart right behind it. */
function moment(name: string, atMs: number): ClockCase {
  return { name, startMs: atMs - 12 * HOUR_MS, hours: 42, faults: [[12.1, { kind: 'edge-kill', offMs: MINUTE_MS }]] };
}

/** All of them; a proof counts them from 1. */
export const CLOCK_CASES: readonly ClockCase[] = [
  boot('1970', BOOT_1970_MS),
  boot('2038', BOOT_2038_MS),
  boot('a plausible day that is past', BOOT_BUILT_MS),
  offline('1970', BOOT_1970_MS),
  offline('2038', BOOT_2038_MS),
  offline('a plausible day that is past', BOOT_BUILT_MS),
  step('an hour ahead', HOUR_MS),
  step('an hour back', -HOUR_MS),
  step('a year ahead', YEAR_MS),
  step('a year back', -YEAR_MS),
  change('Europe/Berlin', 'spring', Date.UTC(2026, 2, 29, 1), HOUR_MS),
  change('Europe/Berlin', 'autumn', Date.UTC(2026, 9, 25, 1), -HOUR_MS),
  change('America/New_York', 'spring', Date.UTC(2026, 2, 8, 7), HOUR_MS),
  change('America/New_York', 'autumn', Date.UTC(2026, 10, 1, 6), -HOUR_MS),
  change('Australia/Lord_Howe', 'spring, half an hour', Date.UTC(2026, 9, 3, 15, 30), HOUR_MS / 2),
  change('Australia/Lord_Howe', 'autumn, half an hour', Date.UTC(2026, 3, 4, 15), -HOUR_MS / 2),
  moment('a leap day', Date.UTC(2028, 1, 29)),
  moment('seconds beyond 31 bits', Date.UTC(2038, 0, 19, 3, 14, 8)),
];
