/**
 * Settings of a program: one schema that checks a file, types it, and writes its commented example.
 *
 * Each key says what it is, its unit, its default and its range. A file is parsed once at start into a frozen object;
 * unknown keys are errors; all problems are told at once, each with the path of its key and the way out. Secrets are not
 * in the file: a key names the file that holds one.
 *
 * ```ts
 * const SETTINGS = section('Settings of the edge', {
 *   id: text({ what: 'name of this concentrator', pattern: '^[a-z0-9-]{1,32}$', example: 'edge-1' }),
 *   rest: section('Health and metrics over HTTP', {
 *     port: whole({ what: 'TCP port, 0 takes a free one', from: 0, to: 65_535, default: 9_100 }),
 *   }),
 * });
 * type Settings = ConfigOf<typeof SETTINGS>;
 * const parsed = parseConfig(SETTINGS, fileText);
 * ```
 */
import Type, { type Static, type TObject, type TProperties, type TSchema } from 'typebox';
import Value from 'typebox/value';
import { stringify } from 'yaml';
import { type Problem, problemsOf } from './problems.ts';
import { parseYaml } from './yaml.ts';

/** Characters of a settings file; a long one has a few thousand. */
export const CONFIG_FILE_MAX_CHARACTERS = 262_144;
/** Column at which comments of an example are wrapped. */
const COMMENT_COLUMNS = 110;

/** What every key says about itself. */
export interface KeyOptions<Value> {
  /** What it is, in small letters, without a full stop. */
  readonly what: string;
  /** Taken when the file does not have the key; without it the key must be there. */
  readonly default?: Value;
  /** Shown in the example when there is no default. */
  readonly example?: Value;
}

/** A whole number. `unit` in the plural: seconds, octets. */
export function whole(options: KeyOptions<number> & { from: number; to: number; unit?: string }) {
  const range = `a whole number from ${grouped(options.from)} to ${grouped(options.to)}`;
  return Type.Integer({
    minimum: options.from,
    maximum: options.to,
    ...described(options, withUnit(range, options.unit)),
  });
}

/** A number that may have a fraction. */
export function decimal(options: KeyOptions<number> & { from: number; to: number; unit?: string }) {
  const range = `a number from ${grouped(options.from)} to ${grouped(options.to)}`;
  return Type.Number({
    minimum: options.from,
    maximum: options.to,
    ...described(options, withUnit(range, options.unit)),
  });
}

/** A text. `form` says in words what `pattern` says in signs. */
export function text(options: KeyOptions<string> & { pattern?: string; form?: string; maxLength?: number }) {
  return Type.String({
    minLength: 1,
    maxLength: options.maxLength ?? 1_000,
    ...(options.pattern === undefined ? {} : { pattern: options.pattern }),
    ...described(options, options.form),
  });
}

/** Yes or no. */
export function yesNo(options: KeyOptions<boolean>) {
  return Type.Boolean(described(options, 'true or false'));
}

/** One of a few words. */
export function oneOf<const Words extends readonly string[]>(words: Words, options: KeyOptions<Words[number]>) {
  return Type.Unsafe<Words[number]>(Type.Enum([...words], described(options, `one of ${words.join(', ')}`)));
}

/** A list of up to `max` entries; without a default it may be left out and is empty. */
export function list<Entry extends TSchema>(
  entry: Entry,
  options: { readonly what: string; readonly max: number; readonly example?: readonly unknown[] },
) {
  const described = { description: `${options.what}: a list of up to ${grouped(options.max)}`, default: [] };
  const example = options.example === undefined ? {} : { example: options.example };
  return Type.Array(entry, { maxItems: options.max, ...described, ...example });
}

/** A key that may be left out and then has no value; of a section, then, none of its keys. */
export function maybe<Key extends TSchema>(key: Key) {
  const optional = Type.Optional(key);
  // Defaults are filled in wherever the schema has one, and this one would call the section into being.
  Reflect.deleteProperty(optional, 'default');
  return optional;
}

/** Keys under a name of their own. A section that is left out is an empty one. */
export function section<const Keys extends TProperties>(what: string, keys: Keys): TObject<Keys> {
  return Type.Object(keys, { additionalProperties: false, description: what, default: {} });
}

/** The type of a parsed file. */
export type ConfigOf<Schema extends TSchema> = DeepReadonly<Static<Schema>>;

type DeepReadonly<T> = T extends readonly (infer Entry)[]
  ? readonly DeepReadonly<Entry>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/** A parsed file, or everything that is wrong with it. */
export type ParsedConfig<Schema extends TSchema> =
  | { readonly ok: true; readonly config: ConfigOf<Schema> }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Parses a settings file. `check` looks for contradictions between keys of a file whose keys are right one by one.
 * The result is frozen, with every default filled in.
 */
