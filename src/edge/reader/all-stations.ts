/**
 * All meters of a line at once: blocks of an image go to every station that has the line's broadcast key, and nobody answers.
 *
 * Meters hear the same messages when they share everything that makes one: client, framing, suite, broadcast key and, as the
 * messages are authenticated, the authentication key. One counter serves all of them, kept like those of single meters; a
 * meter that is behind it takes nothing, tells nobody, and gets its blocks alone.
 */
import { toHex } from '../../base/bytes.ts';
import type { Env } from '../../base/env.ts';
import type { Machine, RunningMachine } from '../../base/machine.ts';
import { parseObis } from '../../dlms/cosem/obis.ts';
import { type BroadcastForm, broadcastFrames } from '../../dlms/frame/broadcast.ts';
import { blockBroadcast, type CounterSender, sessionError } from '../../dlms/index.ts';
import { keyPrintOf } from '../../dlms/security/key-file.ts';
import type { LineDriver } from '../../link/drive.ts';
import type { LineLink } from '../../link/link.ts';
import type { MeterId } from '../../model/ids.ts';
import { BROADCAST_INFORMATION_OCTETS } from '../limits.ts';
import type { ImageBlocks, Meter, MeterSecurity, StationsWire } from '../ports.ts';
import { clientFor } from './client-for.ts';
import type { MeterCounters } from './counters.ts';

/** Stands for all meters where a counter is kept: no meter has this id. */
const ALL_METERS = '*' as MeterId;

/** How the meters that hear a meter's broadcasts are spoken to. */
export interface StationsPlace {
  /** Meters of one line with the same name hear the same messages. */
  readonly name: string;
  readonly form: BroadcastForm;
  readonly security: MeterSecurity;
  /** Our system title. */
  readonly clientTitle: Uint8Array;
  /** Under which the counter is kept. */
  readonly keyPrint: Uint8Array;
  /** Wait after each block, ms. */
  readonly pauseMs: number;
}

/** Where blocks for a meter go to all stations; null = its line, its profile or its keys have no such way. */
export function stationsPlace(
  { framing, capabilities }: Pick<LineLink, 'framing' | 'capabilities'>,
  meter: Meter,
  security: MeterSecurity | null,
): StationsPlace | null {
  const pauseMs = meter.profile.firmware?.broadcastPauseMs ?? null;
  if (!capabilities.broadcast || pauseMs === null || security === null) return null;
  const { keys, clientTitle, suite } = security;
  const { broadcast, authentication } = keys;
  if (broadcast === undefined || authentication === null || clientTitle === null) return null;
  const form = formOf(framing, meter, clientFor(meter, 'firmware').address);
  if (form === null) return null;
  const keyPrint = keyPrintOf(broadcast);
  const words = [
    ...Object.values(form),
    pauseMs,
    suite,
    ...[clientTitle, keyPrint, keyPrintOf(authentication)].map(toHex),
  ];
  return { name: words.join('/'), form, security, clientTitle, keyPrint, pauseMs };
}

function formOf(framing: LineLink['framing'], { profile }: Meter, client: number): BroadcastForm | null {
  if (framing === 'wrapper') return { framing, client };
  if (framing !== 'hdlc' || profile.hdlc === null) return null;
  const { addressOctets, informationMaxOctets } = profile.hdlc;
  // Nothing was agreed on with all of them.
  const informationBytes = Math.min(informationMaxOctets, BROADCAST_INFORMATION_OCTETS);
  return { framing, client, addressOctets, informationBytes };
}

/** What is around the messages. */
export interface StationsSurroundings {
  readonly env: Pick<Env, 'timers'>;
  readonly driver: LineDriver;
  /** Time of an octet on the line, ms. */
  readonly octetMs: number;
  readonly counters: MeterCounters;
  /** Id of the line. */
  readonly line: string;
}

/** Takes the line for messages to all. Throws LINK_BUSY and LINK_CLOSED. */
export function speakToAll(place: StationsPlace, around: StationsSurroundings): StationsWire {
  return new Stations(place, around);
}

class Stations implements StationsWire {
  readonly #place: StationsPlace;
  readonly #around: StationsSurroundings;
  readonly #speaker = new Speaker();
  readonly #running: RunningMachine;
  #isUp = true;

  constructor(place: StationsPlace, around: StationsSurroundings) {
    this.#place = place;
    this.#around = around;
    this.#running = around.driver.run(
      this.#speaker,
      () => undefined,
      () => {
        this.#isUp = false;
      },
    );
  }

  async sendBlock({ octets: image, obis, blockOctets }: ImageBlocks, number: number): Promise<void> {
    const { security, clientTitle, form, pauseMs } = this.#place;
    const { suite, keys } = security;
    const shared = { suite, clientTitle, keys, counter: await this.#counter() };
    const frames = broadcastFrames(blockBroadcast({ image, obis: parseObis(obis), blockOctets }, number, shared), form);
    const octets = frames.reduce((sum, { length }) => sum + length, 0);
    if (!this.#isUp) throw sessionError('SESSION_CLOSED', 'the line ended');
    this.#speaker.say(frames);
    this.#running.kick();
    // Nobody answers: the next block goes when this one has left and the meters have put it away.
    await this.#around.env.timers.sleep(Math.ceil(octets * this.#around.octetMs) + pauseMs);
  }

  close(): void {
    this.#running.stop();
  }

  /** One for everybody who has the broadcast key, with numbers reserved. */
  async #counter(): Promise<CounterSender> {
    const { counters, line } = this.#around;
    const { keyPrint, security } = this.#place;
    const { own } = await counters.of({ meterId: ALL_METERS, line }, { keyPrint, firstCounter: security.firstCounter });
    return own;
  }
}

/** Says what it is given and hears nothing. */
class Speaker implements Machine<never> {
  #frames: Uint8Array[] = [];

  say(frames: readonly Uint8Array[]): void {
    this.#frames.push(...frames);
  }

  receive(): never[] {
    return [];
  }

  takeOutput(): Uint8Array[] {
    return this.#frames.splice(0);
  }

  deadlineMs(): null {
    return null;
  }

  tick(): never[] {
    return [];
  }
}
