/** An APDU as a tree: its fields in the order of the octets, with those octets where they can be told. */

import { fromHex, toHex } from '../../base/bytes.ts';
import { attributeName, interfaceClassOf, methodName } from '../cosem/classes/index.ts';
import { obisToOctets, parseObis } from '../cosem/obis.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import { decodeApdu } from '../xdlms/codec.ts';
import { shapeOfApdu } from './apdu-shape.ts';
import { TracingWalk } from './data-node.ts';
import type { Json, JsonObject } from './json.ts';
import { isJsonList, isJsonObject } from './json.ts';
import type { ExplainNode } from './node.ts';
import { leaf, Place } from './node.ts';

/** An APDU and its tree. */
export interface ExplainedApdu {
  readonly apdu: Apdu;
  readonly node: ExplainNode;
}

/** Decodes an APDU that begins at `base` of what is explained, `depth` others around it; throws what `decodeApdu` throws. */
export function explainApdu(octets: Uint8Array, base: number, depth = 0): ExplainedApdu {
  const walk = new TracingWalk(octets, base);
  const apdu = decodeApdu(octets, walk);
  const hex = toHex(octets);
  const fields = new FieldNodes(new Place(hex, base), walk.nodes, depth);
  const { apdu: name, ...shape } = shapeOfApdu(apdu, depth);
  const tag = leaf('tag', base, hex.slice(0, 2), String(name));
  const node = {
    name: String(name),
    offset: base,
    hex,
    section: sectionOf(apdu.apdu),
    children: [tag, ...fields.of(shape)],
  };
  return { apdu, node };
}

/** Turns the JSON form of an APDU into nodes; data values are taken from the trace, in the order they were read. */
class FieldNodes {
  readonly #place: Place;
  readonly #data: readonly ExplainNode[];
  readonly #depth: number;
  #used = 0;
  /** The octets shown last. */
  #last: ExplainNode = leaf('', null, '');

  constructor(place: Place, data: readonly ExplainNode[], depth: number) {
    this.#depth = depth;
    this.#place = place;
    this.#data = data;
  }

  of(shape: JsonObject): ExplainNode[] {
    return Object.entries(shape).map(([name, value]) => this.#field(name, value));
  }

  #field(name: string, value: Json): ExplainNode {
    if (typeof value === 'string' && /Hex$|SystemTitle$|ApTitle$|^transactionId$|^systemTitle$/.test(name)) {
      this.#last = leaf(name.replace(/Hex$/, ''), this.#place.find(value), value, value);
      return this.#last;
    }
    if (isJsonList(value)) {
      if (value.every((item) => typeof item === 'string')) return leaf(name, null, '', value.join(', '));
      return this.#group(
        name,
        value.map((item, at) => this.#field(`[${at}]`, item)),
      );
    }
    if (!isJsonObject(value)) return leaf(name, null, '', value ?? 'none');
    if ('type' in value) return this.#value(name);
    if ('instanceId' in value) return this.#descriptor(name, value);
    if ('apdu' in value) return this.#inner(String(value['apdu']));
    return this.#group(name, this.of(value));
  }

  /** An APDU inside: its octets are those of the field just before. */
  #inner(name: string): ExplainNode {
    const { offset, hex } = this.#last;
    return offset === null ? leaf(name, null, '') : explainApdu(fromHex(hex), offset, this.#depth + 1).node;
  }

  #group(name: string, children: readonly ExplainNode[]): ExplainNode {
    return { name, offset: null, hex: '', children };
  }

  #value(name: string): ExplainNode {
    const node = this.#data[this.#used++];
    if (node === undefined) return leaf(name, null, '');
    if (node.offset !== null) this.#place.moveTo(node.offset + node.hex.length / 2);
    return name.startsWith('[') ? node : { ...node, name: `${name}: ${node.name}` };
  }

  #descriptor(name: string, value: JsonObject): ExplainNode {
    const classId = Number(value['classId']);
    const isMethod = 'methodId' in value;
    const member = Number(value[isMethod ? 'methodId' : 'attributeId']);
    const instance = String(value['instanceId']);
    const hex = hexOfDescriptor(classId, instance, member);
    const offset = this.#place.find(hex);
    const className = interfaceClassOf(classId, 255)?.table.name;
    const memberName = isMethod ? methodName(classId, member) : attributeName(classId, member);
    const words =
      `class ${classId}${className === undefined ? '' : ` ${className}`}, ${instance}, ` +
      `${isMethod ? 'method' : 'attribute'} ${member}${memberName === undefined ? '' : ` ${memberName}`}`;
    const known = new Set(['classId', 'instanceId', 'attributeId', 'methodId']);
    const rest = Object.entries(value).filter(([key]) => !known.has(key));
    return { name, offset, hex: offset === null ? '' : hex, value: words, children: this.of(Object.fromEntries(rest)) };
  }
}

function hexOfDescriptor(classId: number, instance: string, member: number): string {
  const word = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  return `${word(classId, 4)}${toHex(obisToOctets(parseObis(instance)))}${word(member & 0xff, 2)}`;
}

/** Where a service is defined. Section names, since clause numbers move from edition to edition. */
export function sectionOf(name: string): string {
  const found = SECTIONS.find(([prefix]) => name.startsWith(prefix));
  return found?.[1] ?? 'Green Book, ASN.1 module of the APDUs';
}

const SECTIONS: readonly (readonly [prefix: string, section: string])[] = [
  ['aar', 'Green Book, ACSE: establishing an association'],
  ['rlr', 'Green Book, ACSE: releasing an association'],
  ['initiate', 'Green Book, xDLMS initiate'],
  ['confirmed-service-error', 'Green Book, confirmed service error'],
  ['get-', 'Green Book, GET service'],
  ['set-', 'Green Book, SET service'],
  ['action-', 'Green Book, ACTION service'],
  ['access-', 'Green Book, ACCESS service'],
  ['data-notification', 'Green Book, data notification'],
  ['event-', 'Green Book, event notification'],
  ['exception', 'Green Book, exception response'],
  ['general-block', 'Green Book, general block transfer'],
  ['general-signing', 'Green Book, general signing'],
  ['general-', 'Green Book, general ciphering'],
  ['glo-', 'Green Book, service-specific ciphering'],
  ['ded-', 'Green Book, service-specific ciphering'],
  ['gateway', 'Green Book, gateway protocol'],
  ['read', 'Green Book, services with short names'],
  ['write', 'Green Book, services with short names'],
  ['unconfirmed-write', 'Green Book, services with short names'],
  ['information-report', 'Green Book, services with short names'],
];
