/** Wired M-Bus frames as a tree for `deltawatt explain`: each part with its offset, its octets and what it says. */
import { toHex } from '../base/bytes.ts';
import { reasonOf } from '../base/errors.ts';
import { decimalText } from '../model/number.ts';
import { isMbusError } from './errors.ts';
import { decodeLinkFrame, INFORMATION, type MbusLinkFrame } from './frame.ts';
import { deviceTypeName, identityText } from './identity.ts';
import { momentText } from './moment.ts';
import { type MbusRecord, recordQuantity, recordValue } from './record.ts';
import { HEADER_OCTETS, type MbusTelegram, type PlacedRecord, placedTelegram } from './telegram.ts';

/** A part of a frame. */
export interface MbusNode {
  readonly name: string;
  /** From the start of the octets. */
  readonly offset: number;
  readonly hex: string;
  readonly value: string | null;
  readonly children: readonly MbusNode[];
}

/** Start, length twice, start. */
const LONG_HEAD = 4;
/** C, A, CI. */
const FIXED = 3;

/**
 * Octets that are wired M-Bus frames from the first to the last, as nodes; null = they are not, or they are long frames whose CI
 * says that DLMS is in them (00 to 1F).
 */
export function explainMbus(octets: Uint8Array): readonly MbusNode[] | null {
  const nodes: MbusNode[] = [];
  for (let offset = 0; offset < octets.length; ) {
    const decoded = frameAt(octets.subarray(offset));
    if (decoded === null) return null;
    const { frame, used } = decoded;
    if (frame.kind === 'long' && frame.information <= 0x1f) return null;
    nodes.push(nodeOf(frame, octets.subarray(offset, offset + used), offset));
    offset += used;
  }
  return nodes.length === 0 ? null : nodes;
}

/** A tree as text, a line for each node: offset, name, octets, meaning. */
export function mbusText(nodes: readonly MbusNode[]): string {
  const lines = (node: MbusNode, depth: number): string[] => [
    `${String(node.offset).padStart(4)}  ${'  '.repeat(depth)}${node.name}${node.value === null ? '' : `: ${node.value}`}  [${node.hex}]`,
    ...node.children.flatMap((child) => lines(child, depth + 1)),
  ];
  return `${nodes.flatMap((node) => lines(node, 0)).join('\n')}\n`;
}

/** A record in words: `volume 12.345 m3`, with what tells it from the others of its quantity. */
export function recordText(record: MbusRecord): string {
  const { name, unit, exponent, modifiers } = recordQuantity(record);
  const value = recordValue(record);
  const which = [
    record.function === 'instantaneous' ? '' : record.function,
    record.storage === 0 ? '' : `storage ${record.storage}`,
    record.tariff === 0 ? '' : `tariff ${record.tariff}`,
    record.subunit === 0 ? '' : `subunit ${record.subunit}`,
    modifiers.length === 0 ? '' : `modified by ${modifiers.map((code) => code.toString(16)).join(' ')}`,
  ].filter((word) => word !== '');
  const words = which.length === 0 ? '' : ` (${which.join(', ')})`;
  switch (value.kind) {
    case 'integer':
      return `${name} ${decimalText(value.value, exponent)} ${unit}`.trimEnd() + words;
    case 'moment':
      return `${name} ${momentText(value.moment)}${words}`;
    case 'text':
      return `${name} ${JSON.stringify(value.text)}${words}`;
    case 'octets':
      return `${name} ${toHex(value.octets)}, no number${words}`;
    case 'none':
      return `${name} without a value${words}`;
  }
}

function frameAt(octets: Uint8Array) {
  try {
    return decodeLinkFrame(octets);
  } catch (error) {
    if (isMbusError(error)) return null;
    throw error;
  }
}

function nodeOf(frame: MbusLinkFrame, octets: Uint8Array, offset: number): MbusNode {
  const part = (name: string, at: number, length: number, value: string | null = null): MbusNode =>
    leaf(name, offset + at, octets.subarray(at, at + length), value);
  const whole = { offset, hex: toHex(octets), value: null };
  if (frame.kind === 'acknowledge') return { ...whole, name: 'M-Bus acknowledge', children: [] };
  if (frame.kind === 'short') {
    const children = [
      part('start', 0, 1),
      part('C', 1, 1),
      part('A', 2, 1),
      part('checksum', 3, 1, 'valid'),
      part('stop', 4, 1),
    ];
    return { ...whole, name: 'M-Bus short frame', children };
  }
  const from = LONG_HEAD + FIXED;
  const children = [
    part('start, length twice, start', 0, LONG_HEAD, `${octets.length - 6} octets`),
    part('C', 4, 1),
    part('A', 5, 1),
    part('CI', 6, 1, meaningOf(frame.information)),
    ...dataNodes(frame.information, frame.data, offset + from),
    part('checksum', from + frame.data.length, 1, 'valid'),
    part('stop', from + frame.data.length + 1, 1),
  ];
  return { ...whole, name: 'M-Bus long frame', children };
}

function dataNodes(information: number, data: Uint8Array, offset: number): MbusNode[] {
  if (HEADER_OCTETS[information] === undefined) return data.length === 0 ? [] : [leaf('data', offset, data, null)];
  try {
    const telegram = placedTelegram(information, data);
    const header = HEADER_OCTETS[information] ?? 0;
    return [
      ...(header === 0 ? [] : [leaf('header', offset, data.subarray(0, header), headerText(telegram))]),
      ...telegram.records.map(({ record, from, to }: PlacedRecord) =>
        leaf('record', offset + from, data.subarray(from, to), recordText(record)),
      ),
      ...(telegram.makersData === null
        ? []
        : [
            leaf(
              "maker's data",
              offset + data.length - telegram.makersData.length,
              telegram.makersData,
              telegram.moreFollows ? 'more telegrams follow' : null,
            ),
          ]),
    ];
  } catch (error) {
    if (!isMbusError(error)) throw error;
    return [leaf('data', offset, data, reasonOf(error))];
  }
}

function headerText({ identity, accessNumber, status }: Omit<MbusTelegram, 'records'>): string {
  const who = identity === null ? '' : `${identityText(identity)} (${deviceTypeName(identity.deviceType)}), `;
  return `${who}access number ${accessNumber ?? '-'}, status ${(status ?? 0).toString(16).padStart(2, '0')}`;
}

function meaningOf(information: number): string | null {
  if (information === INFORMATION.select) return 'selection of a meter';
  return HEADER_OCTETS[information] === undefined ? null : 'variable data structure';
}

function leaf(name: string, offset: number, octets: Uint8Array, value: string | null): MbusNode {
  return { name, offset, hex: toHex(octets), value, children: [] };
}
