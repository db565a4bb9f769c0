/**
 * How a simulated meter protects its pushes when its Push setup says so: one layer of ciphering in general-ciphering, then, when
 * it is asked for, a signature around it.
 *
 * Given up: keys of single messages that a client brings (wrapped key, agreed data must be empty: the meter makes them), the
 * broadcast key, two layers of ciphering, a signature inside. From memory: layers are applied in the order of the list.
 */
import { ByteWriter } from '../../base/bytes.ts';
import type { ProtectionLayer } from '../../dlms/cosem/protection-parameters.ts';
import { type KeyChoice, sealGeneralCiphering } from '../../dlms/security/ciphering.ts';
import { newKeyPair } from '../../dlms/security/elliptic.ts';
import { securityError } from '../../dlms/security/errors.ts';
import { KEY_PARAMETERS } from '../../dlms/security/key-agreement.ts';
import { TRANSACTION_ID_BYTES } from '../../dlms/security/limits.ts';
import { SecretKey } from '../../dlms/security/secret-key.ts';
import { signApdu } from '../../dlms/security/signing.ts';
import { curveOf, SUITES } from '../../dlms/security/suite.ts';
import type { ServerSecurity } from '../../dlms/session/object-model.ts';
import type { GeneralHeader, KeyInfo } from '../../dlms/xdlms/ciphered.ts';
import { encodeApdu } from '../../dlms/xdlms/codec.ts';

/** Client SAP that pushes are for: the reading client of a head-end. */
export const PUSH_CLIENT = 1;

/** What a meter protects with. */
export interface PushProtector {
  readonly security: Pick<ServerSecurity, 'suite' | 'keys' | 'counter' | 'dialect'>;
  /** Its own title, and that of whom it pushes to, null = it knows none. */
  readonly title: Uint8Array;
  readonly clientTitle: Uint8Array | null;
  readonly random: (count: number) => Uint8Array;
}

/** Whether a meter can push under these layers, with the keys that it has. */
export function isPushProtection(layers: readonly ProtectionLayer[], { keys }: Pick<ServerSecurity, 'keys'>): boolean {
  const [first, second, ...more] = layers;
  if (first === undefined || more.length > 0) return layers.length === 0;
  const signs = second ?? (first.kind === 'signature' ? first : null);
  if (signs !== null && (signs.kind !== 'signature' || keys.signing === undefined)) return false;
  return first.kind === 'signature' ? second === undefined : hasKeyFor(first.keyInfo, keys);
}

function hasKeyFor(info: KeyInfo, { master, agreement, signing }: ServerSecurity['keys']): boolean {
  switch (info.kind) {
    case 'identified':
      return info.keyId === 0;
    case 'wrapped':
      return info.kekId === 0 && info.wrappedKey.length === 0 && master !== undefined;
    case 'agreed': {
      const way = info.keyParameters.length === 1 ? info.keyParameters[0] : undefined;
      if (info.keyCipheredData.length > 0 || agreement === undefined) return false;
      return way === KEY_PARAMETERS.static || (way === KEY_PARAMETERS.onePass && signing !== undefined);
    }
  }
}

/** The octets of a push under its layers; throws SECURITY_* when a key was taken away meanwhile. */
export function protectPush(plaintext: Uint8Array, layers: readonly ProtectionLayer[], by: PushProtector): Uint8Array {
  return layers.reduce((octets, layer) => {
    const header = headerOf(layer, by);
    if (layer.kind !== 'signature') return cipher(octets, layer, header, by);
    const { signing } = by.security.keys;
    if (signing === undefined) throw securityError('SECURITY_KEY_MISSING', 'signing keys');
    return encodeApdu(signApdu(octets, header, signing.own, by.security.dialect?.switches));
  }, plaintext);
}

function cipher(
  plaintext: Uint8Array,
  { kind, keyInfo }: ProtectionLayer,
  header: GeneralHeader,
  { security, random }: PushProtector,
): Uint8Array {
  const { suite, keys, counter, dialect } = security;
  const chosen: Record<KeyInfo['kind'], () => KeyChoice> = {
    identified: () => ({ kind: 'identified', keySet: 'unicast' }),
    wrapped: () => ({ kind: 'wrapped', key: new SecretKey(random(SUITES[suite].keyBytes)) }),
    agreed: () => {
      const isStatic = keyInfo.kind === 'agreed' && keyInfo.keyParameters[0] === KEY_PARAMETERS.static;
      return { kind: 'agreed', ephemeral: isStatic ? null : newKeyPair(curveOf(suite).name, random) };
    },
  };
  return encodeApdu(
    sealGeneralCiphering(plaintext, {
      suite,
      header,
      keys,
      key: chosen[keyInfo.kind](),
      invocationCounter: counter.take(),
      generalCipheringAad: dialect?.switches.generalCipheringAad ?? 'header',
      authenticated: kind !== 'encryption',
      encrypted: kind !== 'authentication',
    }),
  );
}

function headerOf(layer: ProtectionLayer, { security, title, clientTitle, random }: PushProtector): GeneralHeader {
  const orElse = (told: Uint8Array, own: Uint8Array) => (told.length === 0 ? own : told);
  const made = new ByteWriter(TRANSACTION_ID_BYTES).u32(security.counter.next).bytes(random(TRANSACTION_ID_BYTES - 4));
  return {
    transactionId: orElse(layer.transactionId, made.finish()),
    originatorSystemTitle: orElse(layer.originatorSystemTitle, title),
    recipientSystemTitle: orElse(layer.recipientSystemTitle, clientTitle ?? new Uint8Array(0)),
    dateTime: new Uint8Array(0),
    otherInformation: layer.otherInformation,
  };
}
