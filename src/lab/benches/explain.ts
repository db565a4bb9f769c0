/**
 * The `explain` bench: a capture of 10 MB, thousands of ciphered sessions with one day of rows each, explained by the built
 * program in a process of its own, with keys, one JSON document a message.
 */
import { assert } from '../../base/errors.ts';
import { createHostEnv } from '../../host/env.ts';
import { createProcessHost } from '../../host/process.ts';
import { parseProfileOrThrow } from '../../profile/schema/parse.ts';
import { pcapOf, planPackets, type Said } from '../pcap-writer.ts';
import { atMost, type BenchEnv, type BenchResult } from './bench.ts';
import { cpuMs } from './fleet-programs.ts';
import { SessionDesk } from './session.ts';

const FILE_BYTES = 10_000_000;
const MS_MAX = 5_000;
const RSS_MAX_MB = 200;
const PROFILE = 'generic/idis';
const OPTIONS = { serverPort: 4059, clientPort: 10_000, segmentBytes: 1_448 };
const LOOK_MS = 20;

/** Runs the bench. */
export async function benchExplain(bench: BenchEnv): Promise<BenchResult> {
  assert(bench.program !== undefined, 'the program is built');
  const host = createProcessHost();
  const env = createHostEnv({ logLevel: 'silent' });
  const folder = `${host.temporaryFolder}/deltawatt-explain-${host.randomHex(6)}`;
  const profile = parseProfileOrThrow(await bench.readText(`config/profiles/${PROFILE}.yaml`), PROFILE);
  const desk = new SessionDesk({ name: 'recorded', hdlc: null }, profile, bench.seed);
  const said: Said[] = [];
  await desk.job((speaker, octets) => said.push({ speaker, octets }));
  const one = pcapOf(planPackets([said], OPTIONS), OPTIONS).length;
  const sessions = Math.ceil(FILE_BYTES / one);
  const file = pcapOf(
    planPackets(
      Array.from({ length: sessions }, () => said),
      OPTIONS,
    ),
    OPTIONS,
  );
  try {
    await env.disk.makeFolder(folder);
    await env.disk.writeFile(`${folder}/sessions.pcap`, file);
    const { encryption, authentication } = desk.keyHex;
    const args = ['explain', '--file', `${folder}/sessions.pcap`, '--json', '--ek', encryption, '--ak', authentication];
    let messages = 0;
    const startedMs = bench.nowMs();
    const child = await host.spawn(bench.program.file, [...bench.program.args, ...args], {
      folder,
      environment: { PATH: host.searchPath.join(':') },
      line: (text) => {
        if (text.includes('"kind":"apdu"')) messages++;
      },
    });
    let [peakKb, usedMs, over] = [0, 0, false];
    const ended = child.ended.then(() => {
      over = true;
    });
    while (!over) {
      // It may end between two looks.
      const status = (await host.files.readText(`/proc/${child.pid}/status`).catch(() => undefined)) ?? '';
      peakKb = Math.max(peakKb, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0));
      usedMs = Math.max(usedMs, await cpuMs(host, child.pid).catch(() => 0));
      await Promise.race([ended, env.timers.sleep(LOOK_MS)]);
    }
    const tookMs = Math.round(bench.nowMs() - startedMs);
    const rssPeakMb = Math.round((peakKb * 1_024) / 1e5) / 10;
    assert(
      messages === sessions * MESSAGES_A_SESSION,
      `every message is explained: ${messages} of ${sessions} sessions`,
    );
    bench.progress(
      `explain: ${file.length} octets, ${sessions} sessions, ${messages} messages in ${tookMs} ms, ${rssPeakMb} MB`,
    );
    return {
      figures: { octets: file.length, sessions, messages, tookMs, cpuMs: usedMs, rssPeakMb },
      bars: [atMost('10 MB of capture, ms', tookMs, MS_MAX), atMost('memory at the peak, MB', rssPeakMb, RSS_MAX_MB)],
    };
  } finally {
    await host.files.remove(folder);
  }
}

/** AARQ, proof, list, view and release, each with its answer. */
const MESSAGES_A_SESSION = 10;
