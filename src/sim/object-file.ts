/** Files of objects: which objects of which classes a simulated meter has beside those of its profile, in YAML. */
import Type, { type Static } from 'typebox';
import { DeltawattError } from '../base/errors.ts';
import { type Problem, problemsOf } from '../base/problems.ts';
import { closest } from '../base/suggest.ts';
import { parseYaml } from '../base/yaml.ts';
import type { Data } from '../dlms/axdr/data.ts';
import { dataToOctets } from '../dlms/axdr/decode.ts';
import { type ClassRules, INTERFACE_CLASSES, interfaceClassOf } from '../dlms/cosem/classes/index.ts';
import { defaultDataOf } from '../dlms/cosem/default-value.ts';
import type { ClassAttribute, InterfaceClass } from '../dlms/cosem/interface-class.ts';
import { isObis, parseObis } from '../dlms/cosem/obis.ts';
import { attributeViewOf } from '../dlms/cosem/words.ts';
import { dataOfWritten } from '../dlms/cosem/written-value.ts';
import { ASSOCIATION_CLASS, CURRENT_ASSOCIATION } from '../dlms/session/association-object.ts';
import { OBJECT_FILE_MAX_CHARACTERS, OBJECTS_MAX } from './limits.ts';
import type { ListedObjectRule } from './meter/objects/listed.ts';

const closed = { additionalProperties: false } as const;

const OBJECT = Type.Object(
  {
    class: Type.Integer({ minimum: 1, maximum: 0xffff, description: 'interface class: a number from 1 to 65535' }),
    version: Type.Optional(Type.Integer({ minimum: 0, maximum: 255, description: 'version of the class' })),
    obis: Type.String({ description: 'logical name: an OBIS code such as 0-0:96.1.0' }),
    values: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'values by name or number of the attribute' }),
    ),
    access: Type.Optional(
      Type.Record(Type.String(), Type.Unsafe<Access>(Type.Enum(['none', 'r', 'w', 'rw'])), {
        description: 'rights by name or number of the attribute: none, r, w or rw',
      }),
    ),
    public: Type.Optional(Type.Boolean({ description: 'true when every client sees it' })),
  },
  closed,
);

const OBJECT_FILE_SHAPE = Type.Object(
  { objects: Type.Array(OBJECT, { minItems: 1, maxItems: OBJECTS_MAX, description: 'list of objects' }) },
  { ...closed, description: 'a file of objects' },
);

type Access = 'none' | 'r' | 'w' | 'rw';
type WrittenObject = Static<typeof OBJECT>;

