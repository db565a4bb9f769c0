/** A line to a victim on which APDUs are said as they are, right or wrong, and the next answer is waited for. */
import type { Env } from '../../base/env.ts';
import type { Machine, MachineRunner, RunningMachine } from '../../base/machine.ts';
import type { ClientTransport, TransportEvent } from '../../dlms/frame/transport.ts';

/** Octets said last: an attack on the framing looks at them. */
class Tap implements Machine<TransportEvent> {
  said: readonly Uint8Array[] = [];

  constructor(private readonly inner: ClientTransport) {}

  receive(chunk: Uint8Array, nowMs: number): TransportEvent[] {
    return this.inner.receive(chunk, nowMs);
  }

  takeOutput(): Uint8Array[] {
    const output = this.inner.takeOutput();
    if (output.length > 0) this.said = output;
    return output;
  }

  deadlineMs(): number | null {
    return this.inner.deadlineMs();
  }

  tick(nowMs: number): TransportEvent[] {
    return this.inner.tick(nowMs);
  }
}

/** One connection. */
export class AttackLine {
  readonly #transport: ClientTransport;
  readonly #tap: Tap;
  readonly #running: RunningMachine;
  readonly #timeoutMs: number;
  readonly #timers: Env['timers'];
  readonly #heard: TransportEvent[] = [];
  #ended = false;
  #wake: () => void = () => {};

  /** Opens nothing yet: {@link connect} does. */
  constructor(runner: MachineRunner, transport: ClientTransport, timers: Env['timers'], timeoutMs: number) {
    this.#transport = transport;
    this.#timers = timers;
    this.#timeoutMs = timeoutMs;
    this.#tap = new Tap(transport);
    this.#running = runner.run(
      this.#tap,
      (events) => {
        this.#heard.push(...events.filter(({ kind }) => kind !== 'discarded'));
        this.#wake();
      },
      () => {
        this.#ended = true;
        this.#wake();
      },
    );
  }

  /** Brings the data link up; false when the victim does not answer. */
  async connect(): Promise<boolean> {
    this.#transport.connect(this.#running.nowMs());
    this.#running.kick();
    return (await this.#next(['link-up', 'link-down']))?.kind === 'link-up';
  }

  /** Says an APDU and gives the answer; null when there is none in time, or the line or link ends. */
  async ask(apdu: Uint8Array): Promise<Uint8Array | null> {
    if (this.#ended) return null;
    this.#heard.length = 0;
    this.#transport.send(apdu, this.#running.nowMs());
    this.#running.kick();
    const event = await this.#next(['apdu', 'link-down']);
    return event?.kind === 'apdu' ? event.apdu : null;
  }

  /** Frames that went out last, as they stood on the line. */
  get said(): readonly Uint8Array[] {
    return this.#tap.said;
  }

  /** Lets go of the line. */
  stop(): void {
    if (!this.#ended) {
      this.#transport.disconnect(this.#running.nowMs());
      this.#running.kick();
    }
    this.#running.stop();
  }

  async #next(kinds: readonly TransportEvent['kind'][]): Promise<TransportEvent | null> {
    let late = false;
    const timer = this.#timers.after(this.#timeoutMs, () => {
      late = true;
      this.#wake();
    });
    try {
      for (;;) {
        const event = this.#heard.shift();
        if (event !== undefined && kinds.includes(event.kind)) return event;
        if (event !== undefined) continue;
        if (late || this.#ended) return null;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      timer.cancel();
    }
  }
}
