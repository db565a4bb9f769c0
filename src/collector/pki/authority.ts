/**
 * A private certificate authority in a folder: what a trial needs so that concentrators reach the broker over a network.
 *
 * `ca.pem`, `ca.key`: the authority. `broker.pem`, `broker.key`: the broker, for the names and addresses under which
 * concentrators reach it. `edges/<id>.pem`, `edges/<id>.key`: a concentrator; its common name is its id, which is its user
 * name and the segment of its topics. `issued.jsonl`: one line for each certificate. Keys have mode 0600.
 *
 * Given up: revocation. A concentrator that is deactivated at the collector is refused by its user, certificate or not.
 * Weak point: the authority's key lies in the folder; for more than a trial keep the folder off the collector's machine.
 */
import type { CertificateCrypto, CertificateKey, Env } from '../../base/env.ts';
import { isoText } from '../../base/time.ts';
import { parseEdgeId } from '../../model/ids.ts';
import { type CertificateKind, type CertificateRequest, type Issuer, makeCertificate } from './certificate.ts';
import { pkiError } from './errors.ts';

/** What an authority needs of the outside. */
export interface AuthorityEnv extends Pick<Env, 'clock' | 'random' | 'crypto' | 'disk'> {
  readonly certificates: CertificateCrypto;
}

/** What is made at the beginning. */
export interface AuthorityRequest {
  readonly folder: string;
  /** Common name of the authority. */
  readonly name: string;
  /** Names and addresses under which concentrators reach the broker, the first being its common name; one at least. */
  readonly hosts: readonly string[];
}

/** Files of one certificate and its key. */
export interface IssuedFiles {
  readonly commonName: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly notAfterMs: number;
}

const DAY_MS = 86_400_000;
/** The authority outlives the devices' first certificates twice. */
const AUTHORITY_DAYS = 3_650;
/** Apple and browsers take no more of a server (825 days). */
const SERVER_DAYS = 820;
/** A concentrator is visited seldom. */
const CLIENT_DAYS = 1_825;
/** Clocks of devices are behind; the build time of the software stands for an unset one. */
const BACKDATED_DAYS = 1;
const SERIAL_OCTETS = 16;
const SECRET_MODE = 0o600;
const PUBLIC_MODE = 0o644;

/** Makes the authority and the broker's certificate. Throws PKI_EXISTS, PKI_NAME. */
export async function initAuthority(env: AuthorityEnv, request: AuthorityRequest): Promise<IssuedFiles> {
  const { folder, name, hosts } = request;
  const [commonName] = hosts;
  if (commonName === undefined) throw pkiError('PKI_NAME', 'no host');
  if ((await env.disk.readFile(`${folder}/ca.key`)) !== undefined) throw pkiError('PKI_EXISTS', folder);
  await env.disk.makeFolder(`${folder}/edges`, 0o700);
  const issuer: Issuer = { commonName: name, key: env.certificates.newKey() };
  const server = issuable(env, 'server', commonName, SERVER_DAYS, hosts);
  // A wrong host is found before anything is written.
  makeCertificate(server.request, issuer, signerOf(env));
  const own = issuable(env, 'authority', name, AUTHORITY_DAYS, undefined, issuer.key);
  await write(env, `${folder}/ca`, own, issuer, folder);
  return write(env, `${folder}/broker`, server, issuer, folder);
}

/** Makes key and certificate of a concentrator, or new ones. Throws PKI_NAME, PKI_MISSING, PKI_DAMAGED. */
export async function issueEdge(env: AuthorityEnv, folder: string, id: string): Promise<IssuedFiles> {
  const edgeId = parseEdgeId(id);
  if (edgeId === null) throw pkiError('PKI_NAME', id);
  const issuer = await readIssuer(env, folder);
  return write(env, `${folder}/edges/${edgeId}`, issuable(env, 'client', edgeId, CLIENT_DAYS), issuer, folder);
}

async function readIssuer(env: AuthorityEnv, folder: string): Promise<Issuer> {
  const read = async (name: string): Promise<string> => {
    const octets = await env.disk.readFile(`${folder}/${name}`);
    if (octets === undefined) throw pkiError('PKI_MISSING', `${folder}/${name}`);
    return new TextDecoder().decode(octets);
  };
  const facts = env.certificates.facts(await read('ca.pem'));
  const key = env.certificates.keyOf(await read('ca.key'));
  if (facts === null || key === null || !env.crypto.sameSecret(facts.publicKey, key.publicKey))
    throw pkiError('PKI_DAMAGED', folder);
  return { commonName: facts.commonName, key };
}

interface Issuable {
  readonly request: CertificateRequest;
  readonly key: CertificateKey;
}

function issuable(
  env: AuthorityEnv,
  kind: CertificateKind,
  commonName: string,
  days: number,
  hosts?: readonly string[],
  key: CertificateKey = env.certificates.newKey(),
): Issuable {
  const nowMs = env.clock.nowMs();
  const request = {
    kind,
    commonName,
    publicKey: key.publicKey,
    serial: env.random.bytes(SERIAL_OCTETS),
    notBeforeMs: nowMs - BACKDATED_DAYS * DAY_MS,
    notAfterMs: nowMs + days * DAY_MS,
    ...(hosts === undefined ? {} : { hosts }),
  };
  return { request, key };
}

function signerOf(env: AuthorityEnv) {
  return { sha256: env.crypto.sha256, certificates: env.certificates };
}

/** The key first: a certificate without its key is worth nothing, a key without a certificate harms nobody. */
async function write(
  env: AuthorityEnv,
  stem: string,
  { request, key }: Issuable,
  issuer: Issuer,
  folder: string,
): Promise<IssuedFiles> {
  const { kind, commonName, notAfterMs } = request;
  const certificate = makeCertificate(request, issuer, signerOf(env));
  const files = { commonName, certFile: `${stem}.pem`, keyFile: `${stem}.key`, notAfterMs };
  const serial = env.certificates.facts(certificate)?.serial ?? '';
  const line = { serial, kind, commonName, issued: isoText(env.clock.nowMs()), until: isoText(notAfterMs) };
  await env.disk.writeFile(files.keyFile, new TextEncoder().encode(key.privatePem), SECRET_MODE);
  await env.disk.writeFile(files.certFile, new TextEncoder().encode(certificate), PUBLIC_MODE);
  const log = await env.disk.openAppend(`${folder}/issued.jsonl`);
  try {
    await log.append(new TextEncoder().encode(`${JSON.stringify(line)}\n`), { sync: true });
  } finally {
    await log.close();
  }
  return files;
}