/** The objects of a file, or everything that is wrong with it. */
export type ParsedObjectFile =
  | { readonly ok: true; readonly objects: readonly ListedObjectRule[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** What a client with full rights may do, where the file does not say. */
const USUAL_ACCESS: Readonly<Record<ClassAttribute['access'], Access>> = { read: 'r', write: 'w', 'read-write': 'rw' };

/** Reads a file of objects; `rules` say which class tables may be used. */
export function parseObjectFile(text: string, rules: ClassRules): ParsedObjectFile {
  const yaml = parseYaml(text, OBJECT_FILE_MAX_CHARACTERS);
  if (!yaml.ok) return yaml;
  const misshapen = problemsOf(OBJECT_FILE_SHAPE, yaml.value);
  if (misshapen.length > 0) return { ok: false, problems: misshapen };
  const problems: Problem[] = [];
  const objects: ListedObjectRule[] = [];
  const names = new Set<string>([CURRENT_ASSOCIATION]);
  for (const [at, written] of (yaml.value as Static<typeof OBJECT_FILE_SHAPE>).objects.entries()) {
    const object = new ObjectReader(written, `objects[${at}]`, rules, problems).read();
    if (object === null) continue;
    if (names.has(object.obis)) problems.push({ path: `objects[${at}].obis`, sentence: takenWords(object) });
    names.add(object.obis);
    objects.push(object);
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, objects };
}

function takenWords({ obis }: ListedObjectRule): string {
  if (obis !== CURRENT_ASSOCIATION) return `${obis} is there already: give each object a name of its own.`;
  return `${obis} is the association in use (class ${ASSOCIATION_CLASS}), which is always there: take 0-0:40.0.1 to 0-0:40.0.15.`;
}

/** One entry: problems go into the list of the file. */
class ObjectReader {
  readonly #before: number;

  constructor(
    private readonly written: WrittenObject,
    private readonly path: string,
    private readonly rules: ClassRules,
    private readonly problems: Problem[],
  ) {
    this.#before = problems.length;
  }

  /** The object, or null when it has problems. */
  read(): ListedObjectRule | null {
    const { obis, values = {}, access = {} } = this.written;
    if (!isObis(obis)) this.#note('obis', `${obis} is no OBIS code: write one such as 0-0:96.1.0.`);
    const table = this.#table();
    if (table === null) return null;
    const given = this.#byAttribute(table, 'values', values);
    const rights = this.#byAttribute(table, 'access', access);
    const own = table.attributes.filter(({ index }) => index > 1);
    const held = new Map(own.map((attribute) => [attribute.index, this.#value(table, attribute, given)]));
    const may = (letter: 'r' | 'w') =>
      own
        .filter((attribute) => (rights.get(attribute.index)?.value ?? USUAL_ACCESS[attribute.access]).includes(letter))
        .map(({ index }) => index);
    if (this.problems.length > this.#before) return null;
    return {
      table,
      obis: parseObis(obis),
      values: held,
      readable: may('r'),
      writable: may('w'),
      isPublic: this.written.public ?? false,
    };
  }

  #note(key: string, sentence: string): void {
    this.problems.push({ path: `${this.path}.${key}`, sentence });
  }

  /** The table of exactly this version; without one, of the newest. */
  #table(): InterfaceClass | null {
    const { class: id, version } = this.written;
    const found = interfaceClassOf(id, version ?? 255, this.rules);
    if (found !== undefined && (version === undefined || found.exact)) return found.table;
    const known = INTERFACE_CLASSES.filter((table) => table.id === id).map((table) => table.version);
    const isUnsure = known.includes(version ?? -1) || (known.length > 0 && version === undefined);
    if (isUnsure) {
      this.#note('class', `Class ${id} in this version is known from memory alone: serve it with --unsure-classes.`);
    } else if (known.length > 0) {
      this.#note('version', `Class ${id} has no version ${version}: there are ${known.join(', ')}.`);
    } else {
      this.#note('class', `There is no table of class ${id}: docs/dlms.md lists those that there are.`);
    }
    return null;
  }

  /** Keys that are names or numbers of attributes, as numbers. */
  #byAttribute<Value>(
    table: InterfaceClass,
    section: 'values' | 'access',
    entries: Readonly<Record<string, Value>>,
  ): ReadonlyMap<number, { readonly key: string; readonly value: Value }> {
    const found = new Map<number, { readonly key: string; readonly value: Value }>();
    const own = table.attributes.filter(({ index }) => index > 1);
    for (const [key, value] of Object.entries(entries)) {
      const attribute = own.find(({ index, name }) => name === key || String(index) === key);
      if (attribute === undefined) this.#note(`${section}.${key}`, strangeAttribute(table, own, key));
      else if (found.has(attribute.index)) this.#note(`${section}.${key}`, `${attribute.name} is written twice.`);
      else found.set(attribute.index, { key, value });
    }
    return found;
  }

  #value(
    table: InterfaceClass,
    attribute: ClassAttribute,
    given: ReadonlyMap<number, { readonly key: string; readonly value: unknown }>,
  ): Data {
    const written = given.get(attribute.index);
    if (written === undefined) return defaultDataOf(table, attribute);
    const view = attributeViewOf(table.id, table.version, attribute.index, this.rules);
    try {
      const data = dataOfWritten(written.value, view);
      dataToOctets(data);
      return data;
    } catch (error) {
      if (!(error instanceof DeltawattError)) throw error;
      this.#note(`values.${written.key}`, `${error.detail}.`);
      return { type: 'null-data' };
    }
  }
}

function strangeAttribute(table: InterfaceClass, own: readonly ClassAttribute[], key: string): string {
  const names = own.map(({ name }) => name);
  const near = closest(key, names);
  const way = near === undefined ? `there are ${names.join(', ')}` : `do you mean ${near}?`;
  return `${table.name} (class ${table.id} version ${table.version}) has no attribute ${key}: ${way}${near === undefined ? '.' : ''}`;
}
