/**
 * Plays captured pushes of real meters into a line: at the line's pace, split at random places, with noise between frames.
 *
 * Captures without link framing (an APDU, or one behind its LLC octets) are put into an HDLC UI frame first, as a meter on
 * its customer port would. Everything random comes from the seed.
 */

import { fromHex } from '../base/bytes.ts';
import type { ByteDuplex, Env } from '../base/env.ts';
import { SeededRandom } from '../base/seeded-random.ts';
import { clientAddress, serverAddress } from '../dlms/frame/hdlc-address.ts';
import { encodeHdlcFrame } from '../dlms/frame/hdlc-frame.ts';
import { LLC, withLlc } from '../dlms/frame/llc.ts';
import { simError } from './errors.ts';
import { CAPTURE_PIECE_MAX_OCTETS, NOISE_MAX_OCTETS } from './limits.ts';
import { PacedDuplex } from './serve/paced-duplex.ts';

/** Octets that a meter pushed. */
export interface Capture {
  readonly id: string;
  readonly layer: 'hdlc' | 'mbus' | 'llc' | 'apdu';
  readonly octets: Uint8Array;
  /** Whether keys are needed to read it. */
  readonly ciphered: boolean;
  /** The published encryption key, hex; null = there is none. */
  readonly encryptionKey: string | null;
}

/** How captures are played. */
export interface PlayOptions {
  readonly seed: string;
  /** Time of one octet, ms: 4.58 at 2,400 Bd 8E1; 0 = as fast as it goes. */
  readonly octetMs: number;
  /** Silence after each capture, ms: a listener ends what is unfinished by it. */
  readonly pauseMs: number;
  /** Whether noise is sent between captures. */
  readonly noise: boolean;
  readonly signal?: AbortSignal;
  /** Told before each capture. */
  readonly onCapture?: (capture: Capture) => void;
}

/** Addresses of a push that had none: the reading client, and the first logical device. */
const PUSH_CLIENT = 16;
const PUSH_DEVICE = 1;

/** Who sent a capture: which profile reads it, the zone of the country it was taken in, and the rate of the port. */
export interface CaptureMeter {
  readonly profile: string;
  readonly timeZone: string;
  readonly baud: number;
  /** 8 data bits and 1 stop bit always. */
  readonly parity: 'none' | 'even';
}

/** Wired M-Bus ports run at 2,400 8E1. The others: Wiener Netze for iskra-at, scs/smartmeter-datacollector for the Swiss. */
const MBUS_PORT = { baud: 2_400, parity: 'even' } as const;
const CAPTURE_METERS: readonly ({ readonly id: RegExp } & CaptureMeter)[] = [
  { id: /^kaifa-(no|se|ma304)/, profile: 'kaifa/ma304', timeZone: 'Europe/Oslo', ...MBUS_PORT },
  { id: /^kaifa-at/, profile: 'kaifa/ma309', timeZone: 'Europe/Vienna', ...MBUS_PORT },
  { id: /^kamstrup/, profile: 'kamstrup/omnipower', timeZone: 'Europe/Oslo', ...MBUS_PORT },
  { id: /^sagemcom/, profile: 'sagemcom/t210-d', timeZone: 'Europe/Vienna', ...MBUS_PORT },
  { id: /^iskra-at/, profile: 'iskraemeco/am550-at', timeZone: 'Europe/Vienna', baud: 9_600, parity: 'none' },
  { id: /^iskra-ch/, profile: 'iskraemeco/am550', timeZone: 'Europe/Zurich', baud: 115_200, parity: 'none' },
  { id: /^lg-e450/, profile: 'landisgyr/e450', timeZone: 'Europe/Zurich', ...MBUS_PORT },
  { id: /^lg-e360/, profile: 'landisgyr/e360', timeZone: 'Europe/Zurich', baud: 9_600, parity: 'none' },
];

/** The meter of a capture by the capture's id, or null when it is not known. */
export function meterOfCapture(id: string): CaptureMeter | null {
  return CAPTURE_METERS.find((row) => row.id.test(id)) ?? null;
}

/** Reads the rows of `push-captures.json`; throws `SIM_CAPTURES` with the row. */
export function parseCaptures(octets: Uint8Array): Capture[] {
  const rows: unknown = JSON.parse(new TextDecoder().decode(octets));
  if (!Array.isArray(rows)) throw simError('SIM_CAPTURES', 'an array was expected');
  return rows.map(captureOf);
}

function captureOf(row: unknown, at: number): Capture {
  const { id, layer, hex, expect, context } = (row ?? {}) as Record<string, unknown>;
  if (typeof id !== 'string' || typeof hex !== 'string' || !isLayer(layer)) throw simError('SIM_CAPTURES', `row ${at}`);
  const { encryptionKey } = (context ?? {}) as Record<string, unknown>;
  return {
    id,
    layer,
    octets: fromHex(hex),
    ciphered: JSON.stringify(expect).includes('"ciphered"'),
    encryptionKey: typeof encryptionKey === 'string' ? encryptionKey : null,
  };
}

function isLayer(layer: unknown): layer is Capture['layer'] {
  return layer === 'hdlc' || layer === 'mbus' || layer === 'llc' || layer === 'apdu';
}

/** The octets of a capture as they go over a line. */
export function onTheLine(capture: Capture): Uint8Array {
  if (capture.layer === 'hdlc' || capture.layer === 'mbus') return capture.octets;
  const information = capture.layer === 'apdu' ? withLlc(LLC.response, capture.octets) : capture.octets;
  return encodeHdlcFrame({
    segmented: false,
    destination: clientAddress(PUSH_CLIENT),
    source: serverAddress(PUSH_DEVICE),
    control: { type: 'UI', pollFinal: true },
    information,
  });
}

/**
 * Plays captures one after the other; resolves with the octets of noise when the last pause is over, rejects when the line
 * ends or is aborted.
 */
export async function playCaptures(
  duplex: ByteDuplex,
  captures: readonly Capture[],
  env: Pick<Env, 'clock' | 'timers'>,
  options: PlayOptions,
): Promise<number> {
  const random = new SeededRandom(`${options.seed}/captures`);
  const line = options.octetMs === 0 ? duplex : new PacedDuplex(duplex, options.octetMs, env);
  let noiseOctets = 0;
  for (const capture of captures) {
    options.signal?.throwIfAborted();
    options.onCapture?.(capture);
    const noise = options.noise ? random.bytes(random.below(NOISE_MAX_OCTETS + 1)) : new Uint8Array(0);
    await writeInPieces(line, noise, random);
    noiseOctets += noise.length;
    await writeInPieces(line, onTheLine(capture), random);
    await env.timers.sleep(options.pauseMs, options.signal);
  }
  return noiseOctets;
}

async function writeInPieces(line: ByteDuplex, octets: Uint8Array, random: SeededRandom): Promise<void> {
  for (let at = 0; at < octets.length; ) {
    const length = 1 + random.below(CAPTURE_PIECE_MAX_OCTETS);
    await line.write(octets.subarray(at, at + length));
    at += length;
  }
}
