/**
 * The key file of a meter: what is shared with it and never leaves this machine. One file a meter, readable by its owner
 * only; what is wrong with it is told without repeating a key.
 */
import { fromHex } from '../base/bytes.ts';
import { maybe, oneOf, parseConfig, section, text, whole } from '../base/config.ts';
import type { Env } from '../base/env.ts';
import { SecretKey, type SecurityPolicy, SUITES, type SuiteId } from '../dlms/index.ts';
import type { MeterSecurity } from './ports.ts';

const KEY_FORM = '32 or 64 hexadecimal digits';
const key = (what: string) => text({ what, pattern: '^([0-9A-Fa-f]{32}|[0-9A-Fa-f]{64})$', form: KEY_FORM });
const title = (what: string) => text({ what, pattern: '^[0-9A-Fa-f]{16}$', form: '16 hexadecimal digits' });

/** Everything that a key file can hold. */
export const METER_KEYS = section('Keys of one meter', {
  suite: whole({ what: 'Security suite', from: 0, to: 2, default: 0 }),
  clientTitle: maybe(title('System title under which the meter knows us; needed to ask a meter')),
  meterTitle: maybe(title('System title of the meter; without it the one it tells is taken')),
  encryptionKey: key('Global unicast encryption key'),
  authenticationKey: maybe(key('Authentication key; without it nothing can be authenticated')),
  secret: maybe(
    text({ what: 'Secret of hls-md5, hls-sha1 and hls-sha256', pattern: '^([0-9A-Fa-f]{2})+$', form: 'hexadecimal' }),
  ),
  protect: oneOf(['both', 'authenticated', 'encrypted', 'none'], {
    what: 'What every message must be, both ways, when the meter is asked',
    default: 'both',
  }),
  firstCounter: whole({
    what: 'Invocation counter to begin with when this machine knows none',
    from: 1,
    to: 4_294_967_294,
    default: 1,
  }),
});

/** Others than the owner may not even read. */
const FOREIGN_PERMISSIONS = 0o077;

/** Reads a key file; throws an Error in words for the operator that names keys and never shows one. */
export async function readMeterKeys(path: string, env: Pick<Env, 'disk' | 'crypto'>): Promise<MeterSecurity> {
  const octets = await env.disk.readFile(path);
  if (octets === undefined) throw new Error(`there is no key file ${path}`);
  const permissions = (await env.disk.permissions(path)) ?? 0;
  if ((permissions & FOREIGN_PERMISSIONS) !== 0)
    throw new Error(`others can use the key file ${path}: make it its owner's alone (chmod 600)`);
  const parsed = parseConfig(METER_KEYS, new TextDecoder().decode(octets));
  if (!parsed.ok)
    throw new Error(`key file ${path}: ${parsed.problems.map((each) => `${each.path} ${each.sentence}`).join('; ')}`);
  const { config } = parsed;
  const suite = config.suite as SuiteId;
  const wanted = SUITES[suite].keyBytes * 2;
  for (const name of ['encryptionKey', 'authenticationKey'] as const) {
    const length = config[name]?.length ?? wanted;
    if (length !== wanted)
      throw new Error(`key file ${path}: ${name} has ${length} digits, suite ${suite} wants ${wanted}`);
  }
  const authentication = config.authenticationKey === undefined ? null : SecretKey.fromHex(config.authenticationKey);
  return {
    suite,
    clientTitle: config.clientTitle === undefined ? null : fromHex(config.clientTitle),
    meterTitle: config.meterTitle === undefined ? null : fromHex(config.meterTitle),
    keys: { encryption: SecretKey.fromHex(config.encryptionKey), authentication },
    secret: config.secret === undefined ? null : SecretKey.fromHex(config.secret),
    policy: policyOf(config.protect),
    firstCounter: config.firstCounter,
    keyPrint: env.crypto.sha256(fromHex(config.encryptionKey)).subarray(0, KEY_PRINT_OCTETS),
  };
}

/** Enough to tell two keys apart, of no use to find one. */
const KEY_PRINT_OCTETS = 8;

function policyOf(protect: 'both' | 'authenticated' | 'encrypted' | 'none'): SecurityPolicy {
  const protection = {
    authenticated: protect === 'both' || protect === 'authenticated',
    encrypted: protect === 'both' || protect === 'encrypted',
  };
  return { requests: protection, responses: protection };
}
