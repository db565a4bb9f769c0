/**
 * Keys of a simulated meter: made from its seed, so that the same fleet can be asked again with the same key files. They
 * protect nothing and are printed with the meter's card.
 */
import { fromHex, toHex } from '../../base/bytes.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import { PROTECTED, SecretKey } from '../../dlms/index.ts';
import { keyPrintOf } from '../../dlms/security/key-file.ts';
import type { MeterSecurity } from '../../dlms/security/meter-security.ts';

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
  readonly masterKey: string;
}

/** The key file of a meter, from its seed. */
export function simKeyFile(seed: string, serial: string): SimKeyFile {
  const random = new SeededRandom(`${seed}/keys`);
  return {
    suite: 0,
    clientTitle: CLIENT_TITLE,
    meterTitle: toHex(titleOfSerial(serial)),
    encryptionKey: toHex(random.bytes(KEY_OCTETS)),
    authenticationKey: toHex(random.bytes(KEY_OCTETS)),
    masterKey: toHex(random.bytes(KEY_OCTETS)),
  };
}

/**
 * The keys of a file as the meter has them; it takes any client that has them. Its counter begins at the seconds since 2020,
 * so that a simulator that is started again does not repeat one.
 */
export function simSecurityOf(file: SimKeyFile, nowMs: number): MeterSecurity {
  const encryption = SecretKey.fromHex(file.encryptionKey);
  return {
    suite: file.suite,
    clientTitle: null,
    meterTitle: fromHex(file.meterTitle),
    keys: {
      encryption,
      authentication: SecretKey.fromHex(file.authenticationKey),
      master: SecretKey.fromHex(file.masterKey),
    },
    secret: null,
    policy: { requests: PROTECTED, responses: PROTECTED },
    firstCounter: Math.max(1, Math.floor((nowMs - EPOCH_MS) / 1_000)),
    keyPrint: keyPrintOf(encryption),
    keyPrints: [],
  };
}

/** The maker's letters and the last digits of the serial number. */
export function titleOfSerial(serial: string): Uint8Array {
  const number = BigInt(serial.replaceAll(/\D/g, '') || '0');
  const title = new Uint8Array(TITLE_OCTETS);
  title.set(MAKER);
  for (let at = TITLE_OCTETS - 1, rest = number; at >= MAKER.length; at--, rest >>= 8n)
    title[at] = Number(rest & 0xffn);
  return title;
}
