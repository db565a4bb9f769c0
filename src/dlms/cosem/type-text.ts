/**
 * The short notation of the class tables read into types: `{class u16, ln os6, actions ar{service en, parameter ch}}`.
 *
 * The notation is written for people, so what it leaves open ("or", a name without a type) becomes `any` instead of an
 * error: a type here gives names and hints for showing a value, it never decides whether a value is taken.
 */

import type { DataType } from '../axdr/data.ts';
import { INTERFACE_CLASSES } from './classes/index.ts';
import type { ClassAttribute, InterfaceClass } from './interface-class.ts';

/** A type as the tables write it. */
export type TypeText =
  | { readonly kind: 'any' }
  /** `size`: octets of an octet-string or bits of a bit-string; null = any number. */
  | { readonly kind: 'plain'; readonly type: DataType; readonly size: number | null }
  | { readonly kind: 'array'; readonly of: TypeText }
  | { readonly kind: 'structure'; readonly fields: readonly TypeField[] };

/** A field of a structure. */
export interface TypeField {
  readonly name: string;
  readonly type: TypeText;
}

const ANY: TypeText = { kind: 'any' };

const PLAIN_TYPES: Readonly<Record<string, DataType>> = {
  u8: 'unsigned',
  u16: 'long-unsigned',
  u32: 'double-long-unsigned',
  u64: 'long64-unsigned',
  i8: 'integer',
  i16: 'long',
  i32: 'double-long',
  i64: 'long64',
  os: 'octet-string',
  vs: 'visible-string',
  utf8: 'utf8-string',
  bs: 'bit-string',
  en: 'enum',
  bo: 'boolean',
  dt: 'date-time',
};

/** Structures that several attributes share: protection parameters (30, 40), unit charge (113), network parameters (151). */
const SHARED: Readonly<Record<string, string>> = {
  PP: '{protection_type en, options st{transaction_id os, originator os, recipient os, other os, key_info st{type en, options st}}}',
  UC: '{scaling st{commodity_scale i8, price_scale i8}, commodity st{class u16, ln os6, attribute i8}, table ar{index os, charge_per_unit i16}}',
  NP: '{T3402 u16, T3412 u16, T3412ext2 u32, T3324 u16, TeDRX u32, TPTW u16, qRxlevMin i8, qRxlevMinCE i8, qRxlevMinCE1 i8}',
};

const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

/** Reads one type: `u16`, `os6`, `ar u8`, `ar{...}`, `st{...}`, `{...}`. */
export function parseTypeText(text: string): TypeText {
  const words = text.trim().replace(/^null or /, '');
  const shared = SHARED[words];
  if (shared !== undefined) return parseTypeText(shared);
  const body = /^(?:st ?)?\{(.*)\}$/s.exec(words)?.[1];
  if (body !== undefined) return { kind: 'structure', fields: fieldsOf(body) };
  const element = /^ar(?: |(?=\{))(.*)$/s.exec(words)?.[1];
  if (element !== undefined) return { kind: 'array', of: parseTypeText(element) };
  return plainTypeOf(words);
}

function plainTypeOf(words: string): TypeText {
  const match = /^(u8|u16|u32|u64|i8|i16|i32|i64|utf8|os|vs|bs|en|bo|dt)(\d*)$/.exec(words);
  const type = PLAIN_TYPES[match?.[1] ?? ''];
  if (match === null || type === undefined) return ANY;
  return { kind: 'plain', type, size: match[2] === '' ? null : Number(match[2]) };
}

function fieldsOf(body: string): TypeField[] {
  const shared = /^(.*) all (\w+)$/s.exec(body);
  const [, list = body, type] = shared ?? [];
  return splitTopLevel(list).flatMap((part) => fieldOf(type === undefined ? part : `${part} ${type}`));
}

function fieldOf(part: string): TypeField[] {
  const repeated = /^(?:monday\.\.sunday )?(\d+) x (\w+)$/.exec(part);
  if (repeated !== null) {
    const type = parseTypeText(repeated[2] ?? '');
    const names = part.startsWith('monday')
      ? DAYS
      : Array.from({ length: Number(repeated[1]) }, (_, at) => `${at + 1}`);
    return names.map((name) => ({ name, type }));
  }
  const [, name = part, rest = ''] = /^(\w+)(?: (.*))?$/s.exec(part) ?? [];
  return [{ name, type: rest === '' ? ANY : parseTypeText(rest) }];
}

/** The parts between the commas that stand in no inner brackets. */
function splitTopLevel(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '{') depth++;
    else if (character === '}') depth--;
    else if (character === ',' && depth === 0) {
      parts.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  return [...parts, text.slice(from).trim()];
}

/** The type of an attribute, references to other versions and attributes followed. */
export function attributeTypeOf(table: InterfaceClass, attribute: ClassAttribute): TypeText {
  const { type, detail } = attribute;
  const referred = detail === undefined ? undefined : referredAttribute(table, attribute, detail);
  if (referred !== undefined) return attributeTypeOf(referred.table, referred.attribute);
  if (type === 'choice') return ANY;
  if (type === 'array') return { kind: 'array', of: detail === undefined ? ANY : parseTypeText(detail) };
  if (type === 'structure') {
    const whole = detail === undefined ? ANY : parseTypeText(detail);
    return whole.kind === 'structure' ? whole : ANY;
  }
  const size = /^size (\d+)$/.exec(detail ?? '')?.[1];
  return { kind: 'plain', type, size: size === undefined ? null : Number(size) };
}

/** `as v1`: the same attribute of version 1; `as active`: the active attribute of the same name. */
function referredAttribute(
  table: InterfaceClass,
  attribute: ClassAttribute,
  detail: string,
): { readonly table: InterfaceClass; readonly attribute: ClassAttribute } | undefined {
  const version = /^as v(\d+)/.exec(detail)?.[1];
  const other =
    version === undefined
      ? table
      : INTERFACE_CLASSES.find((entry) => entry.id === table.id && entry.version === Number(version));
  const name = detail === 'as active' ? attribute.name.replace('passive', 'active') : attribute.name;
  const found = other?.attributes.find((each) => each.name === name);
  return other === undefined || found === undefined || found === attribute
    ? undefined
    : { table: other, attribute: found };
}
