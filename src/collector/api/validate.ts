/**
 * Request parts against their schemas, with typebox's own compiler: Fastify's default would drop unknown keys in silence
 * and turn "5" into 5 in bodies too. Here unknown keys are refused by name, texts become numbers only where everything is
 * text (path and query), and every fault has a JSON pointer.
 */

import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { ApiError, type ApiErrorCode, type Fault } from './errors.ts';

/** The parts as Fastify names them, as our pointers name them, and their code. */
const PARTS: Readonly<Record<string, readonly [string, ApiErrorCode]>> = {
  querystring: ['query', 'QUERY_INVALID'],
  params: ['path', 'PATH_INVALID'],
  headers: ['headers', 'HEADER_INVALID'],
  body: ['body', 'BODY_INVALID'],
};

/** Faults named in one answer; the rest is more of the same. */
const FAULTS_MAX = 20;

/** Checks one part: the value to use, or the error to answer. */
export type Check = (data: unknown) => { readonly value: unknown } | { readonly error: ApiError };

/** The check of one part of a request. */
export function checkOf(schema: TSchema, httpPart: string): Check {
  const [name, code] = PARTS[httpPart] ?? ['body', 'BODY_INVALID'];
  const validator = Compile(schema);
  const isText = name === 'query' || name === 'path';
  const known = knownKeys(schema);
  return (data) => {
    const value = isText ? validator.Convert(data ?? {}) : data;
    if (validator.Check(value)) return { value };
    if (name === 'query') {
      const foreign = Object.keys((value ?? {}) as object).find((key) => !known.includes(key));
      if (foreign !== undefined) {
        const keys = known.length === 0 ? 'it takes none' : `it takes ${known.join(', ')}`;
        return {
          error: new ApiError(
            'QUERY_KEY_UNKNOWN',
            pointerOf(name, `/${foreign}`),
            `'${foreign}' is unknown here: ${keys}`,
          ),
        };
      }
    }
    const faults = faultsOf(validator.Errors(value), name);
    const first = faults[0] ?? { pointer: `#/${name}`, detail: '' };
    return { error: new ApiError(code, first.pointer, first.detail, faults) };
  };
}

interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

/** The leaves of what the compiler found, each place once. */
function faultsOf(errors: readonly SchemaError[], name: string): Fault[] {
  const faults = new Map<string, Fault>();
  for (const error of errors) {
    if (error.keyword === 'additionalProperties') continue;
    const missing = (error.params as { requiredProperties?: readonly string[] }).requiredProperties;
    const places = missing === undefined ? [error.instancePath] : missing.map((key) => `${error.instancePath}/${key}`);
    for (const place of places) {
      const pointer = pointerOf(name, place);
      const detail = missing === undefined ? wordsOf(error) : 'is required';
      if (!faults.has(pointer)) faults.set(pointer, { pointer, detail: `${pointer.slice(2)} ${detail}` });
      if (faults.size >= FAULTS_MAX) return [...faults.values()];
    }
  }
  return [...faults.values()];
}

function wordsOf(error: SchemaError): string {
  if (error.keyword === 'boolean') return 'is unknown here';
  if (error.keyword === 'const') {
    return `must be one of the allowed values, such as ${JSON.stringify((error.params as { allowedValue?: unknown }).allowedValue)}`;
  }
  return error.message;
}

/** Pointer as a URI fragment: octets outside RFC 3986's set are escaped. */
function pointerOf(name: string, place: string): string {
  return `#/${name}${encodeURI(place).replace(/#/g, '%23').slice(0, 200)}`;
}

function knownKeys(schema: TSchema): readonly string[] {
  const properties = (schema as { properties?: Readonly<Record<string, unknown>> }).properties;
  return properties === undefined ? [] : Object.keys(properties);
}
