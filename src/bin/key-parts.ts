/**
 * Keys of a meter without a key file: each secret from a variable of the environment or from a file of its own, whatever is
 * no secret as it is. A secret is never an argument, since arguments of a process are anybody's to read, and no error repeats
 * what was given, since somebody may have put a key where a name belongs.
 */
import type { Disk } from '../base/env.ts';
import { reasonOf } from '../base/errors.ts';
import { closest } from '../base/suggest.ts';
import { METER_KEYS, parseMeterKeys } from '../dlms/security/key-file.ts';
import type { MeterSecurity } from '../dlms/security/meter-security.ts';
import { ownersFile } from '../edge/meter-keys.ts';
import type { OptionTable } from './command.ts';
import { UsageError } from './errors.ts';

/** Options that give keys one by one. */
export const KEY_OPTIONS = {
  'key-env': { kind: 'texts', value: 'NAME=VAR', what: 'a key from a variable of the environment: guek, gak, secret' },
  'key-file': { kind: 'texts', value: 'NAME=FILE', what: 'a key from a file of its own, mode 600, in hexadecimal' },
  'key-with': {
    kind: 'texts',
    value: 'NAME=VALUE',
    what: 'what is no secret of them: suite=1, clientTitle=..., protect=both, as in a key file',
  },
  'counter-file': {
    kind: 'text',
    value: 'FILE',
    what: 'where our invocation counter is kept; default beside the --key-file of guek',
  },
} as const satisfies OptionTable;

/** The values of {@link KEY_OPTIONS}. */
export interface KeyOptionValues {
  readonly 'key-env': readonly string[];
  readonly 'key-file': readonly string[];
  readonly 'key-with': readonly string[];
  readonly 'counter-file': string | undefined;
}

/** No key given one by one: for the public client. */
export const NO_KEY_PARTS: KeyOptionValues = {
  'key-env': [],
  'key-file': [],
  'key-with': [],
  'counter-file': undefined,
};

type KeyPart = keyof (typeof METER_KEYS)['properties'];

/** Given by a variable or a file only. */
const SECRETS: ReadonlySet<KeyPart> = new Set([
  'encryptionKey',
  'authenticationKey',
  'broadcastKey',
  'masterKey',
  'secret',
  'signingKey',
  'agreementKey',
]);

/** What the standards call them. */
const OTHER_NAMES: Readonly<Record<string, KeyPart>> = {
  guek: 'encryptionKey',
  gak: 'authenticationKey',
  gbek: 'broadcastKey',
  kek: 'masterKey',
};

/** What a mechanism takes beside encryptionKey and clientTitle. */
const NEEDED_BY_MECHANISM: Readonly<Record<string, readonly KeyPart[]>> = {
  hls: ['secret'],
  'hls-md5': ['secret'],
  'hls-sha1': ['secret'],
  'hls-gmac': ['authenticationKey'],
  'hls-sha256': ['secret'],
  'hls-ecdsa': ['signingKey', 'peerSigningKey'],
};

/** What a form of ciphered messages takes. */
const NEEDED_BY_FORM: Readonly<Record<string, readonly KeyPart[]>> = {
  'wrapped-key': ['masterKey'],
  'one-pass-key': ['signingKey', 'peerSigningKey', 'agreementKey', 'peerAgreementKey'],
  'static-key': ['agreementKey', 'peerAgreementKey'],
};

/** Keys, and where the counter under them is kept. */
export interface GivenKeys {
  readonly keys: MeterSecurity;
  readonly counterFile: string;
}

/** Whether any key was given one by one. */
export function hasKeyParts(values: KeyOptionValues): boolean {
  return values['key-env'].length + values['key-file'].length + values['key-with'].length > 0;
}

/**
 * Puts the parts together; `auth` is the mechanism asked for, hls-gmac without one. Errors: {@link UsageError} that names all
 * that is missing, or the part that is wrong, and never a value.
 */
