/** The optical port of a simulated meter: signs on at the start speed, then is the HDLC line that the meter is served on. */
import type { ByteDuplex, DuplexListener, Env, SerialSettings } from '../../base/env.ts';
import type { RunningMachine } from '../../base/machine.ts';
import { asciiSettings } from '../../dlms/frame/iec62056-21.machine.ts';
import {
  SIGN_ON_METER_DEFAULTS,
  SignOnMeter,
  type SignOnMeterEvent,
  type SignOnMeterOptions,
} from '../../dlms/frame/iec62056-21-meter.machine.ts';
import { LineDriver } from '../../link/drive.ts';
import { SwitchedPort } from '../../link/switched-port.ts';

/** Opens the port and waits for sign-ons; rejects when the port cannot be opened. */
export async function openOpticalFront(
  peer: string,
  open: (settings: SerialSettings) => Promise<ByteDuplex>,
  env: Pick<Env, 'clock' | 'timers'>,
  options: Partial<SignOnMeterOptions>,
): Promise<OpticalFront> {
  const port = new SwitchedPort(peer, open);
  await port.set(asciiSettings(options.startBaud ?? SIGN_ON_METER_DEFAULTS.startBaud));
  return new OpticalFront(port, env, new SignOnMeter(options));
}

/** What the meter behind it sees: a line on which octets come while a session is open. */
export class OpticalFront implements ByteDuplex {
  readonly #port: SwitchedPort;
  readonly #machine: SignOnMeter;
  readonly #running: RunningMachine;
  #listener: DuplexListener | null = null;

  constructor(port: SwitchedPort, env: Pick<Env, 'clock' | 'timers'>, machine: SignOnMeter) {
    this.#port = port;
    this.#machine = machine;
    this.#running = new LineDriver(port, env).run(
      machine,
      (events) => this.#hear(events),
      (reason) => this.#listener?.closed(reason),
    );
    this.#running.kick();
  }

  get peer(): string {
    return this.#port.peer;
  }

  /** Octets for which no session is open are lost. */
  write(octets: Uint8Array): Promise<void> {
    this.#machine.send(octets.slice(), this.#running.nowMs());
    this.#running.kick();
    return Promise.resolve();
  }

  listen(listener: DuplexListener): void {
    this.#listener = listener;
  }

  close(): void {
    this.#port.close();
  }

  #hear(events: readonly SignOnMeterEvent[]): void {
    for (const event of events) {
      if (event.kind === 'data') this.#listener?.data(event.octets);
      else this.#change(event.settings);
    }
  }

  #change(settings: SerialSettings): void {
    // A port that does not come back ends the line, which its listener is told.
    this.#port.set(settings).then(
      () => {
        this.#hear(this.#machine.changed(this.#running.nowMs()));
        this.#running.kick();
      },
      () => {},
    );
  }
}
