/**
 * Several meters on one line: an RS-485 bus, a gateway, a socket. Each meter is a machine of its own; frames are handed to
 * the one that they address, or to all when they address everybody.
 *
 * With one meter the octets go to it as they came, so its own framing layer deals with noise. With several, frames are found
 * here once instead of in each of them: 250 meters on a line would otherwise check every frame 250 times.
 */
import { concat } from '../../base/bytes.ts';
import type { Machine } from '../../base/machine.ts';
import { WRAPPER_ALL_STATIONS } from '../../dlms/frame/broadcast.ts';
import { type HdlcAddress, isAllStations } from '../../dlms/frame/hdlc-address.ts';
import { encodeHdlcFrame, HDLC_RULE, type HdlcFrame } from '../../dlms/frame/hdlc-frame.ts';
import { FrameScanner } from '../../dlms/frame/scanner.ts';
import { encodeWrapper, type WrapperMessage, wrapperRule } from '../../dlms/frame/wrapper-frame.ts';

/** A meter on a line. */
export interface Station<Event> {
  readonly machine: Machine<Event>;
  /** Physical HDLC address, or wPort under the wrapper. */
  readonly address: number;
}

/** What meters on a line tell: which one, and what. */
export interface BusEvent<Event> {
  /** Index of the station; -1 = the line itself (octets that were no frame). */
  readonly station: number;
  readonly event: Event | null;
}

/** How frames are told apart on a line. */
export type BusFraming = 'hdlc' | 'wrapper';

const GAP_MS = 250;

/** Finds frames and says whom each is for: null = everybody. */
interface Splitter {
  receive(
    chunk: Uint8Array,
    nowMs: number,
  ): readonly { readonly octets: Uint8Array; readonly address: number | null }[];
  deadlineMs(): number | null;
  tick(nowMs: number): void;
}

/** The line. */
export class BusMachine<Event> implements Machine<BusEvent<Event>> {
  readonly #splitter: Splitter | null;
  readonly #collides: boolean;

  constructor(
    private readonly stations: readonly Station<Event>[],
    framing: BusFraming,
  ) {
    // A wire carries one frame at a time; a socket keeps answers apart.
    this.#collides = framing === 'hdlc';
    this.#splitter = stations.length === 1 ? null : framing === 'hdlc' ? hdlcSplitter() : wrapperSplitter();
  }

  receive(chunk: Uint8Array, nowMs: number): BusEvent<Event>[] {
    if (this.#splitter === null) return this.#give(chunk, null, nowMs);
    return this.#splitter.receive(chunk, nowMs).flatMap(({ octets, address }) => this.#give(octets, address, nowMs));
  }

  takeOutput(): Uint8Array[] {
    const speaking = this.stations.map(({ machine }) => machine.takeOutput()).filter((pieces) => pieces.length > 0);
    return this.#collides && speaking.length > 1 ? [collisionOf(speaking.map(concat))] : speaking.flat();
  }

  deadlineMs(): number | null {
    let next = this.#splitter?.deadlineMs() ?? null;
    for (const { machine } of this.stations) {
      const deadline = machine.deadlineMs();
      if (deadline !== null && (next === null || deadline < next)) next = deadline;
    }
    return next;
  }

  tick(nowMs: number): BusEvent<Event>[] {
    this.#splitter?.tick(nowMs);
    const events: BusEvent<Event>[] = [];
    this.stations.forEach(({ machine }, station) => {
      const deadline = machine.deadlineMs();
      if (deadline === null || deadline > nowMs) return;
      for (const event of machine.tick(nowMs)) events.push({ station, event });
    });
    return events;
  }

  #give(octets: Uint8Array, address: number | null, nowMs: number): BusEvent<Event>[] {
    const events: BusEvent<Event>[] = [];
    this.stations.forEach((entry, station) => {
      if (address !== null && entry.address !== address) return;
      const told = entry.machine.receive(octets, nowMs);
      // Even a request that tells nothing has touched the meter.
      if (told.length === 0) events.push({ station, event: null });
      for (const event of told) events.push({ station, event });
    });
    return events;
  }
}

/** What is heard when several speak at once: a driver that pulls the line down wins, bit by bit. */
function collisionOf(speakers: readonly Uint8Array[]): Uint8Array {
  const length = Math.max(...speakers.map((octets) => octets.length));
  return Uint8Array.from({ length }, (_, at) => speakers.reduce((sum, octets) => sum & (octets[at] ?? 0xff), 0xff));
}

function hdlcSplitter(): Splitter {
  const scanner = new FrameScanner<HdlcFrame>([HDLC_RULE], GAP_MS);
  return {
    receive: (chunk, nowMs) =>
      scanner
        .receive(chunk, nowMs)
        .flatMap((found) =>
          found.kind === 'frame'
            ? [{ octets: encodeHdlcFrame(found.frame), address: physicalOf(found.frame.destination) }]
            : [],
        ),
    deadlineMs: () => scanner.deadlineMs(),
    tick: (nowMs) => void scanner.tick(nowMs),
  };
}

/** The physical address, or null for all stations; one-octet addresses name no physical device and mean everybody. */
function physicalOf(address: HdlcAddress): number | null {
  return isAllStations(address) || address.length === 1 ? null : address.lower;
}

/** The wPort, or null for all stations. */
function portOf(destination: number): number | null {
  return destination === WRAPPER_ALL_STATIONS ? null : destination;
}

function wrapperSplitter(): Splitter {
  const scanner = new FrameScanner<WrapperMessage>([wrapperRule()], GAP_MS);
  return {
    receive: (chunk, nowMs) =>
      scanner
        .receive(chunk, nowMs)
        .flatMap((found) =>
          found.kind === 'frame'
            ? [{ octets: encodeWrapper(found.frame), address: portOf(found.frame.destination) }]
            : [],
        ),
    deadlineMs: () => scanner.deadlineMs(),
    tick: (nowMs) => void scanner.tick(nowMs),
  };
}
