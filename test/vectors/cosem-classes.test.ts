/** The class tables against the list that they were written from: `cosem-classes.json`, row by row. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { attributeName, INTERFACE_CLASSES, interfaceClassOf, methodName } from '../../src/dlms/cosem/classes/index.ts';
import type { ClassAttribute, InterfaceClass } from '../../src/dlms/cosem/interface-class.ts';

interface ClassRow {
  readonly id: number;
  readonly version: number;
  readonly name: string;
  readonly attributes: readonly Readonly<Record<string, unknown>>[];
  readonly methods: readonly Readonly<Record<string, unknown>>[];
  readonly sources: number;
  readonly typeSources: number;
  readonly note?: string;
}

const ROWS: readonly ClassRow[] = JSON.parse(
  readFileSync(join(import.meta.dirname, 'cosem-classes.json'), 'utf8'),
) as ClassRow[];

/** What the list says of an attribute; access and names of values are the table's own. */
function listed({ index, name, type, detail }: ClassAttribute): Readonly<Record<string, unknown>> {
  return { index, name, type, ...(detail === undefined ? {} : { detail }) };
}

function rowOf(table: InterfaceClass): ClassRow {
  const { id, version, name, methods, certainty, note } = table;
  return {
    id,
    version,
    name,
    attributes: table.attributes.map(listed),
    methods: methods.map((method) => ({ ...method })),
    sources: certainty.names,
    typeSources: certainty.types,
    ...(note === undefined ? {} : { note }),
  };
}

test('HE-7 class tables: 86 classes in 116 versions, in the order of the list', () => {
  assert.equal(ROWS.length, 116);
  assert.equal(new Set(INTERFACE_CLASSES.map(({ id }) => id)).size, 86);
  assert.deepEqual(
    INTERFACE_CLASSES.map(({ id, version }) => `${id} v${version}`),
    ROWS.map(({ id, version }) => `${id} v${version}`),
  );
});

for (const row of ROWS) {
  test(`HE-7 class ${row.id} v${row.version} ${row.name}: attributes, types, methods and certainty are the list's`, () => {
    const table = INTERFACE_CLASSES.find(({ id, version }) => id === row.id && version === row.version);
    assert.ok(table !== undefined);
    assert.deepEqual(rowOf(table), row);
    assert.deepEqual(
      table.attributes.map(({ index }) => index),
      table.attributes.map((_, at) => at + 1),
    );
  });
}

test('HE-7 names of values belong to attributes and fields that can hold them', () => {
  for (const { id, version, attributes } of INTERFACE_CLASSES) {
    for (const { name, type, detail, values, fieldValues } of attributes) {
      const where = `class ${id} v${version} ${name}`;
      if (values !== undefined) assert.ok(['enum', 'unsigned'].includes(type), where);
      for (const field of Object.keys(fieldValues ?? {})) assert.match(detail ?? '', new RegExp(`\\b${field} en`), where);
    }
  }
});

test('HE-7 tables from memory alone are used only when the caller says unsureClasses', () => {
  const unsure = ROWS.filter((row) => row.sources === 0);
  assert.equal(unsure.length, 10);
  for (const { id, version } of unsure) {
    assert.notEqual(interfaceClassOf(id, version)?.exact, true, `class ${id} v${version}`);
    assert.equal(interfaceClassOf(id, version, { unsureClasses: true })?.exact, true);
  }
  assert.equal(interfaceClassOf(67, 0), undefined);
  assert.deepEqual([interfaceClassOf(12, 3)?.table.version, interfaceClassOf(12, 3)?.exact], [2, false]);
  assert.equal(attributeName(105, 4), undefined);
  assert.equal(attributeName(105, 4, { unsureClasses: true }), 'protocol_address');
  assert.equal(methodName(104, 10), undefined);
  assert.equal(methodName(104, 10, { unsureClasses: true }), 'create_PAN');
});

test('docs/dlms.md lists every class with its versions and their certainty', () => {
  const document = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'dlms.md'), 'utf8');
  const certainty = ({ sources, typeSources }: ClassRow) => (sources === 0 ? 'memory' : `${sources}/${typeSources}`);
  const expected = [...new Set(ROWS.map(({ id }) => id))].map((id) => {
    const versions = ROWS.filter((row) => row.id === id);
    const list = versions.map((row) => `${row.version} (${certainty(row)})`).join(', ');
    return `| ${id} | ${versions.at(-1)?.name} | ${list} |`;
  });
  const listed = document.split('\n').filter((line) => /^\| \d+ \| .+ \| \d+ \((memory|\d\/\d)\)/.test(line));
  assert.deepEqual(listed, expected);
});
