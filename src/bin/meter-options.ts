/** Options of the commands that sign on to one meter: read, scan. */
import { fromHex } from '../base/bytes.ts';
import type { Disk } from '../base/env.ts';
import type { GatewayAddress } from '../dlms/frame/gateway-address.ts';
import type { Authentication } from '../dlms/session/association.ts';
import type { MeterTarget } from '../lab/one-shot.ts';
import { type OptionTable, wholeNumber } from './command.ts';
import { UsageError } from './errors.ts';

/** How to reach the meter and to prove oneself; the client is each command's own. */
export const METER_OPTIONS = {
  server: { kind: 'text', value: 'N[/P]', what: 'logical device and, for HDLC, physical device; default 1' },
  auth: { kind: 'text', value: 'KIND', what: 'none or lls; default none' },
  'password-file': { kind: 'text', value: 'FILE', what: 'file with the password of lls' },
  names: { kind: 'text', value: 'HOW', what: 'logical or short names of objects; default logical' },
  gateway: {
    kind: 'text',
    value: 'NET/ADDRESS',
    what: 'meter behind a DLMS gateway: network and address, as text or 0x...',
  },
  timeout: { kind: 'text', value: 'S', what: 'seconds to wait for each answer; default 5, behind a gateway 20' },
  'unsure-classes': { kind: 'flag', what: 'also use class tables that were written from memory alone' },
} as const satisfies OptionTable;

/** The values of {@link METER_OPTIONS}. */
export interface MeterOptionValues {
  readonly server: string | undefined;
  readonly auth: string | undefined;
  readonly 'password-file': string | undefined;
  readonly names: string | undefined;
  readonly gateway: string | undefined;
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
  disk: Disk,
): Promise<MeterTarget> {
  return {
    link,
    client,
    server: serverOf(values.server ?? '1'),
    authentication: await authenticationOf(values.auth ?? 'none', values['password-file'], disk),
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

async function authenticationOf(kind: string, file: string | undefined, disk: Disk): Promise<Authentication> {
  if (kind === 'none') return { mechanism: 'none' };
  if (kind !== 'lls') throw new UsageError(`--auth takes none or lls, not ${kind}.`);
  if (file === undefined) throw new UsageError('--auth lls needs --password-file FILE.');
  const content = await disk.readFile(file);
  if (content === undefined) throw new UsageError(`There is no file ${file}.`);
  return { mechanism: 'lls', password: new TextEncoder().encode(new TextDecoder().decode(content).trimEnd()) };
}
