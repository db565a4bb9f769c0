/** The image transfer object (class 18, Blue Book 4.4.6): its attributes and methods as values, for both sides. */
import { toHex } from '../../base/bytes.ts';
import type { BitStringData, Data } from '../axdr/data.ts';
import { type ObisCode, parseObis } from '../cosem/obis.ts';
import type { AttributeDescriptor, MethodDescriptor } from '../xdlms/service.ts';

/** Interface class of image transfer. */
export const IMAGE_CLASS = 18;

/** Where the object is, unless a profile says otherwise. */
export const IMAGE_OBIS = '0-0:44.0.0*255';

/** Attributes by name. */
export const IMAGE_ATTRIBUTE = {
  blockSize: 2,
  blocksStatus: 3,
  firstNotTransferred: 4,
  enabled: 5,
  status: 6,
  info: 7,
} as const;

/** Methods by name. */
export const IMAGE_METHOD = { initiate: 1, blockTransfer: 2, verify: 3, activate: 4 } as const;

/** Values of attribute 6, in the order of their numbers. */
export const IMAGE_STATUSES = [
  'not-initiated',
  'initiated',
  'verifying',
  'verified',
  'verification-failed',
  'activating',
  'activated',
  'activation-failed',
] as const;

/** One of {@link IMAGE_STATUSES}. */
export type ImageStatus = (typeof IMAGE_STATUSES)[number];

/** An image that the meter would activate. */
export interface ImageInfo {
  readonly sizeOctets: number;
  readonly identifier: Uint8Array;
  /** Empty when the meter tells none. */
  readonly signature: Uint8Array;
}

/** Argument of verify and activate. */
export const IMAGE_ZERO: Data = { type: 'integer', value: 0 };

/** An attribute of the object at `obis`. */
export function imageAttribute(obis: ObisCode, attributeId: number): AttributeDescriptor {
  return { classId: IMAGE_CLASS, instanceId: obis, attributeId };
}

/** A method of the object at `obis`. */
export function imageMethod(obis: ObisCode, methodId: number): MethodDescriptor {
  return { classId: IMAGE_CLASS, instanceId: obis, methodId };
}

/** The object's name; throws DLMS_OBIS. */
export function imageObis(text: string = IMAGE_OBIS): ObisCode {
  return parseObis(text);
}

/** Argument of initiate: {identifier octet-string, size double-long-unsigned}. */
export function initiateData(identifier: Uint8Array, sizeOctets: number): Data {
  return {
    type: 'structure',
    value: [
      { type: 'octet-string', value: identifier },
      { type: 'double-long-unsigned', value: sizeOctets },
    ],
  };
}

/** Argument of a block transfer: {number double-long-unsigned, from 0; octets}. */
export function blockData(number: number, octets: Uint8Array): Data {
  return {
    type: 'structure',
    value: [
      { type: 'double-long-unsigned', value: number },
      { type: 'octet-string', value: octets },
    ],
  };
}

/** A number and octets in a structure of two, in either order of types; null when it is anything else. */
export function numberAndOctets(data: Data | null): { readonly number: number; readonly octets: Uint8Array } | null {
  if (data?.type !== 'structure' || data.value.length !== 2) return null;
  const [first, second] = data.value;
  const [count, octets] = first?.type === 'octet-string' ? [second, first] : [first, second];
  const number = count === undefined ? null : wholeNumber(count);
  return number === null || octets?.type !== 'octet-string' ? null : { number, octets: octets.value };
}

/** A whole number of any unsigned type or an enum: meters differ in the width that they send. */
export function wholeNumber(data: Data): number | null {
  switch (data.type) {
    case 'unsigned':
    case 'long-unsigned':
    case 'double-long-unsigned':
    case 'enum':
      return data.value;
    default:
      return null;
  }
}

/** Attribute 6 as a word, null when it is none. */
export function imageStatusOf(data: Data): ImageStatus | null {
  const number = wholeNumber(data);
  return number === null ? null : (IMAGE_STATUSES[number] ?? null);
}

/** Attribute 7; an entry of another shape is left out. */
export function imageInfosOf(data: Data): ImageInfo[] {
  if (data.type !== 'array') return [];
  return data.value.flatMap((entry): ImageInfo[] => {
    if (entry.type !== 'structure') return [];
    const [size, identifier, signature] = entry.value;
    const sizeOctets = size === undefined ? null : wholeNumber(size);
    if (sizeOctets === null || identifier?.type !== 'octet-string') return [];
    const signed = signature?.type === 'octet-string' ? signature.value : new Uint8Array(0);
    return [{ sizeOctets, identifier: identifier.value, signature: signed }];
  });
}

/** Attribute 7 of these images. */
export function imageInfoData(infos: readonly ImageInfo[]): Data {
  return {
    type: 'array',
    value: infos.map(({ sizeOctets, identifier, signature }) => ({
      type: 'structure',
      value: [
        { type: 'double-long-unsigned', value: sizeOctets },
        { type: 'octet-string', value: identifier },
        { type: 'octet-string', value: signature },
      ],
    })),
  };
}

/** Numbers of the blocks that attribute 3 shows as missing; null when it does not speak of `blocks` blocks. */
export function missingBlocks(data: Data, blocks: number): number[] | null {
  if (data.type !== 'bit-string' || data.value.length < blocks) return null;
  const missing: number[] = [];
  for (let at = 0; at < blocks; at++) if (data.value[at] !== '1') missing.push(at);
  return missing;
}

/** Attribute 3: a bit for each block, the first block first. */
export function blocksStatusData(isThere: readonly boolean[]): BitStringData {
  return { type: 'bit-string', value: isThere.map((there) => (there ? '1' : '0')).join('') };
}

/** Octets that an action-request for a block takes beside the block: tag to parameters, and the two fields with lengths. */
export const BLOCK_OVERHEAD_OCTETS = 3 + 9 + 1 + 2 + 5 + 4;

/**
 * Octets of a block that fit into one message of `pduMaxBytes` (what remains of it after ciphering; 0 = no limit): at
 * least 0.
 */
export function blockRoomOctets(pduMaxBytes: number): number {
  return pduMaxBytes === 0 ? Number.POSITIVE_INFINITY : Math.max(0, pduMaxBytes - BLOCK_OVERHEAD_OCTETS);
}

/** A version as text: characters where they are, else hex; null when the value is none. */
export function versionText(data: Data | null): string | null {
  if (data === null) return null;
  if (data.type === 'visible-string' || data.type === 'utf8-string') return data.value;
  if (data.type !== 'octet-string') return null;
  const isText = data.value.length > 0 && data.value.every((octet) => octet >= 0x20 && octet < 0x7f);
  return isText ? new TextDecoder().decode(data.value) : toHex(data.value);
}
