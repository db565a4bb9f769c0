/** A meter that misses some of what goes to all stations: nobody repeats that, so a line loses it for good. */
import type { ServerTransport, Stations, TransportEvent } from '../../dlms/frame/transport.ts';

/** A transport that loses messages to all stations; everything else goes through. */
export class DeafTransport implements ServerTransport {
  /** `misses` is asked for each message. */
  constructor(
    private readonly inner: ServerTransport,
    private readonly misses: () => boolean,
  ) {}

  get maxInFlight(): number {
    return this.inner.maxInFlight;
  }

  send(apdu: Uint8Array, stations: Stations, nowMs: number): void {
    this.inner.send(apdu, stations, nowMs);
  }

  noAnswer(stations: Stations, nowMs: number): void {
    this.inner.noAnswer(stations, nowMs);
  }

  push(apdu: Uint8Array, stations: Stations, nowMs: number): void {
    this.inner.push(apdu, stations, nowMs);
  }

  notify(apdu: Uint8Array, stations: Stations, nowMs: number): void {
    this.inner.notify(apdu, stations, nowMs);
  }

  receive(chunk: Uint8Array, nowMs: number): TransportEvent[] {
    return this.#heard(this.inner.receive(chunk, nowMs));
  }

  takeOutput(): Uint8Array[] {
    return this.inner.takeOutput();
  }

  deadlineMs(): number | null {
    return this.inner.deadlineMs();
  }

  tick(nowMs: number): TransportEvent[] {
    return this.#heard(this.inner.tick(nowMs));
  }

  #heard(events: TransportEvent[]): TransportEvent[] {
    return events.filter((event) => event.kind !== 'unsolicited' || !this.misses());
  }
}
