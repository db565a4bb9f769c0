/** The bare framing to a meter, without an association of ours: for whoever speaks to the meter through this edge. */
import type { MachineRunner } from '../../base/machine.ts';
import type { ClientTransport, TransportEvent } from '../../dlms/frame/transport.ts';
import { sessionError } from '../../dlms/session/errors.ts';
import type { MeterWire, WireListener } from '../ports.ts';

/** Brings the link to a meter up. Rejects with the codes of FRAME_ERRORS, SESSION_CLOSED when the line ends. */
export function openWire(runner: MachineRunner, transport: ClientTransport): Promise<MeterWire> {
  return new Promise((resolve, reject) => {
    new TransportWire(runner, transport, resolve, reject).connect();
  });
}

class TransportWire implements MeterWire {
  readonly #transport: ClientTransport;
  readonly #running;
  #listener: WireListener | null = null;
  #isUp = false;
  #ended = false;
  #onClosed: (() => void) | null = null;

  constructor(
    runner: MachineRunner,
    transport: ClientTransport,
    private readonly opened: (wire: MeterWire) => void,
    private readonly failed: (error: Error) => void,
  ) {
    this.#transport = transport;
    this.#running = runner.run(
      transport,
      (events) => {
        for (const event of events) this.#hear(event);
      },
      (reason) => this.#end(sessionError('SESSION_CLOSED', 'the line ended', reason)),
    );
  }

  connect(): void {
    this.#transport.connect(this.#running.nowMs());
    this.#running.kick();
  }

  listen(listener: WireListener): void {
    this.#listener = listener;
  }

  send(apdu: Uint8Array): void {
    if (this.#ended) return;
    this.#transport.send(apdu, this.#running.nowMs());
    this.#running.kick();
  }

  close(): Promise<void> {
    if (this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onClosed = resolve;
      this.#transport.disconnect(this.#running.nowMs());
      this.#running.kick();
    });
  }

  #hear(event: TransportEvent): void {
    if (event.kind === 'link-up') {
      this.#isUp = true;
      this.opened(this);
    } else if (event.kind === 'link-down') this.#end(event.reason);
    else if (event.kind === 'apdu') this.#listener?.apdu(event.apdu);
  }

  #end(reason: Error | null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#running.stop();
    if (!this.#isUp) this.failed(reason ?? sessionError('SESSION_CLOSED'));
    this.#listener?.down(reason);
    this.#onClosed?.();
  }
}
