/**
 * A network of meters over the power line as a link: what is the same whatever modem stands before it.
 *
 * One connection to the modem serves all meters; it is made when the first one is asked for, and again after it was lost. Each association
 * gets a line to its meter, found by the name that does not change. A meter that has not joined is waited for only after a connection was
 * made, while the modem tells who is there. Several meters are asked at once, each one thing at a time. A meter that owes an
 * answer to an association that is over is waited for: `plc-traffic.ts` says why.
 */
import type { ByteDuplex, Env } from '../base/env.ts';
import { linkError } from './errors.ts';
import { PLC_ANSWER_WINDOW_MS } from './limits.ts';
import type { LineLink, LineTarget, LinkCapabilities, LinkMemory, NodeChange } from './link.ts';
import type { OptionTable, OptionValues } from './options.ts';
import type { PlcNode, PlcSession, PlcWatcher } from './plc-session.ts';

/** Options that every such link has. */
export const PLC_LINK_OPTIONS = {
  join: {
    kind: 'number',
    about: 'After a connection was made: wait for a meter that has not joined',
    unit: 'ms',
    default: 5_000,
    min: 0,
    max: 600_000,
  },
  inflight: {
    kind: 'number',
    about: 'Meters that are asked at once; a PRIME base node of the kind described holds five requests',
    unit: 'meters',
    default: 4,
    min: 1,
    max: 16,
  },
  answer: {
    kind: 'number',
    about: 'Wait for an answer: longer than the longest stall of the modem',
    unit: 'ms',
    default: 50_000,
    min: 1_000,
    max: 600_000,
  },
  guard: {
    kind: 'number',
    about: 'Age at which an answer can come no more: until then a meter that owes one is left in peace',
    unit: 'ms',
    default: 120_000,
    min: 1_000,
    max: 3_600_000,
  },
  tell: {
    kind: 'choice',
    about: 'Comings and goings of meters go up as one event an hour, or each as its own',
    default: 'hour',
    of: ['hour', 'each'],
  },
} as const satisfies OptionTable;

/** What a link is made of. */
export interface PlcLinkOptions {
  readonly scheme: string;
  readonly url: string;
  readonly options: OptionValues<typeof PLC_LINK_OPTIONS>;
  readonly env: Pick<Env, 'clock' | 'timers'>;
  /** Longest APDU, octets. */
  readonly maxPduBytes: number;
  /** Time of an octet on the way to the modem, ms. */
  readonly octetMs: number;
  /** Silence inside a message after which it is given up, ms. */
  readonly gapMs: number;
  /** Whether meters that nobody named are asked who they are. */
  readonly tellsStrangers: boolean;
  /** The meter that the address itself names, for whoever asks only one; '' = none. */
  readonly named: string;
  /** An address that names one, for the error. */
  readonly example: string;
  /** Why a name cannot be that of a meter in such a network; absent = any may be. */
  readonly nameProblem?: (name: string) => string | null;
  /** Takes the memory, where such a network has something to remember. */
  readonly remember?: (memory: LinkMemory) => void;
  /** Makes a connection; rejects with the codes of LINK_ERRORS. */
  connect(watcher: PlcWatcher): Promise<PlcSession>;
}

/** Logical device of a meter that only the address names. */
const STATION_DEFAULT = 1;

/** See the head of the file. */
export class PlcLink implements LineLink {
  readonly kind = 'line';
  readonly purpose = 'ask';
  readonly framing = 'wrapper';
  readonly sliceDays = 1;
  readonly opensPerSession = true;
  readonly findsByName = true;
  readonly answerWindowMs = PLC_ANSWER_WINDOW_MS;
  readonly answerTimeoutMs: number;
  readonly tellsEach: boolean;
  readonly tellsStrangers: boolean;
  readonly capabilities: LinkCapabilities;
  readonly scheme: string;
  readonly url: string;
  readonly gapMs: number;
  readonly octetMs: number;
  readonly #parts: PlcLinkOptions;
  #session: PlcSession | null = null;
  /** The connection that is being made. */
  #connecting: Promise<PlcSession> | null = null;
  /** Monotonic ms. */
  #connectedAtMs = 0;
  readonly #listeners: ((change: NodeChange) => void)[] = [];
  /** Whoever waits for a node to join, or for the end of the connection. */
  readonly #waiting = new Set<() => void>();

  constructor(parts: PlcLinkOptions) {
    const { options } = parts;
    this.#parts = parts;
    this.scheme = parts.scheme;
    this.url = parts.url;
    this.gapMs = parts.gapMs;
    this.octetMs = parts.octetMs;
    this.answerTimeoutMs = options.answer;
    this.tellsEach = options.tell === 'each';
    this.tellsStrangers = parts.tellsStrangers;
    this.capabilities = {
      maxInFlight: options.inflight,
      maxPduBytes: parts.maxPduBytes,
      broadcast: false,
      joinEvents: true,
      rescan: false,
    };
  }

  nameProblem(name: string): string | null {
    return this.#parts.nameProblem?.(name) ?? null;
  }

  remember(memory: LinkMemory): void {
    this.#parts.remember?.(memory);
  }

  watch(listener: (change: NodeChange) => void): void {
    this.#listeners.push(listener);
  }

  async attend(): Promise<void> {
    await this.#connected();
  }

  restMs(name: string): number {
    return this.#session?.restMs(name) ?? 0;
  }

  async open(to?: LineTarget): Promise<ByteDuplex> {
    const { named, example, options, env } = this.#parts;
    const { name, station } = to ?? { name: named, station: STATION_DEFAULT };
    if (name === '') throw linkError('LINK_NO_NODE', `${this.url}: name a meter behind it, as in ${example}`);
    const session = await this.#connected();
    // A network that was told of long ago has nobody more to tell of: those who are away cost no time.
    const untilMs = this.#connectedAtMs + options.join;
    for (;;) {
      const restMs = session.restMs(name);
      if (restMs > 0) {
        await this.#change(restMs);
        continue;
      }
      const line = session.lineTo(name, station);
      if (line !== null) return line;
      const leftMs = untilMs - env.clock.monotonicMs();
      if (!session.isOpen) throw linkError('LINK_OPEN', `${this.url}: the connection ended`);
      if (leftMs <= 0)
        throw linkError('LINK_NO_NODE', `${name}; ${session.nodes.length} others have joined ${this.url}`);
      await this.#change(leftMs);
    }
  }

  close(): void {
    this.#session?.close();
    this.#connecting?.then(
      (session) => session.close(),
      () => undefined,
    );
  }

  /** The session, made once for all who want it at the same time. */
  #connected(): Promise<PlcSession> {
    if (this.#session?.isOpen === true) return Promise.resolve(this.#session);
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  async #connect(): Promise<PlcSession> {
    const changed = () => {
      for (const wake of [...this.#waiting]) wake();
    };
    const told = (kind: 'joined' | 'left' | 'late') => (node: PlcNode) => {
      changed();
      this.#tell({ kind, name: node.name, eui: node.eui });
    };
    const ended = () => {
      changed();
      this.#tell({ kind: 'lost' });
    };
    const watcher = { joined: told('joined'), left: told('left'), settled: changed, late: told('late'), ended };
    const session = await this.#parts.connect(watcher);
    this.#session = session;
    this.#connectedAtMs = this.#parts.env.clock.monotonicMs();
    this.#tell({ kind: 'connected' });
    return session;
  }

  #tell(change: NodeChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  /** Resolves when the network changes, or after so long. */
  #change(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        timer.cancel();
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = this.#parts.env.timers.after(limitMs, wake);
      this.#waiting.add(wake);
    });
  }
}
