/**
 * The key file of a meter: what is shared with it and never leaves this machine, as one YAML document. One side's view: keys
 * of curves are "ours" and "the peer's". What is wrong with a file is told without repeating a key.
 */
import { createHash } from 'node:crypto';
import { fromHex, toHex } from '../../base/bytes.ts';
import { maybe, oneOf, parseConfig, section, text, whole, yesNo } from '../../base/config.ts';
import type { CertificateTrust } from './certificate-trust.ts';
import type { CipherKeys } from './ciphering.ts';
import { type KeyPair, keyPairOf } from './elliptic.ts';
import { isSecurityError } from './errors.ts';
import { CERTIFICATE_KEYS, trustOf } from './key-file-certificates.ts';
import type { MeterSecurity } from './meter-security.ts';
import { octetsOfKey, SecretKey } from './secret-key.ts';
import type { SecurityPolicy } from './secure-channel.ts';
import { SUITES, type SuiteId } from './suite.ts';

const hex = (what: string, lengths: readonly number[]) =>
  text({
    what,
    pattern: `^(${lengths.map((length) => `[0-9A-Fa-f]{${length}}`).join('|')})$`,
    form: `${lengths.join(' or ')} hexadecimal digits`,
  });
const key = (what: string) => hex(what, [32, 64]);
const title = (what: string) => hex(what, [16]);
const privateKey = (what: string) => maybe(hex(`${what}, the private number`, [64, 96]));
const publicKey = (what: string) => maybe(hex(`${what}, X and Y`, [128, 192]));

/** Everything that a key file can hold. */
export const METER_KEYS = section('Keys of one meter', {
  suite: whole({ what: 'Security suite', from: 0, to: 2, default: 0 }),
  clientTitle: maybe(title('System title under which the meter knows us; needed to ask a meter')),
  meterTitle: maybe(title('System title of the meter; without it the one it tells is taken')),
  encryptionKey: key('Global unicast encryption key'),
  authenticationKey: maybe(key('Authentication key; without it nothing can be authenticated')),
  broadcastKey: maybe(key('Global broadcast encryption key')),
  masterKey: maybe(key('Master key (key encryption key): wraps new keys on their way to the meter')),
  secret: maybe(
    text({ what: 'Secret of hls, hls-md5, hls-sha1, hls-sha256', pattern: '^([0-9A-Fa-f]{2})+$', form: 'hexadecimal' }),
  ),
  mechanism: maybe(
    oneOf(['hls', 'hls-md5', 'hls-sha1', 'hls-gmac', 'hls-sha256', 'hls-ecdsa'], {
      what: 'How to prove oneself; without it as the profile of the meter says',
      default: 'hls-gmac',
    }),
  ),
  signingKey: privateKey('Our signing key: hls-ecdsa, signatures, one-pass keys'),
  peerSigningKey: publicKey('Signing key of the other side'),
  agreementKey: privateKey('Our key agreement key'),
  peerAgreementKey: publicKey('Key agreement key of the other side'),
  ...CERTIFICATE_KEYS,
  suite2Agreement: yesNo({ what: 'Allows key agreement in suite 2, which has no public witness', default: false }),
  protect: oneOf(['both', 'authenticated', 'encrypted', 'none'], {
    what: 'What every message must be, both ways, when the meter is asked',
    default: 'both',
  }),
  sign: oneOf(['none', 'requests', 'responses', 'both'], {
    what: 'Which messages must be signed, in suites 1 and 2',
    default: 'none',
  }),
  form: oneOf(['service', 'general', 'identified-key', 'wrapped-key', 'one-pass-key', 'static-key'], {
    what: 'How ciphered messages travel: glo-services, general-glo, or general-ciphering with this kind of key',
    default: 'service',
  }),
  recovery: oneOf(['none', 'wrapped-key', 'one-pass-key', 'static-key'], {
    what: 'Form in which the meter takes a whole association without its encryption key: the way back from an agreement on that key whose answer was lost',
    default: 'none',
  }),
  generalCipheringAad: oneOf(['header', 'short'], {
    what: 'What the meter authenticates in general-ciphering, as implementations disagree: its header too, or not',
    default: 'header',
  }),
  signContentLength: yesNo({
    what: 'Whether the meter signs the length of the content in general-signing, as implementations disagree',
    default: false,
  }),
  hls6: oneOf(['titles', 'short'], {
    what: 'Form of hls-sha256: with both titles and challenges, or challenge and secret only',
    default: 'titles',
  }),
  unverified: oneOf(['mark', 'refuse'], {
    what: 'Pushes whose tag cannot be checked for want of an authentication key: mark their readings, or refuse them',
    default: 'mark',
  }),
  firstCounter: whole({
    what: 'Invocation counter to begin with when this machine knows none',
    from: 1,
    to: 4_294_967_294,
    default: 1,
  }),
});

