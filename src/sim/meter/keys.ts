/**
 * Keys of a simulated meter: made from its seed, so that the same fleet can be asked again with the same key files. They
 * protect nothing and are printed with the meter's card.
 */
import { toHex } from '../../base/bytes.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import { CounterReceiver, CounterSender, PROTECTED, SecretKey, type ServerSecurity } from '../../dlms/index.ts';

const KEY_OCTETS = 16;
const TITLE_OCTETS = 8;
/** Three letters of a maker; the rest is the serial number. */
const MAKER = [0x44, 0x57, 0x45];
/** Under which the simulator's cards say that a client calls; meters take any. */
const CLIENT_TITLE = '4457450000000001';
/** 2020-01-01, UTC ms. */
const EPOCH_MS = 1_577_836_800_000;

/** A meter's keys in the words of an edge's key file. */
export interface SimKeyFile {
  readonly suite: 0;
  readonly clientTitle: string;
  readonly meterTitle: string;
  readonly encryptionKey: string;
  readonly authenticationKey: string;
}

/** Keys, title and counters of one meter, suite 0. */
export class SimKeys {
  readonly title: Uint8Array;
  readonly file: SimKeyFile;
  /** For every client of the meter: they share the keys, so they share the counters. */
  readonly security: ServerSecurity;
  readonly #random: SeededRandom;

  /** Counters begin at the seconds since 2020, so that a simulator that is started again does not repeat one. */
  constructor(seed: string, serial: string, nowMs: number) {
    this.#random = new SeededRandom(`${seed}/keys`);
    const [encryption, authentication] = [this.#random.bytes(KEY_OCTETS), this.#random.bytes(KEY_OCTETS)];
    this.title = titleOf(serial);
    this.file = {
      suite: 0,
      clientTitle: CLIENT_TITLE,
      meterTitle: toHex(this.title),
      encryptionKey: toHex(encryption),
      authenticationKey: toHex(authentication),
    };
    this.security = {
      suite: 0,
      clientTitle: null,
      keys: { encryption: new SecretKey(encryption), authentication: new SecretKey(authentication) },
      counter: CounterSender.unreserved(Math.max(1, Math.floor((nowMs - EPOCH_MS) / 1_000))),
      clientCounter: new CounterReceiver(),
      policy: { requests: PROTECTED, responses: PROTECTED },
    };
  }

  /** A challenge. */
  random(count: number): Uint8Array {
    return this.#random.bytes(count);
  }
}

/** The maker's letters and the last digits of the serial number. */
function titleOf(serial: string): Uint8Array {
  const number = BigInt(serial.replaceAll(/\D/g, '') || '0');
  const title = new Uint8Array(TITLE_OCTETS);
  title.set(MAKER);
  for (let at = TITLE_OCTETS - 1, rest = number; at >= MAKER.length; at--, rest >>= 8n)
    title[at] = Number(rest & 0xffn);
  return title;
}