export async function keysOfParts(
  values: KeyOptionValues,
  auth: string | undefined,
  { disk, variable }: { readonly disk: Disk; readonly variable: (name: string) => string | undefined },
): Promise<GivenKeys> {
  const parts = new Map<KeyPart, string>();
  const add = (option: string, name: KeyPart, value: string) => {
    if (parts.has(name)) throw new UsageError(`--${option} gives ${name} a second time.`);
    parts.set(name, value);
  };
  for (const given of values['key-with']) {
    const [name, value] = pairOf('key-with', given);
    if (SECRETS.has(name))
      throw new UsageError(`${name} is a secret and no argument: --key-env ${name}=VAR or --key-file ${name}=FILE.`);
    add('key-with', name, value);
  }
  for (const given of values['key-env']) {
    const [name, value] = pairOf('key-env', given);
    add('key-env', name, variableOf(name, value, variable));
  }
  let beside: string | undefined;
  for (const given of values['key-file']) {
    const [name, path] = pairOf('key-file', given);
    if (name === 'encryptionKey') beside = `${path}.counter`;
    add('key-file', name, await contentOf(name, path, disk));
  }
  refuseMissing(parts, auth);
  const counterFile = values['counter-file'] ?? beside;
  if (counterFile === undefined)
    throw new UsageError(
      '--counter-file FILE is missing: no number may be used twice under a key, so the next one is kept there.',
    );
  const read = parseMeterKeys(documentOf(parts));
  if (!read.ok) throw new UsageError(`The keys given cannot be used: ${read.problem}.`);
  return { keys: read.security, counterFile };
}

function pairOf(option: string, given: string): readonly [KeyPart, string] {
  const at = given.indexOf('=');
  const written = given.slice(0, at);
  const name = OTHER_NAMES[written] ?? written;
  const names = Object.keys(METER_KEYS.properties);
  if (at > 0 && at < given.length - 1 && names.includes(name)) return [name as KeyPart, given.slice(at + 1)];
  // Only what is near to a name is repeated, as anything else may be a key.
  const meant = at > 0 ? closest(written, [...names, ...Object.keys(OTHER_NAMES)]) : undefined;
  const words =
    meant === undefined ? `: ${[...Object.keys(OTHER_NAMES), ...names].join(', ')}` : `; did you mean ${meant}?`;
  throw new UsageError(`--${option} takes NAME=..., with a name of a key file${words}`);
}

function variableOf(name: KeyPart, variableName: string, variable: (name: string) => string | undefined): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variableName) || /^[0-9a-f]{16,}$/i.test(variableName))
    throw new UsageError(`--key-env ${name}= takes the name of a variable, not a key: others can read arguments.`);
  const value = variable(variableName)?.trim();
  if (value === undefined || value === '') throw new UsageError(`There is no ${name} in the variable ${variableName}.`);
  return value;
}

async function contentOf(name: KeyPart, path: string, disk: Disk): Promise<string> {
  if (/^[0-9a-f]{16,}$/i.test(path))
    throw new UsageError(`--key-file ${name}= takes the name of a file, not a key: others can read arguments.`);
  let octets: Uint8Array;
  try {
    octets = await ownersFile(path, { disk });
  } catch (error) {
    throw new UsageError(`--key-file ${name}: ${reasonOf(error)}.`);
  }
  const content = new TextDecoder().decode(octets).trim();
  if (content === '') throw new UsageError(`--key-file ${name}: the file ${path} is empty.`);
  return content;
}

function refuseMissing(parts: ReadonlyMap<KeyPart, string>, auth: string | undefined): void {
  const protect = parts.get('protect') ?? 'both';
  const needed = new Set<KeyPart>([
    'encryptionKey',
    'clientTitle',
    ...(protect === 'both' || protect === 'authenticated' ? (['authenticationKey'] as const) : []),
    ...(NEEDED_BY_MECHANISM[auth ?? parts.get('mechanism') ?? 'hls-gmac'] ?? []),
    ...(NEEDED_BY_FORM[parts.get('form') ?? ''] ?? []),
  ]);
  const missing = [...needed].filter((name) => !parts.has(name));
  if (missing.length === 0) return;
  const ways = missing.map((name) =>
    SECRETS.has(name)
      ? `${name} (--key-env ${name}=VAR or --key-file ${name}=FILE)`
      : `${name} (--key-with ${name}=...)`,
  );
  throw new UsageError(`Missing: ${ways.join(', ')}.`);
}

/** The parts as a key file would have them. */
function documentOf(parts: ReadonlyMap<KeyPart, string>): string {
  const typed = [...parts].map(([name, value]) => {
    const { type } = METER_KEYS.properties[name] as { readonly type?: string };
    if (type === 'integer' && /^\d+$/.test(value)) return [name, Number(value)] as const;
    if (type === 'boolean' && /^(true|false)$/.test(value)) return [name, value === 'true'] as const;
    return [name, value] as const;
  });
  return JSON.stringify(Object.fromEntries(typed));
}