/** A key file read, or what is wrong with it in words that show no key. */
export type KeyFileRead =
  | { readonly ok: true; readonly security: MeterSecurity }
  | { readonly ok: false; readonly problem: string };

/** Reads a key file. */
export function parseMeterKeys(document: string): KeyFileRead {
  const parsed = parseConfig(METER_KEYS, document);
  if (!parsed.ok)
    return { ok: false, problem: parsed.problems.map((each) => `${each.path} ${each.sentence}`).join('; ') };
  const { config } = parsed;
  const suite = config.suite as SuiteId;
  const certified = withCertificates(config, suite);
  if ('problem' in certified) return { ok: false, problem: certified.problem };
  return securityOf(certified.config, suite, certified.trust);
}

/** The public keys of the other side, out of its certificates where the file has these. */
function withCertificates(
  config: Config,
  suite: SuiteId,
): { readonly config: Config; readonly trust: CertificateTrust | null } | { readonly problem: string } {
  for (const [key, certificate] of PEER_KEYS)
    if (config[key] !== undefined && config[certificate] !== undefined)
      return { problem: `${key} and ${certificate} are two ways to say the same; give one` };
  let trust: CertificateTrust | null;
  try {
    trust = trustOf(config, SUITES[suite].curve);
  } catch (error) {
    if (!isSecurityError(error)) throw error;
    return { problem: error.detail };
  }
  const { signature, agreement } = trust?.peer ?? {};
  if ((signature ?? agreement) !== undefined && config.meterTitle === undefined)
    return { problem: 'certificates of the other side need meterTitle: they are for a title' };
  return {
    config: {
      ...config,
      ...(signature && { peerSigningKey: toHex(signature.certificate.publicKey) }),
      ...(agreement && { peerAgreementKey: toHex(agreement.certificate.publicKey) }),
    },
    trust,
  };
}

const PEER_KEYS = [
  ['peerSigningKey', 'peerSigningCertificate'],
  ['peerAgreementKey', 'peerAgreementCertificate'],
] as const;

function securityOf(config: Config, suite: SuiteId, trust: CertificateTrust | null): KeyFileRead {
  const problem = lengthProblem(config, suite) ?? pairProblem(config, suite) ?? recoveryProblem(config);
  if (problem !== null) return { ok: false, problem };
  const keys = keysOf(config, suite);
  if (keys === null) return { ok: false, problem: 'signingKey or agreementKey is no private number of the curve' };
  return {
    ok: true,
    security: {
      suite,
      clientTitle: config.clientTitle === undefined ? null : fromHex(config.clientTitle),
      meterTitle: config.meterTitle === undefined ? null : fromHex(config.meterTitle),
      keys,
      ...(trust === null ? {} : { trust }),
      secret: config.secret === undefined ? null : SecretKey.fromHex(config.secret),
      ...(config.mechanism === undefined ? {} : { mechanism: config.mechanism }),
      hls6: config.hls6,
      dialect: { generalCipheringAad: config.generalCipheringAad, signContentLength: config.signContentLength },
      policy: policyOf(config.protect, config.sign),
      form: config.form,
      ...(config.recovery === 'none' ? {} : { recovery: config.recovery }),
      unverified: config.unverified,
      firstCounter: config.firstCounter,
      ...printsOf(keys),
    },
  };
}

type Config = Extract<ReturnType<typeof parseConfig<typeof METER_KEYS>>, { ok: true }>['config'];

function lengthProblem(config: Config, suite: SuiteId): string | null {
  const wanted = SUITES[suite].keyBytes * 2;
  for (const name of ['encryptionKey', 'authenticationKey', 'broadcastKey', 'masterKey'] as const) {
    const length = config[name]?.length ?? wanted;
    if (length !== wanted) return `${name} has ${length} digits, suite ${suite} wants ${wanted}`;
  }
  return null;
}

