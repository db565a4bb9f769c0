/** Pseudo-terminals into which captures are played while the edge listens at their other end. */
import type { Disk, Env } from '../../base/env.ts';
import { openPseudoTerminal, type PseudoTerminal } from '../../host/pseudo-terminal.ts';
import { octetMsOf } from '../../link/serial.ts';
import { playCaptures } from '../../sim/captures.ts';
import type { CapturePort } from './capture-cases.ts';
import type { ExtraLine } from './site.ts';

/** Meters push every few seconds to an hour; here only the silence that ends an unfinished frame is kept. */
const PAUSE_MS = 500;

/** Open ports. */
export interface CapturePorts {
  /** For the edge's settings: every push is stored. */
  readonly lines: readonly ExtraLine[];
  /** The line of a port, for what a test wants to send itself. */
  terminal(meterId: string): PseudoTerminal;
  /** Plays all ports at once, each at its rate; resolves with the octets of noise. */
  play(seed: string, signal?: AbortSignal): Promise<number>;
  close(): Promise<void>;
}

/** Opens a pseudo-terminal for each port; `folder` takes the keys of ciphered ones. Rejects when there are none to have. */
export async function openCapturePorts(
  env: Pick<Env, 'clock' | 'timers'> & { readonly disk: Pick<Disk, 'makeFolder' | 'writeFile'> },
  ports: readonly CapturePort[],
  folder: string,
): Promise<CapturePorts> {
  const opened = new Map<string, { readonly port: CapturePort; readonly terminal: PseudoTerminal }>();
  const close = async (): Promise<void> => {
    await Promise.all([...opened.values()].map(({ terminal }) => terminal.close()));
  };
  try {
    for (const port of ports) opened.set(port.meterId, { port, terminal: await openPseudoTerminal() });
    const lines: ExtraLine[] = [];
    for (const { port, terminal } of opened.values()) lines.push(await lineOf(env.disk, port, terminal.path, folder));
    return {
      lines,
      close,
      terminal: (meterId) => {
        const found = opened.get(meterId);
        if (found === undefined) throw new Error(`there is no port of ${meterId}`);
        return found.terminal;
      },
      play: async (seed, signal) => {
        const noise = await Promise.all(
          [...opened.values()].map(({ port, terminal }) =>
            playCaptures(
              terminal.master,
              port.cases.map(({ capture }) => capture),
              env,
              {
                seed: `${seed}/${port.meterId}`,
                octetMs: octetMsOf({ ...port.meter, dataBits: 8, stopBits: 1 }),
                pauseMs: PAUSE_MS,
                noise: true,
                ...(signal === undefined ? {} : { signal }),
              },
            ),
          ),
        );
        return noise.reduce((sum, octets) => sum + octets, 0);
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function lineOf(
  disk: Pick<Disk, 'makeFolder' | 'writeFile'>,
  port: CapturePort,
  path: string,
  folder: string,
): Promise<ExtraLine> {
  const { meterId, meter, encryptionKey } = port;
  const keysFile = `${folder}/${meterId}.keys`;
  if (encryptionKey !== null) {
    await disk.makeFolder(folder, 0o700);
    await disk.writeFile(keysFile, new TextEncoder().encode(`encryptionKey: "${encryptionKey}"\n`));
  }
  return {
    id: meterId,
    url: `push+serial://${path}?baud=${meter.baud}&parity=${meter.parity}`,
    sampleS: 0,
    meters: [
      {
        id: meterId,
        profile: meter.profile,
        timeZone: meter.timeZone,
        ...(encryptionKey === null ? {} : { keysFile }),
      },
    ],
  };
}
