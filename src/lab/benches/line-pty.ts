/**
 * The `line` bench with real time: the same read-out over a pseudo-terminal that the meter's side paces at 9,600 Bd, both
 * ways, against the ceiling of the same pacing: as many octets streamed through the same terminal in one burst, in the same
 * run. What is missing from the ceiling is what the program, the terminal and the timers hesitate between two frames.
 */
import { SeededRandom } from '../../base/seeded-random.ts';
import { createHostEnv } from '../../host/env.ts';
import { openPseudoTerminal } from '../../host/pseudo-terminal.ts';
import { LineDriver } from '../../link/drive.ts';
import { PacedDuplex } from '../../sim/serve/paced-duplex.ts';
import { atLeast, type BenchBasics, type BenchResult } from './bench.ts';
import { benchLine, METER, NEGOTIATED, OCTETS_PER_S, readBenchMeter, serveBenchMeter } from './line.ts';

/** Part of the ceiling that a read-out reaches. */
const PTY_LIMIT = 0.98;
const SETTINGS = { baud: 9_600, dataBits: 8, parity: 'none', stopBits: 1 } as const;
const OCTET_MS = 1_000 / OCTETS_PER_S;

/** The virtual part, then the pseudo-terminal; about twelve seconds. */
export async function benchLineWithPty(env: BenchBasics): Promise<BenchResult> {
  const { figures, bars } = await benchLine(env);
  env.progress('line: the same over a pseudo-terminal at 9,600 Bd, and its ceiling');
  const { passedMs, octets } = await readOverTerminal(env);
  const ceilingMs = await streamThroughTerminal(env, octets);
  const reached = ceilingMs / passedMs;
  const terminal = { ptyLineMs: passedMs, ptyOctets: octets, ptyCeilingMs: ceilingMs, ptyOfCeiling: reached };
  return {
    figures: { ...figures, ...terminal },
    bars: [...bars, atLeast('pseudo-terminal, part of the pacing ceiling', reached, PTY_LIMIT)],
  };
}

async function readOverTerminal(bench: BenchBasics): Promise<{ passedMs: number; octets: number }> {
  const env = createHostEnv({ logLevel: 'error' });
  const terminal = await openPseudoTerminal();
  try {
    const meter = new LineDriver(new PacedDuplex(terminal.master, OCTET_MS, env), env);
    serveBenchMeter(meter, new SeededRandom(bench.seed), METER);
    const client = new LineDriver(await env.serial.open(terminal.path, SETTINGS), env);
    const startedMs = bench.nowMs();
    await readBenchMeter(client, NEGOTIATED);
    return { passedMs: bench.nowMs() - startedMs, octets: client.receivedOctets + client.sentOctets };
  } finally {
    await terminal.close();
  }
}

/** Time of a burst of this length, from the first octet written to the last one received. */
async function streamThroughTerminal(bench: BenchBasics, octets: number): Promise<number> {
  const env = createHostEnv({ logLevel: 'error' });
  const terminal = await openPseudoTerminal();
  try {
    const port = await env.serial.open(terminal.path, SETTINGS);
    let left = octets;
    const received = new Promise<void>((resolve) => {
      port.listen({
        data: (chunk) => {
          left -= chunk.length;
          if (left <= 0) resolve();
        },
        closed: () => resolve(),
      });
    });
    const startedMs = bench.nowMs();
    await new PacedDuplex(terminal.master, OCTET_MS, env).write(new Uint8Array(octets));
    await received;
    const passedMs = bench.nowMs() - startedMs;
    port.close();
    return passedMs;
  } finally {
    await terminal.close();
  }
}
