/** A conformance exam on this machine: the enrolment of the device, the broker, the exam, the verdicts. */
import { fromHex, toHex } from '../../base/bytes.ts';
import type { Env } from '../../base/env.ts';
import type { Enrolment } from '../../collector/ports.ts';
import { type EdgeId, parseEdgeId } from '../../model/ids.ts';
import { type ExamOptions, runExam } from './exam.ts';
import { Examiner } from './examiner.ts';
import { openStand } from './stand.ts';
import { type RuleReport, Verdicts } from './verdicts.ts';

/** What is examined, and where. */
export interface ConformOptions extends ExamOptions {
  /** Folder of the enrolment; made when it is missing. */
  readonly folder: string;
  /** Id for a new enrolment; one that is there keeps its own. */
  readonly edgeId: string;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Address for the device; undefined = as listened on. */
  readonly url: string | undefined;
  /** PEM files of a TLS listener; undefined = plain MQTT. */
  readonly tls: { readonly certFile: string; readonly keyFile: string; readonly clientCaFile: string } | undefined;
}

/** The enrolment cannot be used, and what to do about it. */
export class ConformError extends Error {
  override readonly name = 'ConformError';
}

const ENROLMENT = 'enrolment.json';
/** Octets of a key and of a password. */
const SECRET_OCTETS = 32;

/** Runs an exam. Throws {@link ConformError}; rejects when the address cannot be listened on. */
export async function conformDevice(env: Env, options: ConformOptions): Promise<readonly RuleReport[]> {
  const { folder, host, tls, tell } = options;
  const kept = await readEnrolment(env, folder);
  const edgeId = kept?.edgeId ?? parseEdgeId(options.edgeId);
  if (edgeId === null) throw new ConformError(`'${options.edgeId}' is no edge id: 1 to 32 of A-Z a-z 0-9 _ -.`);
  const password = kept?.password ?? toHex(env.random.bytes(SECRET_OCTETS));
  const files = tls && { cert: await textOf(env, tls.certFile), key: await textOf(env, tls.keyFile) };
  const stand = await openStand(env, {
    host,
    port: options.port,
    edgeId,
    password,
    ...(files && tls ? { tls: { ...files, clientCa: await textOf(env, tls.clientCaFile) } } : {}),
  });
  try {
    const named = host.includes(':') ? `[${host}]` : host;
    const url = options.url ?? `${tls === undefined ? 'mqtt' : 'mqtts'}://${named}:${stand.port}`;
    const enrolment = { ...(kept ?? newEnrolment(env, edgeId, password)), url };
    await writeEnrolment(env, folder, enrolment);
    tell(`listening at ${url}; the device ${edgeId} needs ${folder}/${ENROLMENT}`);
    const verdicts = new Verdicts((id, sentence) => tell(`${id} failed: ${sentence}`));
    await runExam(new Examiner(env, stand, { edgeId, key: fromHex(enrolment.key) }, verdicts), options);
    return verdicts.reports();
  } finally {
    await stand.close();
  }
}

/** Keys that nobody has a second half of: every order is a stranger's. */
function newEnrolment(env: Env, edgeId: EdgeId, password: string): Omit<Enrolment, 'url'> {
  return {
    edgeId,
    password,
    key: toHex(env.random.bytes(SECRET_OCTETS)),
    commandPublicKey: toHex(env.crypto.newSigningKey().publicKey),
    limitsPublicKey: toHex(env.crypto.newSigningKey().publicKey),
  };
}

async function writeEnrolment(env: Env, folder: string, enrolment: Enrolment): Promise<void> {
  await env.disk.makeFolder(folder);
  const octets = new TextEncoder().encode(`${JSON.stringify(enrolment, null, 2)}\n`);
  await env.disk.writeFile(`${folder}/${ENROLMENT}`, octets, 0o600);
}

async function readEnrolment(env: Env, folder: string): Promise<Enrolment | undefined> {
  const octets = await env.disk.readFile(`${folder}/${ENROLMENT}`);
  if (octets === undefined) return undefined;
  const broken = new ConformError(`${folder}/${ENROLMENT} is no enrolment: remove it, and a new one is written.`);
  try {
    const kept = JSON.parse(new TextDecoder().decode(octets)) as Partial<Enrolment>;
    const isWhole =
      parseEdgeId(kept.edgeId ?? '') !== null && /^[0-9a-f]{64}$/.test(kept.key ?? '') && (kept.password ?? '') !== '';
    if (!isWhole) throw broken;
    return kept as Enrolment;
  } catch {
    throw broken;
  }
}

async function textOf(env: Env, file: string): Promise<string> {
  const octets = await env.disk.readFile(file);
  if (octets === undefined) throw new ConformError(`There is no file ${file}.`);
  return new TextDecoder().decode(octets);
}