export function parseConfig<Schema extends TSchema>(
  schema: Schema,
  fileText: string,
  check: (config: ConfigOf<Schema>) => readonly Problem[] = () => [],
): ParsedConfig<Schema> {
  const yaml = parseYaml(fileText, CONFIG_FILE_MAX_CHARACTERS);
  if (!yaml.ok) return yaml;
  const value = Value.Default(schema, withEmptySections(schema, yaml.value));
  const problems = problemsOf(schema, value);
  if (problems.length > 0) return { ok: false, problems };
  const config = frozen(value) as ConfigOf<Schema>;
  const contradictions = check(config);
  return contradictions.length > 0 ? { ok: false, problems: contradictions } : { ok: true, config };
}

/** The commented example of a schema: every key with its meaning, its range and its default. It parses. */
export function printExample(schema: TObject, program: string): string {
  const head = comment(
    `${program}: ${(schema as Shown).description ?? 'settings'}. Every key is shown with its default; a key that is left out has it. ` +
      'Keys marked "required" must be there; those that begin with # are off.',
    '',
  );
  return `${[...head, '', ...sectionLines(schema, '')].join('\n')}\n`;
}

interface Shown {
  readonly description?: string;
  readonly default?: unknown;
  readonly example?: unknown;
  readonly properties?: Record<string, TSchema>;
}

function sectionLines(schema: TSchema, indent: string): string[] {
  const properties = Object.entries((schema as Shown).properties ?? {});
  return properties.flatMap(([name, key], index) => [...(index === 0 ? [] : ['']), ...keyLines(name, key, indent)]);
}

function keyLines(name: string, key: TSchema, indent: string): string[] {
  const shown = key as Shown;
  const optional = Type.IsOptional(key);
  const isSection = shown.properties !== undefined;
  const required = !optional && !isSection && shown.default === undefined;
  const marks = required ? ', required' : optional ? ', optional' : '';
  const comments = comment(`${sentence(shown.description ?? name)}${marks}.`, indent);
  if (isSection) {
    const lines = [`${indent}${name}:`, ...sectionLines(key, `${indent}  `)];
    return [...comments, ...(optional ? off(lines, indent) : lines)];
  }
  const value = shown.default ?? shown.example ?? '';
  const emptyList = Array.isArray(value) && value.length === 0;
  const lines = yamlLines(name, emptyList ? [] : value, indent);
  if (optional) return [...comments, ...off(lines, indent)];
  if (!emptyList || shown.example === undefined) return [...comments, ...lines];
  return [...comments, ...lines, ...off(yamlLines(name, shown.example, indent), indent)];
}

function yamlLines(name: string, value: unknown, indent: string): string[] {
  return stringify({ [name]: value }, { lineWidth: 0 })
    .trimEnd()
    .split('\n')
    .map((line) => indent + line);
}

function off(lines: readonly string[], indent: string): string[] {
  return lines.map((line) => `${indent}# ${line.slice(indent.length)}`.trimEnd());
}

function comment(words: string, indent: string): string[] {
  const lines: string[] = [];
  let line = `${indent}#`;
  for (const word of words.split(' ')) {
    if (line.length + 1 + word.length > COMMENT_COLUMNS) {
      lines.push(line);
      line = `${indent}#`;
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function described<Value>(options: KeyOptions<Value>, form: string | undefined) {
  return {
    description: form === undefined ? options.what : `${options.what}: ${form}`,
    ...(options.default === undefined ? {} : { default: options.default }),
    ...(options.example === undefined ? {} : { example: options.example }),
  };
}

function withUnit(range: string, unit: string | undefined): string {
  return unit === undefined ? range : `${range} ${unit}`;
}

/** 1000000 as 1,000,000; years and ports stay readable without. */
function grouped(value: number): string {
  const digits = String(value);
  return Math.abs(value) < 100_000 ? digits : digits.replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A section whose keys are all commented out reads as null: it is an empty section. So is an empty file. */
function withEmptySections(schema: TSchema, value: unknown): unknown {
  const { properties } = schema as Shown;
  if (properties === undefined) return value;
  if (value === null || value === undefined) return withEmptySections(schema, {});
  if (typeof value !== 'object' || Array.isArray(value)) return value;
  const filled: Record<string, unknown> = { ...value };
  for (const [name, key] of Object.entries(properties)) {
    if (!(name in filled)) continue;
    // An optional section that is named and empty was meant to be off.
    if (filled[name] === null && Type.IsOptional(key)) delete filled[name];
    else filled[name] = withEmptySections(key, filled[name]);
  }
  return filled;
}

function frozen(value: unknown): unknown {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) frozen(inner);
    Object.freeze(value);
  }
  return value;
}
