/**
 * `prime-tcp://host:4059`: a network of meters over the power line behind one PRIME base node (DLMSoTCP).
 *
 * One connection serves all meters; it is made when the first one is asked for, and again after it was lost. Each association
 * gets a line to its meter, which is found by its DLMS id or the EUI-48 of its modem, since device ids change with every join;
 * the path of the address names the meter for whoever asks only one: `prime-tcp://host:4059/10000001`. A meter that has
 * not joined is waited for only after a connection was made, when the base node says who is there. Given up in this form: several requests
 * under way at once, which the base node would bear (four, one a meter).
 */
import type { ByteDuplex } from '../base/env.ts';
import type { PrimeNewDevice } from '../dlms/frame/prime-message.ts';
import { linkError } from './errors.ts';
import { PRIME_APDU_MAX_BYTES } from './limits.ts';
import type { LineLink, LineTarget, NodeChange } from './link.ts';
import { type OptionTable, readOptions } from './options.ts';
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
  readonly capabilities = {
    maxInFlight: 1,
    maxPduBytes: PRIME_APDU_MAX_BYTES,
    broadcast: false,
    joinEvents: true,
    rescan: false,
  };
  readonly url: string;
  readonly gapMs: number;
  #session: PrimeSession | null = null;
  /** Monotonic ms. */
  #connectedAtMs = 0;
  readonly #listeners: ((change: NodeChange) => void)[] = [];
  /** Whoever waits for a node to join, or for the end of the connection. */
  readonly #waiting = new Set<() => void>();

  constructor(
    private readonly address: LinkAddress,
    private readonly options: { readonly connect: number; readonly join: number; readonly gap: number },
    private readonly env: LinkEnv,
  ) {
    this.url = address.url;
    this.gapMs = options.gap;
  }

  watch(listener: (change: NodeChange) => void): void {
    this.#listeners.push(listener);
  }

  async open(to?: LineTarget): Promise<ByteDuplex> {
    const { name, station } = to ?? { name: this.address.path.slice(1), station: STATION_DEFAULT };
    if (name === '') throw linkError('LINK_NO_NODE', `${this.url}: name a meter behind it, as in ${EXAMPLE}/10000001`);
    const session = await this.#connected();
    // A network that was told of long ago has nobody more to tell of: those who are away cost no time.
    const untilMs = this.#connectedAtMs + this.options.join;
    for (;;) {
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

  async #connected(): Promise<PrimeSession> {
    if (this.#session?.isOpen === true) return this.#session;
    const duplex = await connectTo(this.address, this.env, this.options.connect);
    const changed = () => {
      for (const wake of [...this.#waiting]) wake();
    };
    this.#connectedAtMs = this.env.clock.monotonicMs();
    const told = (kind: NodeChange['kind']) => (node: PrimeNewDevice) => {
      changed();
      for (const listener of this.#listeners) listener({ kind, name: node.serial, eui48: node.eui48 });
    };
    const watcher = { joined: told('joined'), left: told('left'), ended: changed };
    this.#session = new PrimeSession(duplex, this.gapMs, watcher);
    return this.#session;
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
export const PRIME_SCHEMES: readonly LinkScheme[] = [{ scheme: 'prime-tcp', example: EXAMPLE, options: OPTIONS, make }];
