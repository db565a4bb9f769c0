/**
 * `prime-tcp://host:4059`: a network of meters over the power line behind one PRIME base node (DLMSoTCP).
 *
 * One connection serves all meters; it is made when the first one is asked for, and again after it was lost. Each association
 * gets a line to its meter, which is found by its DLMS id or the EUI-48 of its modem, since device ids change with every join;
 * the path of the address names the meter for whoever asks only one: `prime-tcp://host:4059/10000001`. A meter that has
 * not joined is waited for only after a connection was made, when the base node says who is there. Several meters are asked at once, each one
 * thing at a time. A meter that owes an answer to an association that is over is waited for: `prime-traffic.ts` says why.
 */
import type { ByteDuplex } from '../base/env.ts';
import type { PrimeNewDevice } from '../dlms/frame/prime-message.ts';
import { linkError } from './errors.ts';
import { PRIME_ANSWER_WINDOW_MS, PRIME_APDU_MAX_BYTES, PRIME_HELD_MS } from './limits.ts';
import type { LineLink, LineTarget, LinkCapabilities, NodeChange } from './link.ts';
import { type OptionTable, type OptionValues, readOptions } from './options.ts';
import { PrimeSession } from './prime-session.ts';
import type { LinkAddress, LinkEnv, LinkScheme } from './scheme.ts';
import { CONNECT_OPTION, connectTo } from './tcp.ts';

const OPTIONS = {
  connect: CONNECT_OPTION,
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
    about: 'Meters that are asked at once; a base node of the kind described holds five requests',
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
  strangers: {
    kind: 'choice',
    about:
      'Meters that join and that the settings do not name are asked once who they are, and told to the collector; or not',
    default: 'tell',
    of: ['tell', 'ignore'],
  },
  gap: {
    kind: 'number',
    about: 'Silence inside a message after which it is given up',
    unit: 'ms',
    default: 60_000,
    min: 20,
    max: 600_000,
  },
} as const satisfies OptionTable;

const EXAMPLE = 'prime-tcp://192.168.1.30:4059';
/** Logical device of a meter that only the address names. */
const STATION_DEFAULT = 1;

function make(address: LinkAddress, env: LinkEnv): LineLink | { readonly problems: readonly string[] } {
  const { values, problems } = readOptions(OPTIONS, address.query);
  const { host } = address;
  const wrong = [...(host === '' ? [`the host is missing, as in ${EXAMPLE}`] : []), ...problems];
  if (wrong.length > 0) return { problems: wrong };
  return new PrimeLink(address, values, env);
}

class PrimeLink implements LineLink {
  readonly kind = 'line';
  readonly purpose = 'ask';
  readonly scheme = 'prime-tcp';
  readonly framing = 'wrapper';
  readonly octetMs = 0;
  readonly sliceDays = 1;
  readonly opensPerSession = true;
  readonly findsByName = true;
  readonly answerWindowMs = PRIME_ANSWER_WINDOW_MS;
  readonly answerTimeoutMs: number;
  readonly tellsEach: boolean;
  readonly tellsStrangers: boolean;
  readonly capabilities: LinkCapabilities;
  readonly url: string;
  readonly gapMs: number;
  #session: PrimeSession | null = null;
  /** A connection that is being made: whoever wants one meanwhile waits for the same. */
  #connecting: Promise<PrimeSession> | null = null;
  /** Monotonic ms. */
  #connectedAtMs = 0;
  readonly #listeners: ((change: NodeChange) => void)[] = [];
  /** Whoever waits for a node to join, or for the end of the connection. */
  readonly #waiting = new Set<() => void>();

  constructor(
    private readonly address: LinkAddress,
    private readonly options: OptionValues<typeof OPTIONS>,
    private readonly env: LinkEnv,
  ) {
    this.url = address.url;
    this.gapMs = options.gap;
    this.answerTimeoutMs = options.answer;
    this.tellsEach = options.tell === 'each';
    this.tellsStrangers = options.strangers === 'tell';
    this.capabilities = {
      maxInFlight: options.inflight,
      maxPduBytes: PRIME_APDU_MAX_BYTES,
      broadcast: false,
      joinEvents: true,
      rescan: false,
    };
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
    const { name, station } = to ?? { name: this.address.path.slice(1), station: STATION_DEFAULT };
    if (name === '') throw linkError('LINK_NO_NODE', `${this.url}: name a meter behind it, as in ${EXAMPLE}/10000001`);
    const session = await this.#connected();
    // A network that was told of long ago has nobody more to tell of: those who are away cost no time.
    const untilMs = this.#connectedAtMs + this.options.join;
    for (;;) {
      const restMs = session.restMs(name);
      if (restMs > 0) {
        await this.#change(restMs);
        continue;
      }
      const line = session.lineTo(name, station);
      if (line !== null) return line;
      const leftMs = untilMs - this.env.clock.monotonicMs();
      if (!session.isOpen) throw linkError('LINK_OPEN', `${this.url}: the connection ended`);
      if (leftMs <= 0)
        throw linkError('LINK_NO_NODE', `${name}; ${session.nodes.length} others have joined ${this.url}`);
      await this.#change(leftMs);
    }
  }

  close(): void {
    this.#session?.close();
  }

  #connected(): Promise<PrimeSession> {
    if (this.#session?.isOpen === true) return Promise.resolve(this.#session);
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  async #connect(): Promise<PrimeSession> {
    const duplex = await connectTo(this.address, this.env, this.options.connect);
    const changed = () => {
      for (const wake of [...this.#waiting]) wake();
    };
    this.#connectedAtMs = this.env.clock.monotonicMs();
    const told = (kind: 'joined' | 'left' | 'late') => (node: PrimeNewDevice) => {
      changed();
      this.#tell({ kind, name: node.serial, eui48: node.eui48 });
    };
    const rules = { most: this.options.inflight, heldMs: PRIME_HELD_MS, guardMs: this.options.guard };
    const ended = () => {
      changed();
      this.#tell({ kind: 'lost' });
    };
    const watcher = {
      joined: told('joined'),
      left: told('left'),
      settled: changed,
      late: told('late'),
      ended,
    };
    const session = new PrimeSession({ duplex, env: this.env, gapMs: this.gapMs, rules, watcher });
    this.#session = session;
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
      const timer = this.env.timers.after(limitMs, wake);
      this.#waiting.add(wake);
    });
  }
}

/** Networks over the power line. */
export const PRIME_SCHEMES: readonly LinkScheme[] = [
  { scheme: 'prime-tcp', example: EXAMPLE, options: OPTIONS, tellsJoins: true, make },
];
