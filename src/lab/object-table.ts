/** An association's object list as a table. */

import { type ClassRules, interfaceClassOf } from '../dlms/cosem/classes/index.ts';
import { obisName } from '../dlms/cosem/obis-names.ts';
import type { AttributeRight, MethodRight, ObjectListEntry } from '../dlms/cosem/object-list.ts';
import type { TextTable } from './text-table.ts';

/** Class, version, name and rights of each object, as the meter lists them. */
export function objectListTable(entries: readonly ObjectListEntry[], rules: ClassRules = {}): TextTable {
  return {
    columns: ['class', 'version', 'class name', 'logical name', 'meaning', 'attributes', 'methods'],
    rows: entries.map((entry) => [
      String(entry.classId),
      String(entry.version),
      classWords(entry.classId, entry.version, rules),
      entry.obis,
      obisName(entry.obis) ?? '',
      attributesText(entry.attributes),
      methodsText(entry.methods),
    ]),
  };
}

/** The name of a class; of a version that the tables do not have, marked: the nearest lower one then stands for it. */
export function classWords(classId: number, version: number, rules: ClassRules = {}): string {
  const found = interfaceClassOf(classId, version, rules);
  if (found === undefined) return `class ${classId}`;
  return found.exact ? found.table.name : `${found.table.name} (version not known)`;
}

/** `1-3 r, 4 rw`: what this client may do, attributes without any right left out. */
export function attributesText(attributes: readonly AttributeRight[]): string {
  const rights = attributes.map(({ id, canRead, canWrite }) => ({
    id,
    text: `${canRead ? 'r' : ''}${canWrite ? 'w' : ''}`,
  }));
  return runsText(rights.filter(({ text }) => text !== ''));
}

/** `1-2`: methods that this client may invoke. */
export function methodsText(methods: readonly MethodRight[]): string {
  return runsText(methods.filter(({ canInvoke }) => canInvoke).map(({ id }) => ({ id, text: '' })));
}

function runsText(items: readonly { readonly id: number; readonly text: string }[]): string {
  const runs: { from: number; to: number; text: string }[] = [];
  for (const { id, text } of [...items].sort((a, b) => a.id - b.id)) {
    const last = runs.at(-1);
    if (last !== undefined && last.text === text && last.to === id - 1) last.to = id;
    else runs.push({ from: id, to: id, text });
  }
  return runs.map(({ from, to, text }) => `${from === to ? from : `${from}-${to}`} ${text}`.trim()).join(', ');
}
