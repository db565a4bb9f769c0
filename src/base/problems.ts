/** What is wrong with a file, in sentences: every problem with the path of its key and the way out. */
import type { TSchema } from 'typebox';
import { Settings } from 'typebox/system';
import Value from 'typebox/value';
import { closest } from './suggest.ts';

/** Problems told of one file: after these the file is hopeless anyway. */
export const PROBLEMS_MAX = 100;

/** A wrong choice among n gives n errors, an unknown key two: the longest choice has eight. */
const ERRORS_PER_PROBLEM = 8;

/** One mistake in a file. */
export interface Problem {
  /** Path of the key, `registers[2].unit`; empty = the file as a whole. */
  readonly path: string;
  /** What is wrong and what to write instead. */
  readonly sentence: string;
}

/** Everything in which `value` differs from the schema: unknown keys, missing keys, wrong values; empty = nothing. */
export function problemsOf(schema: TSchema, value: unknown): Problem[] {
  const problems = new Map<string, Problem>();
  const note = (path: string, sentence: string) => {
    if (!problems.has(path) && problems.size < PROBLEMS_MAX) problems.set(path, { path, sentence });
  };
  for (const error of errorsOf(schema, value)) {
    const params = error.params as Record<string, unknown>;
    const path = pathOf(error.instancePath, value);
    switch (error.keyword) {
      case 'additionalProperties':
        for (const key of textsOf(params['additionalProperties']))
          note(join(path, key), unknownKey(schema, error.schemaPath, key));
        break;
      case 'required':
        for (const key of textsOf(params['requiredProperties']))
          note(join(path, key), missing(schema, error.schemaPath, key));
        break;
      case 'boolean':
        break;
      default:
        note(path, wrong(schema, error.schemaPath, error.message));
    }
  }
  return [...problems.values()];
}

/** All problems of a file in lines. */
export function problemsText(name: string, problems: readonly Problem[]): string {
  return problems
    .map((problem) => `${name}: ${problem.path === '' ? '' : `${problem.path}: `}${problem.sentence}`)
    .join('\n');
}

/** All errors: the library stops after eight unless told otherwise, and its setting is shared, so it is put back. */
function errorsOf(schema: TSchema, value: unknown): ReturnType<typeof Value.Errors> {
  const { maxErrors } = Settings.Get();
  Settings.Set({ maxErrors: PROBLEMS_MAX * ERRORS_PER_PROBLEM });
  try {
    return Value.Errors(schema, value);
  } finally {
    Settings.Set({ maxErrors });
  }
}

function wrong(schema: TSchema, schemaPath: string, message: string): string {
  const description = descriptionAt(schema, schemaPath);
  return description === null ? `This ${message}.` : `Write ${inSentence(description)}.`;
}

function unknownKey(schema: TSchema, schemaPath: string, key: string): string {
  const known = Object.keys(recordOf(nodeAt(schema, schemaPath)?.['properties']));
  const meant = closest(key, known);
  if (meant !== undefined) return `This key is not known: did you mean ${meant}?`;
  return `This key is not known: remove it, or use one of ${known.join(', ')}.`;
}

function missing(schema: TSchema, schemaPath: string, key: string): string {
  const property = recordOf(recordOf(nodeAt(schema, schemaPath)?.['properties'])[key]);
  const description = property['description'];
  return typeof description === 'string'
    ? `This key is missing: write ${inSentence(description)}.`
    : 'This key is missing: add it.';
}

/** A description that begins a sentence elsewhere, inside one: `Address` becomes `address`, `TCP` stays. */
function inSentence(description: string): string {
  return /^[A-Z][a-z]/.test(description) ? description.charAt(0).toLowerCase() + description.slice(1) : description;
}

/** The nearest description on the way to the failing rule: a branch of a union is explained by the union. */
function descriptionAt(schema: TSchema, schemaPath: string): string | null {
  const steps = stepsOf(schemaPath);
  const union = steps.indexOf('anyOf');
  const end = union === -1 ? steps.length : union;
  for (let length = end; length >= 0; length--) {
    const description = walk(schema, steps.slice(0, length))?.['description'];
    if (typeof description === 'string') return description;
  }
  return null;
}

function nodeAt(schema: TSchema, schemaPath: string): Record<string, unknown> | undefined {
  return walk(schema, stepsOf(schemaPath));
}

function walk(schema: TSchema, steps: readonly string[]): Record<string, unknown> | undefined {
  let node: Record<string, unknown> | undefined = recordOf(schema);
  for (const step of steps) node = node === undefined ? undefined : recordOf(node[step]);
  return node;
}

function stepsOf(schemaPath: string): string[] {
  return schemaPath
    .replace(/^#\/?/, '')
    .split('/')
    .filter((step) => step !== '')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** `/registers/2/unit` as `registers[2].unit`; names of list items are added so that a person finds the place. */
function pathOf(instancePath: string, value: unknown): string {
  let path = '';
  let node = value;
  for (const step of stepsOf(instancePath)) {
    path = Array.isArray(node) ? `${path}[${step}]` : join(path, step);
    node = recordOf(node)[step];
  }
  return path;
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
