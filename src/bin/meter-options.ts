/** Options of the commands that sign on to one meter: read, scan. */
import { fromHex } from '../base/bytes.ts';
import type { Disk, Env } from '../base/env.ts';
import { reasonOf } from '../base/errors.ts';
import type { GatewayAddress } from '../dlms/frame/gateway-address.ts';
import { HLS_MECHANISMS, type HlsMechanism } from '../dlms/security/hls.ts';
import type { MeterSecurity } from '../dlms/security/meter-security.ts';
import type { Authentication } from '../dlms/session/association.ts';
import { hlsSignOn } from '../dlms/session/sign-on.ts';
import { readMeterKeys } from '../edge/meter-keys.ts';
import { hostVariable } from '../host/environment.ts';
import type { MeterTarget } from '../lab/one-shot.ts';
import { type OptionTable, wholeNumber } from './command.ts';
import { UsageError } from './errors.ts';
import { givenFile } from './given-file.ts';
import { type GivenKeys, hasKeyParts, KEY_OPTIONS, type KeyOptionValues, keysOfParts } from './key-parts.ts';

const MECHANISMS = Object.keys(HLS_MECHANISMS) as HlsMechanism[];

/** How to reach the meter and to prove oneself; the client is each command's own. */
export const METER_OPTIONS = {
  server: { kind: 'text', value: 'N[/P]', what: 'logical device and, for HDLC, physical device; default 1' },
  auth: { kind: 'text', value: 'KIND', what: 'none, lls, or with keys hls-gmac and the like; default none' },
  'password-file': { kind: 'text', value: 'FILE', what: 'file with the password of lls' },
  names: { kind: 'text', value: 'HOW', what: 'logical or short names of objects; default logical' },
  security: { kind: 'text', value: 'FILE', what: 'key file of the meter (docs/dlms.md); --auth is hls-gmac then' },
  ...KEY_OPTIONS,
  gateway: {
    kind: 'text',
    value: 'NET/ADDRESS',
    what: 'meter behind a DLMS gateway: network and address, as text or 0x...',
  },
  timeout: { kind: 'text', value: 'S', what: 'seconds to wait for each answer; default 5, behind a gateway 20' },
  'unsure-classes': { kind: 'flag', what: 'also use class tables that were written from memory alone' },
} as const satisfies OptionTable;

/** The values of {@link METER_OPTIONS}. */
export interface MeterOptionValues extends KeyOptionValues {
  readonly server: string | undefined;
  readonly auth: string | undefined;
  readonly 'password-file': string | undefined;
  readonly names: string | undefined;
  readonly gateway: string | undefined;
  readonly security: string | undefined;
  readonly timeout: string | undefined;
}

/** The client with no rights but to identify the meter; it signs on without a password everywhere. */
export const PUBLIC_CLIENT = 16;

/** A client address from its text. Errors: {@link UsageError}. */
export function clientOf(text: string): number {
  return wholeNumber('client', text, 1, 65_535);
}

/** How to sign on as a client. Errors: {@link UsageError} with the option that is wrong. */
export async function meterTarget(
  link: string,
  client: number,
  values: MeterOptionValues,
  env: Pick<Env, 'disk' | 'random'>,
): Promise<MeterTarget> {
  return {
    link,
    client,
    server: serverOf(values.server ?? '1'),
    ...(await signOnOf(values, env)),
    referencing: referencingOf(values.names ?? 'logical'),
    // Behind a gateway the line to the meter may be taken for a while.
    requestTimeoutMs:
      wholeNumber('timeout', values.timeout ?? (values.gateway === undefined ? '5' : '20'), 1, 3_600) * 1_000,
    ...(values.gateway === undefined ? {} : { gateway: gatewayOf(values.gateway) }),
  };
}

/** What `--names` takes. Errors: {@link UsageError}. */
export function referencingOf(text: string): MeterTarget['referencing'] {
  if (text !== 'logical' && text !== 'short') throw new UsageError(`--names takes logical or short, not ${text}.`);
  return text;
}

/** `3/m0001`: network 3, the address as text; `3/0x0a0b`: as octets. */
function gatewayOf(text: string): GatewayAddress {
  const parts = /^(\d{1,3})\/(.+)$/.exec(text);
  const [, network = '', address = ''] = parts ?? [];
  const networkId = Number(network);
  const hex = /^0x((?:[0-9a-f]{2})+)$/i.exec(address)?.[1];
  if (parts === null || networkId > 255) throw new UsageError(`--gateway takes NET/ADDRESS, as 3/m0001, not ${text}.`);
  return { networkId, physicalDeviceAddress: hex === undefined ? new TextEncoder().encode(address) : fromHex(hex) };
}

function serverOf(text: string): MeterTarget['server'] {
  const parts = /^(\d{1,5})(?:\/(\d{1,5}))?$/.exec(text);
  if (parts?.[1] === undefined) throw new UsageError(`--server takes N or N/P, not ${text}.`);
  const logical = Number(parts[1]);
  return parts[2] === undefined ? { logical } : { logical, physical: Number(parts[2]) };
}

async function signOnOf(
  values: MeterOptionValues,
  env: Pick<Env, 'disk' | 'random'>,
): Promise<Pick<MeterTarget, 'authentication' | 'security'>> {
  const { auth } = values;
  const security = await keysGiven(values, env.disk);
  if (security === null)
    return { authentication: await authenticationOf(auth ?? 'none', values['password-file'], env.disk) };
  const { keys } = security;
  const kind = auth ?? keys.mechanism ?? 'hls-gmac';
  if (kind === 'none' || kind === 'lls')
    return { authentication: await authenticationOf(kind, values['password-file'], env.disk), security };
  const mechanism = MECHANISMS.find((each) => each === kind);
  if (mechanism === undefined) throw new UsageError(`--auth takes none, lls, ${MECHANISMS.join(', ')}, not ${kind}.`);
  return { authentication: hlsSignOn(mechanism, keys, (count) => env.random.bytes(count)), security };
}

/** The keys of a key file or those given one by one; null = none. */
async function keysGiven(values: MeterOptionValues, disk: Disk): Promise<GivenKeys | null> {
  const { auth, security } = values;
  const inParts = hasKeyParts(values);
  if (security === undefined) {
    if (inParts) return await keysOfParts(values, auth, { disk, variable: hostVariable });
    if (values['counter-file'] !== undefined)
      throw new UsageError('--counter-file belongs to keys, and there are none.');
    return null;
  }
  if (inParts) throw new UsageError('Give --security or keys one by one, not both.');
  const keys = await keysIn(security, disk);
  if (keys.clientTitle === null) throw new UsageError(`${security} lacks clientTitle.`);
  return { keys, counterFile: values['counter-file'] ?? `${security}.counter` };
}

/** Reads a key file. Errors: {@link UsageError} with what is wrong, never with a key. */
export async function keysIn(path: string, disk: Disk): Promise<MeterSecurity> {
  try {
    return await readMeterKeys(path, { disk });
  } catch (error) {
    throw new UsageError(`${reasonOf(error)}.`);
  }
}

async function authenticationOf(kind: string, file: string | undefined, disk: Disk): Promise<Authentication> {
  if (kind === 'none') return { mechanism: 'none' };
  if (kind !== 'lls') throw new UsageError(`--auth takes none or lls, or with keys a mechanism, not ${kind}.`);
  if (file === undefined) throw new UsageError('--auth lls needs --password-file FILE.');
  const content = await givenFile(disk, file);
  return { mechanism: 'lls', password: new TextEncoder().encode(new TextDecoder().decode(content).trimEnd()) };
}
