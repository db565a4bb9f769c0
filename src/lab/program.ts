/** Deltawatt's programs in processes of their own, for proofs and benches: start, wait for a line, ask over HTTP, end. */
import type { Env } from '../base/env.ts';
import type { ChildProcess, ProcessHost } from '../base/process.ts';
import type { ProgramCommand } from './benches/bench.ts';

/** A started program. */
export interface RunningProgram {
  readonly process: ChildProcess;
  /** Resolves with the first printed line that contains `text`; rejects when the program ends or `timeoutMs` is over. */
  line(text: string, timeoutMs: number): Promise<string>;
  /** What it printed last, oldest first: the first place to look when it does not do what it should. */
  lastLines(): readonly string[];
  /** Ends it in order, or at once with SIGKILL when that takes longer than `timeoutMs`. */
  stop(timeoutMs: number): Promise<void>;
}

/** Lines of the beginning that are kept, for who waits for one of them. */
const LINES_MAX = 2_000;
/** Lines of the end that are kept. */
const LAST_LINES = 8;

/** Starts `deltawatt ...args` in a folder; `heard` gets every line that it prints. */
export async function startProgram(
  env: Env,
  host: ProcessHost,
  command: ProgramCommand,
  args: readonly string[],
  folder: string,
  heard: (line: string) => void = () => {},
): Promise<RunningProgram> {
  const lines: string[] = [];
  const last: string[] = [];
  const waiting = new Set<() => void>();
  let end: string | null = null;
  const child = await host.spawn(command.file, [...command.args, ...args], {
    folder,
    environment: { PATH: host.searchPath.join(':'), TMPDIR: host.temporaryFolder, ...command.environment },
    line: (text) => {
      heard(text);
      if (lines.length < LINES_MAX) lines.push(text);
      last.push(text);
      if (last.length > LAST_LINES) last.shift();
      for (const look of waiting) look();
    },
  });
  void child.ended.then((reason) => {
    end = reason;
    for (const look of waiting) look();
  });
  const line = (text: string, timeoutMs: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const done = (settle: () => void) => {
        timer.cancel();
        waiting.delete(look);
        settle();
      };
      const fail = (why: string) =>
        done(() => reject(new Error(`${args[0]}: ${why} before '${text}': ${last.join(' | ')}`)));
      const look = () => {
        const found = lines.find((each) => each.includes(text));
        if (found !== undefined) done(() => resolve(found));
        else if (end !== null) fail(end);
      };
      const timer = env.timers.after(timeoutMs, () => fail(`${timeoutMs} ms went by`));
      waiting.add(look);
      look();
    });
  const stop = async (timeoutMs: number): Promise<void> => {
    const timer = env.timers.after(timeoutMs, () => child.signal('SIGKILL'));
    if (end === null) child.signal('SIGTERM');
    await child.ended;
    timer.cancel();
  };
  return { process: child, line, lastLines: () => [...last], stop };
}

/** Ports from which systems do not draw those of outgoing connections: such a one could be taken between two starts. */
const PORTS = { from: 10_000, below: 32_000 };
const PORT_TRIES = 100;

/** A free port of loopback, given back at once: whoever takes it next may be another, so take it soon. */
export async function freePort(env: Env): Promise<number> {
  for (let tries = 1; ; tries++) {
    const port = PORTS.from + env.random.below(PORTS.below - PORTS.from);
    try {
      const listener = await env.net.listenTcp('127.0.0.1', port, (duplex) => duplex.close());
      await listener.close();
      return port;
    } catch (error) {
      if (tries === PORT_TRIES) throw error;
    }
  }
}

/** One HTTP request on loopback. */
export interface HttpRequest {
  readonly port: number;
  readonly path: string;
  /** Bearer token. */
  readonly token?: string;
  /** Sent as JSON with POST; absent = GET. */
  readonly body?: unknown;
}

const HTTP_PATIENCE_MS = 5_000;

/** Body of a good answer, or undefined when nobody answers well. */
export async function httpAsk(env: Env, request: HttpRequest): Promise<string | undefined> {
  const duplex = await env.net
    .connectTcp('127.0.0.1', request.port, { timeoutMs: HTTP_PATIENCE_MS })
    .catch(() => undefined);
  if (duplex === undefined) return undefined;
  const decoder = new TextDecoder();
  const answer = await new Promise<string>((resolve) => {
    let text = '';
    const timer = env.timers.after(HTTP_PATIENCE_MS, () => duplex.close());
    duplex.listen({
      data: (chunk) => {
        text += decoder.decode(chunk, { stream: true });
      },
      closed: () => {
        timer.cancel();
        resolve(text);
      },
    });
    duplex.write(new TextEncoder().encode(requestText(request))).catch(() => duplex.close());
  });
  const [head = '', body] = answer.split('\r\n\r\n');
  return /^HTTP\/1.1 20[01] /.test(head) ? body : undefined;
}

function requestText({ path, token, body }: HttpRequest): string {
  const json = body === undefined ? '' : JSON.stringify(body);
  const lines = [`${body === undefined ? 'GET' : 'POST'} ${path} HTTP/1.1`, 'Host: 127.0.0.1', 'Connection: close'];
  if (token !== undefined) lines.push(`Authorization: Bearer ${token}`);
  if (body !== undefined) lines.push('Content-Type: application/json', `Content-Length: ${json.length}`);
  return `${lines.join('\r\n')}\r\n\r\n${json}`;
}
