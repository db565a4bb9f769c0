/** The attacked meter: how to reach it, what is shared with it, and how one signs on in order to misbehave afterwards. */
import type { Env } from '../../base/env.ts';
import { reasonOf } from '../../base/errors.ts';
import type { Aare, Aarq } from '../../dlms/acse/acse.ts';
import { clientTransport } from '../../dlms/frame/client-transport.ts';
import { type SealOptions, sealService } from '../../dlms/security/ciphering.ts';
import { CounterReceiver, type CounterSender } from '../../dlms/security/counters.ts';
import { type Authentication, isHls, OUR_CONFORMANCE } from '../../dlms/session/association.ts';
import { ASSOCIATION_CLASS, CURRENT_ASSOCIATION } from '../../dlms/session/association-object.ts';
import { ClientGuard, type ClientSecurity } from '../../dlms/session/client-guard.ts';
import { LOGICAL_PROOF } from '../../dlms/session/proof.ts';
import type { Apdu } from '../../dlms/xdlms/apdu.ts';
import { decodeApdu, encodeApdu } from '../../dlms/xdlms/codec.ts';
import { LineDriver } from '../../link/drive.ts';
import { openOnce } from '../../link/link.ts';
import { linkOf } from '../../link/registry.ts';
import { AttackLine } from './attack-line.ts';

/** What is shared with the meter, without what changes from association to association. */
export type SharedKeys = Pick<ClientSecurity, 'suite' | 'clientTitle' | 'serverTitle' | 'keys' | 'policy'>;

/** How to attack a meter. */
export interface VictimOptions {
  /** Address of the link. */
  readonly link: string;
  readonly client: number;
  readonly server: { readonly logical: number; readonly physical?: number };
  /** What the client is entitled to use; the challenge is made fresh. */
  readonly authentication: Authentication;
  readonly security: SharedKeys | null;
  /** Our counter under these keys, one for all attacks and all runs: a number used twice would give the key away. */
  readonly counter: CounterSender;
  /** Makes more numbers of {@link counter} usable; they are stored as used before it resolves. */
  readonly reserve: () => Promise<void>;
  readonly timeoutMs: number;
  /** Seed of random octets: the same attack again. */
  readonly seed: number;
}

const PDU_MAX_BYTES = 65_535;
const HDLC_WANTED = {
  informationTransmitBytes: 128,
  informationReceiveBytes: 128,
  windowTransmit: 1,
  windowReceive: 1,
};
const CHALLENGE_BYTES = 32;

/** An open association, to be misused. */
export interface SignedOn {
  readonly line: AttackLine;
  readonly guard: ClientGuard;
  readonly aare: Aare;
}

/** What may be different from the entitled sign-on. */
export interface SignOnChanges {
  readonly authentication?: Authentication;
  readonly security?: SharedKeys | null;
  /** Changes the AARQ before it is sent. */
  readonly aarq?: (aarq: Aarq) => Aarq;
}

/** The meter. */
export class MeterVictim {
  readonly options: VictimOptions;
  readonly framing: 'hdlc' | 'wrapper';
  readonly #env: Env;
  readonly #open: (() => void)[] = [];

  /** Throws the codes of LINK_ERRORS for an address that is none. */
  constructor(env: Env, options: VictimOptions) {
    this.#env = env;
    this.options = options;
    this.framing = linkOf(options.link, env).framing === 'wrapper' ? 'wrapper' : 'hdlc';
  }

  /** See {@link VictimOptions.counter}. */
  get counter(): CounterSender {
    return this.options.counter;
  }

  /** To be called before every few messages: the numbers for the next ones are stored as used. */
  async ready(): Promise<void> {
    if (this.counter.isLow) await this.options.reserve();
  }

  /** Fresh random octets. */
  random(count: number): Uint8Array {
    return this.#env.random.bytes(count);
  }

