/**
 * Protection parameters (class 40 attribute 10; class 30 attributes 4 and 5): layers of protection around data, in the order in
 * which they are applied. Types: 0 authentication, 1 encryption, 2 both, 3 digital signature.
 */
import type { Data } from '../axdr/data.ts';
import { dlmsError } from '../errors.ts';
import type { KeyInfo } from '../xdlms/ciphered.ts';

/** What a layer does. */
export const PROTECTION_KINDS = ['authentication', 'encryption', 'both', 'signature'] as const;

/** One layer. */
export interface ProtectionLayer {
  readonly kind: (typeof PROTECTION_KINDS)[number];
  /** Empty = the sender makes one. */
  readonly transactionId: Uint8Array;
  /** System titles; empty = as the sender knows them. */
  readonly originatorSystemTitle: Uint8Array;
  readonly recipientSystemTitle: Uint8Array;
  readonly otherInformation: Uint8Array;
  /** How the key is told; a wrapped key or agreed data may be empty: the sender makes them. */
  readonly keyInfo: KeyInfo;
}

const KEY_INFO = { identified: 0, wrapped: 1, agreed: 2 } as const;

/** Reads the layers; throws `DLMS_SHAPE`. */
export function protectionLayersOf(data: Data): ProtectionLayer[] {
  if (data.type !== 'array') throw dlmsError('DLMS_SHAPE', 'protection parameters are an array');
  return data.value.map(layerOf);
}

function layerOf(data: Data): ProtectionLayer {
  const [type, options] = data.type === 'structure' ? data.value : [];
  const kind = type?.type === 'enum' ? PROTECTION_KINDS[type.value] : undefined;
  const fields = options?.type === 'structure' ? options.value : [];
  const [transactionId, originator, recipient, other] = fields.slice(0, 4).map(octetsIn);
  const key = fields.at(4);
  if (kind === undefined || transactionId == null || originator == null || recipient == null || other == null || !key)
    throw dlmsError('DLMS_SHAPE', 'protection is a type with transaction id, two titles, other information and key');
  return {
    kind,
    transactionId,
    originatorSystemTitle: originator,
    recipientSystemTitle: recipient,
    otherInformation: other,
    keyInfo: keyInfoOf(key),
  };
}

function keyInfoOf(data: Data): KeyInfo {
  const [type, options] = data.type === 'structure' ? data.value : [];
  const [first, second] = options?.type === 'structure' ? options.value : [];
  const [number, octets, more] = [first, first, second].map((each, at) =>
    each === undefined ? null : at === 0 ? numberIn(each) : octetsIn(each),
  );
  if (type?.type === 'enum') {
    if (type.value === KEY_INFO.identified && typeof number === 'number') return { kind: 'identified', keyId: number };
    if (type.value === KEY_INFO.wrapped && typeof number === 'number' && more instanceof Uint8Array)
      return { kind: 'wrapped', kekId: number, wrappedKey: more };
    if (type.value === KEY_INFO.agreed && octets instanceof Uint8Array && more instanceof Uint8Array)
      return { kind: 'agreed', keyParameters: octets, keyCipheredData: more };
  }
  throw dlmsError('DLMS_SHAPE', 'the key of a protection is identified, wrapped or agreed, with what that takes');
}

function octetsIn(data: Data): Uint8Array | null {
  return data.type === 'octet-string' ? data.value : null;
}

function numberIn(data: Data): number | null {
  return data.type === 'enum' ? data.value : null;
}

/** The layers as data. */
export function protectionLayersData(layers: readonly ProtectionLayer[]): Data {
  return { type: 'array', value: layers.map(layerData) };
}

function layerData(layer: ProtectionLayer): Data {
  const { transactionId, originatorSystemTitle, recipientSystemTitle, otherInformation } = layer;
  const fields = [transactionId, originatorSystemTitle, recipientSystemTitle, otherInformation].map(octetsData);
  return structure(
    { type: 'enum', value: PROTECTION_KINDS.indexOf(layer.kind) },
    structure(...fields, keyInfoData(layer.keyInfo)),
  );
}

function keyInfoData(info: KeyInfo): Data {
  const of = (...options: Data[]) => structure({ type: 'enum', value: KEY_INFO[info.kind] }, structure(...options));
  switch (info.kind) {
    case 'identified':
      return of({ type: 'enum', value: info.keyId });
    case 'wrapped':
      return of({ type: 'enum', value: info.kekId }, octetsData(info.wrappedKey));
    case 'agreed':
      return of(octetsData(info.keyParameters), octetsData(info.keyCipheredData));
  }
}

function octetsData(value: Uint8Array): Data {
  return { type: 'octet-string', value };
}

function structure(...value: Data[]): Data {
  return { type: 'structure', value };
}
