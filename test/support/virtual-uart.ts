/**
 * Two serial ports with a wire between them, on a virtual clock: an octet takes the time of its bits, and a receiver whose
 * speed or parity differs from the sender's hears something else. With `echo` the first port hears itself, as at a head.
 */
import type { ByteDuplex, DuplexListener, SerialPorts, SerialSettings, Timers } from '../../src/base/env.ts';
import { octetMsOf } from '../../src/link/serial.ts';

interface OpenPort {
  readonly settings: SerialSettings;
  listener: DuplexListener | null;
}

/** One end: what a program opens. */
class Uart implements SerialPorts {
  open_: OpenPort | null = null;
  /** Settings of each opening, as `300 7E1`. */
  readonly openings: string[] = [];
  /** Octets as they were sent, with the settings in force. */
  readonly sent: { readonly settings: string; readonly octets: Uint8Array }[] = [];
  other: Uart | null = null;
  echo = false;
  #freeAtMs = 0;

  constructor(
    private readonly timers: Timers & { readonly nowMs: number },
    private readonly name: string,
  ) {}

  open(_path: string, settings: SerialSettings): Promise<ByteDuplex> {
    if (this.open_ !== null) return Promise.reject(new Error(`${this.name} is held by somebody else`));
    const port: OpenPort = { settings, listener: null };
    this.open_ = port;
    this.openings.push(wordsOf(settings));
    return Promise.resolve({
      peer: this.name,
      write: (octets) => this.#send(port, octets.slice()),
      listen: (listener) => {
        port.listener = listener;
      },
      close: () => {
        if (this.open_ !== port) return;
        this.open_ = null;
        queueMicrotask(() => port.listener?.closed());
      },
    });
  }

  #send(port: OpenPort, octets: Uint8Array): Promise<void> {
    if (this.open_ !== port) return Promise.reject(new Error(`${this.name} is closed`));
    this.sent.push({ settings: wordsOf(port.settings), octets });
    const octetMs = octetMsOf(port.settings);
    return new Promise((resolve) => {
      const beginMs = Math.max(this.#freeAtMs, this.timers.nowMs);
      this.#freeAtMs = beginMs + octets.length * octetMs;
      for (const [at, octet] of octets.entries()) {
        this.timers.after(beginMs + (at + 1) * octetMs - this.timers.nowMs, () => {
          this.other?.hear(octet, port.settings);
          if (this.echo) this.hear(octet, port.settings);
          if (at === octets.length - 1) resolve();
        });
      }
      if (octets.length === 0) resolve();
    });
  }

  hear(octet: number, sentWith: SerialSettings): void {
    const port = this.open_;
    if (port === null) return;
    const same = wordsOf(port.settings) === wordsOf(sentWith);
    port.listener?.data(Uint8Array.of(same ? octet : (octet * 37 + 0x5b) & 0xff));
  }
}

function wordsOf({ baud, dataBits, parity, stopBits }: SerialSettings): string {
  return `${baud} ${dataBits}${parity.charAt(0).toUpperCase()}${stopBits}`;
}

/** The two ports. */
export function virtualUarts(timers: Timers & { readonly nowMs: number }): { readonly near: Uart; readonly far: Uart } {
  const [near, far] = [new Uart(timers, 'near'), new Uart(timers, 'far')];
  near.other = far;
  far.other = near;
  return { near, far };
}