  /** A new line with its data link up. Rejects when the meter cannot be reached. */
  async line(): Promise<AttackLine> {
    const { link: address, client, server, timeoutMs } = this.options;
    const link = linkOf(address, this.#env);
    if (link.kind !== 'line' || link.purpose !== 'ask') throw new RangeError(`${address} cannot be asked, it listens`);
    const driver = new LineDriver(await openOnce(link), this.#env);
    const { gapMs, octetMs } = link;
    const transport = clientTransport(this.framing, { client, ...server }, { parameters: HDLC_WANTED, gapMs, octetMs });
    const line = new AttackLine(driver, transport, this.#env.timers, timeoutMs);
    this.#open.push(() => {
      line.stop();
      driver.close();
      link.close?.();
    });
    if (!(await line.connect())) throw new Error('the meter does not answer');
    return line;
  }

  /** Ends all lines that are open; between two attacks. */
  endLines(): void {
    for (const end of this.#open.splice(0)) end();
  }

  /** The entitled way to prove oneself, with a fresh challenge. */
  get authentication(): Authentication {
    const { authentication } = this.options;
    return isHls(authentication) ? { ...authentication, challenge: this.random(CHALLENGE_BYTES) } : authentication;
  }

  /** Signs on, with changes when there are any; null when the meter refuses, with its words in `why`. */
  async signOn(changes: SignOnChanges = {}): Promise<SignedOn | { readonly why: string }> {
    await this.ready();
    const authentication = changes.authentication ?? this.authentication;
    const shared = changes.security === undefined ? this.options.security : changes.security;
    const guard = new ClientGuard(authentication, shared === null ? null : this.#security(shared), 'logical');
    const line = await this.line();
    const aarq = guard.aarq(OUR_CONFORMANCE, PDU_MAX_BYTES);
    const answer = await line.ask(encodeApdu(changes.aarq?.(aarq) ?? aarq));
    if (answer === null) return { why: 'no answer' };
    try {
      const aare = decodeApdu(answer);
      if (aare.apdu !== 'aare') return { why: aare.apdu };
      guard.agreement(aare);
      if (guard.needsProof) {
        const proof = await line.ask(guard.seal(LOGICAL_PROOF.request(guard.proof(), 1)));
        if (proof === null) return { why: 'no answer to our proof' };
        guard.acceptProof(LOGICAL_PROOF.answered(guard.open(proof).apdu));
      }
      guard.associated();
      return { line, guard, aare };
    } catch (error) {
      return { why: reasonOf(error) };
    }
  }

  /** Signs on as entitled; rejects when that does not work, because then nothing can be tried. */
  async entitled(): Promise<SignedOn> {
    const signed = await this.signOn();
    if ('why' in signed) throw new Error(`the entitled sign-on fails: ${signed.why}`);
    return signed;
  }

  /** Whether the meter still serves who is entitled. One that cannot be reached any more does not. */
  async serves(): Promise<boolean> {
    this.endLines();
    try {
      const signed = await this.signOn();
      if ('why' in signed) return false;
      return gives(await signed.line.ask(signed.guard.seal(PROBE)), signed.guard);
    } catch {
      // It answered before the attack: what keeps it from answering now is the attack's doing.
      return false;
    }
  }

  /** How the entitled client would seal its next message. */
  sealOptions(keys: SharedKeys): SealOptions {
    return {
      suite: keys.suite,
      ...keys.policy.requests,
      title: keys.clientTitle,
      keys: keys.keys,
      keySet: 'unicast',
      invocationCounter: this.counter.take(),
    };
  }

  /** Any octets of a request as the entitled client would send them. */
  sealed(plain: Uint8Array): Uint8Array {
    const { security } = this.options;
    if (security === null) return plain;
    const { authenticated, encrypted } = security.policy.requests;
    return authenticated || encrypted ? encodeApdu(sealService(plain, this.sealOptions(security))) : plain;
  }

  #security(shared: SharedKeys): ClientSecurity {
    return { ...shared, counter: this.counter, serverCounter: new CounterReceiver() };
  }
}

/** Reads what every association with logical names has: the name of its own association object. */
export const PROBE: Apdu = {
  apdu: 'get-request-normal',
  invokeId: 2,
  confirmed: true,
  highPriority: true,
  attribute: { classId: ASSOCIATION_CLASS, instanceId: CURRENT_ASSOCIATION, attributeId: 1 },
  access: null,
};

/** Whether an answer, opened, holds a value. */
export function gives(answer: Uint8Array | null, guard: ClientGuard | null): boolean {
  const apdu = opened(answer, guard);
  return apdu?.apdu === 'get-response-normal' && 'data' in apdu.result;
}

/** An answer in clear; null when there is none, or none that can be read. */
export function opened(answer: Uint8Array | null, guard: ClientGuard | null): Apdu | null {
  if (answer === null) return null;
  try {
    return guard === null ? decodeApdu(answer) : guard.open(answer).apdu;
  } catch {
    // What cannot be read is no answer to us; the attack judges by what comes.
    return null;
  }
}
