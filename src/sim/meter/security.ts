/**
 * A simulated meter with keys: its Security setup (class 64) and the counter that the public client may read (0-0:43.1.0),
 * and the clients that prove themselves with those keys. What is transferred, agreed on or raised holds as in a real meter,
 * until the simulator ends.
 */
import type { ProtectionLayer } from '../../dlms/cosem/protection-parameters.ts';
import { openCiphered, sealGeneral } from '../../dlms/security/ciphering.ts';
import { securityError } from '../../dlms/security/errors.ts';
import type { HlsMechanism } from '../../dlms/security/hls.ts';
import type { MeterSecurity } from '../../dlms/security/meter-security.ts';
import { INVOCATION_COUNTER, SECURITY_SETUP, SECURITY_SETUP_CLASS } from '../../dlms/security/setup-requests.ts';
import type { ServerClient } from '../../dlms/session/object-model.ts';
import { SecuritySetup } from '../../dlms/session/security-setup.ts';
import { hlsSecretOf } from '../../dlms/session/sign-on.ts';
import type { Apdu } from '../../dlms/xdlms/apdu.ts';
import { decodeApdu, encodeApdu } from '../../dlms/xdlms/codec.ts';
import type { ClientRule } from '../../profile/schema/profile.ts';
import { titleOfSerial } from './keys.ts';
import { type SimObject, simObject } from './objects/object.ts';
import { isPushProtection, protectPush } from './push-protection.ts';

const MECHANISM_DEFAULT: HlsMechanism = 'hls-gmac';

/** What of a meter its security needs. */
export interface SecuredDevice {
  readonly serial: string;
  readonly nowMs: number;
}

/** The keys of one simulated meter and what hangs on them. */
export class SimSecurity {
  readonly setup: SecuritySetup;
  /** Its system title. */
  readonly title: Uint8Array;
  readonly #security: MeterSecurity;
  readonly #replacesPasswords: boolean;
  readonly #random: (count: number) => Uint8Array;
  #counterClient: number | null = null;

  /** `replacesPasswords`: clients that have a password in the profile sign on with the keys, too. */
  constructor(
    device: SecuredDevice,
    security: MeterSecurity,
    replacesPasswords: boolean,
    random: (count: number) => Uint8Array,
  ) {
    this.#security = security;
    this.#replacesPasswords = replacesPasswords;
    this.#random = random;
    this.title = security.meterTitle ?? titleOfSerial(device.serial);
    this.setup = new SecuritySetup({
      version: 1,
      suite: security.suite,
      serverTitle: this.title,
      clientTitle: security.clientTitle,
      keys: security.keys,
      policy: security.policy,
      authorities: security.trust?.authorities.map(({ octets }) => octets) ?? [],
      ...(security.dialect === undefined ? {} : { dialect: security.dialect }),
      broadcast: security.keys.broadcast !== undefined,
      firstCounter: security.firstCounter,
      random,
      nowMs: () => device.nowMs,
    });
  }

  /** Whether a client signs on with the keys. */
  serves({ security }: ClientRule): boolean {
    return security !== 'none' && (security !== 'lls' || this.#replacesPasswords);
  }

  /** A client of the profile with keys: whoever proves himself does so with the mechanism of the key file. */
  clientOf({ address, security }: ClientRule): ServerClient {
    const { setup } = this;
    this.#counterClient ??= address;
    const given = this.#security;
    const mechanism = given.mechanism ?? (security === 'none' || security === 'lls' ? MECHANISM_DEFAULT : security);
    return {
      sap: address,
      // The pair that it signs with may have been replaced.
      get authentication() {
        return hlsSecretOf(mechanism, { ...given, keys: setup.securityOf(address).keys });
      },
      get security() {
        return setup.securityOf(address);
      },
    };
  }

  /** Whether pushes can be protected so. */
  canProtect(layers: readonly ProtectionLayer[], client: number): boolean {
    return isPushProtection(layers, this.setup.securityOf(client));
  }

  /** A message that a client did not ask for; without layers under the unicast key, authenticated and encrypted. */
  sealPush(plaintext: Uint8Array, client: number, layers: readonly ProtectionLayer[] = []): Uint8Array {
    const { suite, keys, counter } = this.setup.securityOf(client);
    if (layers.length > 0) {
      const { title } = this;
      const { clientTitle, ...security } = this.setup.securityOf(client);
      return protectPush(plaintext, layers, { security, title, clientTitle, random: this.#random });
    }
    return encodeApdu(
      sealGeneral(plaintext, {
        suite,
        keys,
        title: this.title,
        invocationCounter: counter.take(),
        keySet: 'unicast',
        authenticated: true,
        encrypted: true,
      }),
    );
  }

  /**
   * What a client says to a push, opened: under its title and the unicast key, with a tag, under a counter that is new. Throws
   * SECURITY_* and DLMS_* when it may not be believed.
   */
  openAnswer(octets: Uint8Array, client: number): Apdu {
    const { keys, clientTitle, clientCounter } = this.setup.securityOf(client);
    const outer = decodeApdu(octets);
    if (outer.apdu !== 'general-glo-ciphering') throw securityError('SECURITY_POLICY', `${outer.apdu} to a push`);
    clientCounter.check(outer.invocationCounter);
    const { plaintext, verified } = openCiphered(outer, keys, { senderTitle: clientTitle });
    if (!verified) throw securityError('SECURITY_POLICY', 'an answer without tag');
    const apdu = decodeApdu(plaintext);
    clientCounter.accept(outer.invocationCounter);
    return apdu;
  }

  /** Security setup, for clients with control rights, and the invocation counter, for everybody. */
  objects(): SimObject[] {
    const { setup } = this;
    const attribute = (number: number) => setup.read(number) ?? { type: 'null-data' as const };
    return [
      {
        ...simObject({
          classId: SECURITY_SETUP_CLASS,
          version: 1,
          obis: SECURITY_SETUP,
          methods: setup.methods,
          values: {
            2: () => attribute(2),
            3: () => attribute(3),
            4: () => attribute(4),
            5: () => attribute(5),
            6: () => attribute(6),
          },
        }),
        invoke: (method, parameters) => setup.invoke(method, parameters),
      },
      simObject({
        classId: 1,
        version: 0,
        obis: INVOCATION_COUNTER,
        isPublic: true,
        values: {
          2: () => ({
            type: 'double-long-unsigned',
            value: this.#counterClient === null ? 0 : setup.lastCounter(this.#counterClient),
          }),
        },
      }),
    ];
  }
}
