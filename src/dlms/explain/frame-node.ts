/** Frames as nodes, and in the JSON form of the vectors' `link`. */

import { ByteWriter, toHex } from '../../base/bytes.ts';
import type { HdlcAddress } from '../frame/hdlc-address.ts';
import { encodeHdlcAddress } from '../frame/hdlc-address.ts';
import type { HdlcFrame } from '../frame/hdlc-frame.ts';
import { encodeHdlcControl, encodeHdlcFrame } from '../frame/hdlc-frame.ts';
import { decodeHdlcParameters } from '../frame/hdlc-parameters.ts';
import type { MbusFrame } from '../frame/mbus-frame.ts';
import { encodeMbusFrame, isLastMbusSegment, mbusSequence } from '../frame/mbus-frame.ts';
import type { WrapperMessage } from '../frame/wrapper-frame.ts';
import { encodeWrapper } from '../frame/wrapper-frame.ts';
import type { Json, JsonObject } from './json.ts';
import type { ExplainNode } from './node.ts';

/** A frame of any link layer. */
export type AnyFrame =
  | { readonly link: 'hdlc'; readonly frame: HdlcFrame }
  | { readonly link: 'mbus'; readonly frame: MbusFrame }
  | { readonly link: 'wrapper'; readonly frame: WrapperMessage };

/** The octets of a frame, as they stood on the line (an HDLC flag shared by two frames is in both). */
export function octetsOfFrame(any: AnyFrame): Uint8Array {
  if (any.link === 'hdlc') return encodeHdlcFrame(any.frame);
  return any.link === 'mbus' ? encodeMbusFrame(any.frame) : encodeWrapper(any.frame);
}

/** What the link says of a frame: addresses, control, numbers. Checksums were checked, or it would not be a frame. */
export function shapeOfFrame(any: AnyFrame): JsonObject {
  if (any.link === 'hdlc') {
    const { segmented, control, destination, source } = any.frame;
    return {
      segmented,
      control: { byte: word(encodeHdlcControl(control), 1), ...control },
      destination: shapeOfAddress(destination),
      source: shapeOfAddress(source),
      fcsValid: true,
      hcsValid: true,
    };
  }
  if (any.link === 'mbus') {
    const { frame } = any;
    return {
      length: frame.data.length + MBUS_FIXED_OCTETS,
      c: word(frame.control, 1),
      a: word(frame.address, 1),
      ci: word(frame.controlInformation, 1),
      stsap: frame.source,
      dtsap: frame.destination,
      checksumValid: true,
      last: isLastMbusSegment(frame),
      sequence: mbusSequence(frame),
    };
  }
  return {
    sourceWPort: any.frame.source,
    destinationWPort: any.frame.destination,
    length: any.frame.apdu.length,
    apduHex: toHex(any.frame.apdu),
  };
}

const MBUS_FIXED_OCTETS = 5;

/** A frame as a node, part by part; `offset` is where it begins, `children` what its payload holds. */
export function nodeOfFrame(any: AnyFrame, offset: number): ExplainNode {
  const octets = octetsOfFrame(any);
  const parts =
    any.link === 'hdlc' ? hdlcParts(any.frame) : any.link === 'mbus' ? mbusParts(any.frame) : wrapperParts(any.frame);
  let at = 0;
  const children = parts.map(([name, length, value]) => {
    const part = { name, offset: offset + at, hex: toHex(octets.subarray(at, at + length)), value, children: [] };
    at += length;
    return part;
  });
  return { name: NAMES[any.link], offset, hex: toHex(octets), section: SECTIONS[any.link], children };
}

type Part = readonly [name: string, octets: number, value: Json];

const NAMES = { hdlc: 'HDLC frame', mbus: 'M-Bus long frame', wrapper: 'wrapper message' } as const;
const SECTIONS = {
  hdlc: 'IEC 62056-46, frame format type 3',
  mbus: 'EN 13757-2, long frame',
  wrapper: 'IEC 62056-47, wrapper protocol data unit',
} as const;

function hdlcParts(frame: HdlcFrame): Part[] {
  const { control, destination, source, information, segmented } = frame;
  const head: Part[] = [
    ['flag', 1, null],
    ['format', 2, segmented ? 'type 3, more segments follow' : 'type 3'],
    ['destination', destination.length, addressWords(destination)],
    ['source', source.length, addressWords(source)],
    ['control', 1, controlWords(frame)],
  ];
  if (information.length === 0) return [...head, ['FCS', 2, 'valid'], ['flag', 1, null]];
  const parameters = control.type === 'SNRM' || control.type === 'UA' ? decodeHdlcParameters(information) : null;
  const said = parameters === null ? `${information.length} octets` : { ...parameters };
  return [
    ...head,
    ['HCS', 2, 'valid'],
    ['information', information.length, said],
    ['FCS', 2, 'valid'],
    ['flag', 1, null],
  ];
}

function mbusParts(frame: MbusFrame): Part[] {
  const place = isLastMbusSegment(frame) ? 'the last segment' : 'more segments follow';
  return [
    ['start, length twice, start', 4, frame.data.length + MBUS_FIXED_OCTETS],
    ['C', 1, frame.control],
    ['A', 1, frame.address],
    ['CI', 1, `segment ${mbusSequence(frame)}, ${place}`],
    ['STSAP', 1, frame.source],
    ['DTSAP', 1, frame.destination],
    ['data', frame.data.length, `${frame.data.length} octets`],
    ['checksum', 1, 'valid'],
    ['stop', 1, null],
  ];
}

function wrapperParts(frame: WrapperMessage): Part[] {
  return [
    ['version', 2, 1],
    ['source wPort', 2, frame.source],
    ['destination wPort', 2, frame.destination],
    ['length', 2, frame.apdu.length],
    ['APDU', frame.apdu.length, `${frame.apdu.length} octets`],
  ];
}

function controlWords({ control }: HdlcFrame): string {
  const numbers =
    'ns' in control ? ` N(S)=${control.ns} N(R)=${control.nr}` : 'nr' in control ? ` N(R)=${control.nr}` : '';
  return `${control.type}${numbers}${control.pollFinal ? ', poll/final' : ''}`;
}

function addressWords({ upper, lower }: HdlcAddress): string {
  return lower === null ? `${upper}` : `${upper}/${lower}`;
}

function shapeOfAddress(address: HdlcAddress): JsonObject {
  const { upper, lower, length } = address;
  return { hex: toHex(encodeHdlcAddress(address)), length, upper, ...(lower === null ? {} : { lower }) };
}

function word(value: number, octets: 1 | 2): string {
  const writer = new ByteWriter(2);
  return toHex((octets === 1 ? writer.u8(value) : writer.u16(value)).finish());
}
