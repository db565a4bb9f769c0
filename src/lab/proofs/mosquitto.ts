/** mosquitto as a process of a yard: files as docs/guides/enrol-an-edge.md says, on loopback. */
import type { Env } from '../../base/env.ts';
import type { ProcessHost } from '../../base/process.ts';
import type { EdgeId } from '../../model/ids.ts';
import { LEAVES, topicOf } from '../../wire/topics.ts';
import type { ProgramCommand } from '../benches/bench.ts';

/** User and client id of the collector at the broker. */
export const COLLECTOR_CLIENT = 'deltawatt.collector';

const FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin'];
const PROGRAM_MS = 10_000;

/** How mosquitto is started, or undefined where it is not installed. */
export async function findMosquitto({ files }: Pick<ProcessHost, 'files'>): Promise<ProgramCommand | undefined> {
  for (const folder of FOLDERS) {
    const file = await files.realPath(`${folder}/mosquitto`);
    if (file !== undefined) return { file, args: [] };
  }
  return undefined;
}

/** Where the broker of a yard lies and what it listens on. */
export interface MosquittoPlace {
  readonly env: Env;
  readonly host: ProcessHost;
  /** The yard's; the broker's files are in `broker`. */
  readonly folder: string;
  readonly port: number;
}

/** Writes settings, access list and the passwords of the edges. Throws when mosquitto's own tool fails. */
export async function writeMosquitto(place: MosquittoPlace, passwords: ReadonlyMap<EdgeId, string>): Promise<void> {
  const { env, host, folder, port } = place;
  const write = (name: string, lines: readonly string[]) =>
    env.disk.writeFile(`${folder}/broker/${name}`, new TextEncoder().encode(`${lines.join('\n')}\n`));
  const secret = host.randomHex(16);
  await write('collector.password', [secret]);
  await write('passwords', [...[...passwords].map((each) => each.join(':')), `${COLLECTOR_CLIENT}:${secret}`]);
  const environment = { PATH: host.searchPath.join(':') };
  const options = { folder, environment, timeoutMs: PROGRAM_MS };
  const hashed = await host.run('mosquitto_passwd', ['-U', `${folder}/broker/passwords`], options);
  if (hashed.exitCode !== 0) throw new Error(`mosquitto_passwd: ${hashed.stderr}`);
  const access = [...passwords.keys()].flatMap((edgeId) => [
    `user ${edgeId}`,
    `topic write ${topicOf(edgeId, LEAVES.blocks, env.crypto.sha256)}`,
    `topic write ${topicOf(edgeId, LEAVES.controlUp, env.crypto.sha256)}`,
    `topic read ${topicOf(edgeId, LEAVES.controlDown, env.crypto.sha256)}`,
  ]);
  const collector = ['topic read dw/+/+/b', 'topic read dw/+/+/c', 'topic write dw/+/+/d'];
  await write('access', [...access, `user ${COLLECTOR_CLIENT}`, ...collector]);
  await write('mosquitto.conf', [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous false',
    `password_file ${folder}/broker/passwords`,
    `acl_file ${folder}/broker/access`,
    'use_username_as_clientid true',
    'max_packet_size 525376',
    'persistence false',
    'log_dest stderr',
    'log_type error',
    'log_type notice',
    'log_type information',
    ...(host.userId === 0 ? ['user root'] : []),
  ]);
}