/** Keys of curves come in twos, with the length of the suite's curve, and signatures need them. */
function pairProblem(config: Config, suite: SuiteId): string | null {
  const { curve } = SUITES[suite];
  const digits = curve === 'P-384' ? 96 : 64;
  for (const [own, peer] of [
    ['signingKey', 'peerSigningKey'],
    ['agreementKey', 'peerAgreementKey'],
  ] as const) {
    const [ours, theirs] = [config[own], config[peer]];
    if (ours === undefined && theirs === undefined) continue;
    if (curve === null) return `${own} and ${peer} belong to suites 1 and 2`;
    if (ours === undefined || theirs === undefined) return `${own} and ${peer} come together`;
    if (ours.length !== digits || theirs.length !== digits * 2)
      return `${own} has ${digits} digits and ${peer} ${digits * 2} in suite ${suite}`;
  }
  if (config.sign !== 'none' && config.signingKey === undefined) return 'sign needs signingKey and peerSigningKey';
  // A signature carries no counter: without a tag, a message would be good again and again.
  if (config.sign !== 'none' && config.protect !== 'both' && config.protect !== 'authenticated')
    return 'sign needs protect: both or authenticated';
  return null;
}

/** What opens a meter without its encryption key must not be missing on the day when it is wanted. */
function recoveryProblem({ recovery, masterKey, agreementKey, meterTitle }: Config): string | null {
  if (recovery === 'none') return null;
  if (masterKey === undefined || meterTitle === undefined) return 'recovery needs masterKey and meterTitle';
  const needsPair = recovery !== 'wrapped-key' && agreementKey === undefined;
  return needsPair ? `recovery: ${recovery} needs agreementKey and peerAgreementKey` : null;
}

function keysOf(config: Config, suite: SuiteId): CipherKeys | null {
  const secret = (digits: string | undefined): SecretKey | undefined =>
    digits === undefined ? undefined : SecretKey.fromHex(digits);
  const [broadcast, master] = [secret(config.broadcastKey), secret(config.masterKey)];
  const { curve } = SUITES[suite];
  const pair = (own: string | undefined, peer: string | undefined): PairOf | undefined =>
    curve === null || own === undefined || peer === undefined
      ? undefined
      : { own: keyPairOf(curve, SecretKey.fromHex(own)), peerPublicKey: fromHex(peer) };
  try {
    const signing = pair(config.signingKey, config.peerSigningKey);
    const agreement = pair(config.agreementKey, config.peerAgreementKey);
    const { suite2Agreement } = config;
    return {
      encryption: SecretKey.fromHex(config.encryptionKey),
      authentication: secret(config.authenticationKey) ?? null,
      ...(broadcast && { broadcast }),
      ...(master && { master }),
      ...(signing && { signing }),
      ...(agreement && { agreement: { ...agreement, suite2Agreement } }),
    };
  } catch {
    // The error would name nothing that the sentence of the caller does not.
    return null;
  }
}

/** The same meter asked without its encryption key; null = its key file names no form for that. */
export function withoutEncryptionKey(security: MeterSecurity): MeterSecurity | null {
  const { recovery } = security;
  return recovery === undefined ? null : { ...security, form: recovery, initiateForm: recovery };
}

/** The same security after one of its keys was replaced in the meter. */
export function withKey(
  security: MeterSecurity,
  name: 'encryption' | 'authentication' | 'master' | 'broadcast',
  key: SecretKey,
): MeterSecurity {
  const keys = { ...security.keys, [name]: key };
  return { ...security, keys, ...printsOf(keys) };
}

function printsOf(keys: CipherKeys): Pick<MeterSecurity, 'keyPrint' | 'keyPrints'> {
  return {
    keyPrint: keyPrintOf(keys.encryption),
    keyPrints: [keys.encryption, keys.authentication, keys.master].flatMap((each) =>
      each === null || each === undefined ? [] : [keyPrintOf(each)],
    ),
  };
}

interface PairOf {
  readonly own: KeyPair;
  readonly peerPublicKey: Uint8Array;
}

/** Enough to tell two keys apart, of no use to find one. */
const KEY_PRINT_OCTETS = 8;

/** The print of a key: the first octets of its hash. */
export function keyPrintOf(secret: SecretKey): Uint8Array {
  return Uint8Array.from(createHash('sha256').update(octetsOfKey(secret)).digest()).subarray(0, KEY_PRINT_OCTETS);
}

function policyOf(protect: Config['protect'], sign: Config['sign']): SecurityPolicy {
  const protection = {
    authenticated: protect === 'both' || protect === 'authenticated',
    encrypted: protect === 'both' || protect === 'encrypted',
  };
  return {
    requests: { ...protection, signed: sign === 'both' || sign === 'requests' },
    responses: { ...protection, signed: sign === 'both' || sign === 'responses' },
  };
}
