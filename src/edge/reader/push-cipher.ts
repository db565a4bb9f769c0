/** Opens what a customer port sends: a push is believed with a known title and a valid tag, as far as its keys go. */
import { toHex } from '../../base/bytes.ts';
import { assert } from '../../base/errors.ts';
import {
  type Apdu,
  CounterReceiver,
  checkedContent,
  Dialect,
  decodeApdu,
  encodeApdu,
  isCipheredApdu,
  isUnderBroadcastKey,
  openCiphered,
  SUITES,
  sealGeneral,
  securityError,
} from '../../dlms/index.ts';
import { QUALITIES } from '../../model/reading.ts';
import type { PushReadout } from '../../profile/push.ts';
import { keptNumberOctets, keptNumberOf } from '../kept-number.ts';
import type { Entry, Journal, Meter, MeterSecurity } from '../ports.ts';

/** A push in clear, and how far it may be believed. */
export interface OpenedPush {
  readonly apdu: Apdu;
  /** False when it was ciphered and its tag could not be checked, or had none. */
  readonly verified: boolean;
  /** How it was protected, null = it came in clear. */
  readonly form: Apdu['apdu'] | null;
}

/** Gives a number of a key that is reserved, once. */
type CounterSource = (security: MeterSecurity) => Promise<number>;

const PREFIX = 'push-counter:';

/**
 * One port's key. Without keys plain messages pass and ciphered ones stay closed. With an authentication key only messages
 * with a valid tag pass; without one their readings are marked `unverified`, or refused where the key file says so. An old counter is refused, after a restart too:
 * the last one is stored with the readings. What was believed and not stored may come again after a power cut, once, and
 * says the same.
 */
export class PushCipher {
  readonly #security: MeterSecurity | null;
  readonly #key: string;
  readonly #dialect: Dialect;
  #counter = new CounterReceiver();
  #stored: number | null = null;

  /** `mayBelieve` throws when the keys may not be used now: their certificates are good for some time only. */
  constructor(
    { meterId, security = null }: Pick<Meter, 'meterId' | 'security'>,
    private readonly mayBelieve: (security: MeterSecurity) => void = () => undefined,
  ) {
    this.#security = security;
    this.#dialect = new Dialect(security?.dialect);
    this.#key = `${PREFIX}${meterId}:${security === null ? '' : toHex(security.keyPrint)}`;
  }

  /** Takes up the counter where the journal has it. */
  async load(journal: Pick<Journal, 'kept'>): Promise<void> {
    if (this.#security === null) return;
    const octets = await journal.kept(this.#key);
    if (octets === undefined) return;
    const last = keptNumberOf(octets).value;
    assert(Number.isSafeInteger(last), `the stored counter ${this.#key} is a number`);
    this.#counter = new CounterReceiver(last);
    this.#stored = last;
  }

  /** What is to be stored in one batch with the readings: the last counter, when it moved. */
  takeKeep(): Entry['keep'] {
    const { last } = this.#counter;
    if (last === null || last === this.#stored) return [];
    this.#stored = last;
    return [{ key: this.#key, value: keptNumberOctets({ value: last, isSalvaged: false }) }];
  }

  /** Throws SECURITY_* and DLMS_* when the message may not be believed. */
  open(outer: Apdu): OpenedPush {
    const security = this.#security;
    if (security === null) return { apdu: outer, verified: true, form: null };
    this.mayBelieve(security);
    const inner = signedIn(outer, security);
    if (!isCipheredApdu(inner) || inner.apdu === 'general-signing')
      throw securityError('SECURITY_POLICY', `${inner.apdu} from a port with a key`);
    // Every meter of the line has that key, and may have the authentication key too.
    if (isUnderBroadcastKey(inner)) throw securityError('SECURITY_POLICY', 'a push under the broadcast key');
    const { authentication } = security.keys;
    this.#counter.check(inner.invocationCounter);
    const options = { senderTitle: security.meterTitle, allowUnverified: authentication === null };
    const open = ({ generalCipheringAad }: Dialect['switches']) =>
      openCiphered(inner, security.keys, { ...options, generalCipheringAad });
    // Only that form is read in two ways: a flood of any other must not cost twice.
    const { plaintext, verified } =
      inner.apdu === 'general-ciphering'
        ? this.#dialect.trying('generalCipheringAad', 'SECURITY_TAG', open)
        : open(this.#dialect.switches);
    if (authentication !== null && !verified) throw securityError('SECURITY_POLICY', 'a push without tag');
    if (security.unverified === 'refuse' && !verified)
      throw securityError('SECURITY_POLICY', 'a push whose tag cannot be checked');
    // A wrong key gives nonsense: only what can be read moves the counter.
    const apdu = decodeApdu(plaintext);
    this.#counter.accept(inner.invocationCounter);
    return { apdu, verified, form: outer.apdu };
  }

  /**
   * An answer to a push that was opened, protected as it was, under a counter of ours. Null where it cannot be made: our title
   * is not known, the tag of the push was not checked, or it came in a form that is not answered. Rejects as `counter` does.
   */
  async seal(answer: Uint8Array, to: OpenedPush, counter: CounterSource): Promise<Uint8Array | null> {
    if (to.form === null) return answer;
    const title = this.#security?.clientTitle ?? null;
    if (this.#security === null || title === null || !to.verified || to.form !== 'general-glo-ciphering') return null;
    const { suite, keys } = this.#security;
    const invocationCounter = await counter(this.#security);
    const protection = { authenticated: true, encrypted: true, keySet: 'unicast' } as const;
    return encodeApdu(sealGeneral(answer, { suite, keys, title, invocationCounter, ...protection }));
  }
}

/** What a signed message is around; throws SECURITY_SIGNATURE. Nothing is believed for a signature alone: it has no counter. */
function signedIn(outer: Apdu, { keys, suite }: MeterSecurity): Apdu {
  if (outer.apdu !== 'general-signing') return outer;
  const { signing } = keys;
  const { curve } = SUITES[suite];
  if (signing === undefined || curve === null) throw securityError('SECURITY_KEY_MISSING', 'signing keys');
  return decodeApdu(checkedContent(outer, curve, signing.peerPublicKey));
}

/** The readings of a push that was not authenticated: no better than `unverified`. */
export function unverified(readout: PushReadout): PushReadout {
  const least = QUALITIES.indexOf('unverified');
  const groups = readout.groups.map((group) => ({
    ...group,
    rows: group.rows.map((row) => ({
      ...row,
      quality: QUALITIES[Math.max(least, QUALITIES.indexOf(row.quality))] ?? 'unverified',
    })),
  }));
  return { ...readout, groups };
}
