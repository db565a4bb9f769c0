/** A reader and a meter on one line in virtual time, each octet at the speed at which it was sent: heard at another one, it is noise. */
import { AsciiClient } from '../../../../src/dlms/ascii/client.machine.ts';
import type { AsciiEvent, AsciiOptions, AsciiTask } from '../../../../src/dlms/ascii/task.ts';
import { AsciiMeter, type AsciiMeterOptions } from '../../../../src/sim/ascii/meter.machine.ts';

const END_MS = 600_000;

/** Both ends, and what passed between them as text, oldest first. */
export class AsciiPair {
  readonly client: AsciiClient;
  readonly meter: AsciiMeter;
  readonly passed: string[] = [];
  /** Octets in which what the meter says is cut. */
  pieceOctets = 7;
  nowMs = 0;
  #clientBaud = 300;
  #onWay: {
    readonly atMs: number;
    readonly to: 'client' | 'meter';
    readonly octets: Uint8Array;
    readonly baud: number;
  }[] = [];

  constructor(options: Partial<AsciiMeterOptions>, client: Partial<AsciiOptions> = {}) {
    this.client = new AsciiClient(client);
    this.meter = new AsciiMeter({ readOut: () => '0.0.0(1)\r\n!', answer: () => null, ...options });
  }

  /** Runs a task to its end. */
  run(task: AsciiTask): Exclude<AsciiEvent, { kind: 'line' }> {
    this.client.start(task, this.nowMs);
    const startedMs = this.nowMs;
    for (;;) {
      const ended = this.#settle();
      if (ended !== null) return ended;
      const next = [this.client.deadlineMs(), this.meter.deadlineMs(), ...this.#onWay.map(({ atMs }) => atMs)];
      this.nowMs = Math.max(this.nowMs, Math.min(...next.flatMap((atMs) => atMs ?? [])));
      if (this.nowMs - startedMs > END_MS || !Number.isFinite(this.nowMs)) throw new Error('the task has no end');
      const arrived = this.#onWay.filter(({ atMs }) => atMs <= this.nowMs);
      this.#onWay = this.#onWay.filter(({ atMs }) => atMs > this.nowMs);
      for (const { to, octets, baud } of arrived) {
        const isHeard = baud === (to === 'client' ? this.#clientBaud : this.meter.baud);
        const heard = isHeard ? octets : octets.map((octet) => octet ^ 0x55);
        const ends =
          to === 'client'
            ? this.#hear(this.client.receive(heard, this.nowMs))
            : this.#meterTold(this.meter.receive(heard, this.nowMs));
        if (ends !== null) return ends;
      }
      const end = this.#hear(this.client.tick(this.nowMs)) ?? this.#meterTold(this.meter.tick(this.nowMs));
      if (end !== null) return end;
    }
  }

  #hear(events: readonly AsciiEvent[]): Exclude<AsciiEvent, { kind: 'line' }> | null {
    for (const event of events) {
      if (event.kind !== 'line') {
        this.#settle();
        return event;
      }
      this.#clientBaud = event.settings.baud;
      const end = this.#hear(this.client.changed(this.nowMs));
      if (end !== null) return end;
    }
    return null;
  }

  #meterTold(events: ReturnType<AsciiMeter['receive']>): null {
    for (const event of events) if (event.kind === 'line') this.#meterTold(this.meter.changed(this.nowMs));
    return null;
  }

  #settle(): null {
    for (const octets of this.client.takeOutput()) this.#carry('meter', octets, this.#clientBaud, octets.length);
    for (const octets of this.meter.takeOutput()) this.#carry('client', octets, this.meter.baud, this.pieceOctets);
    return null;
  }

  #carry(to: 'client' | 'meter', octets: Uint8Array, baud: number, most: number): void {
    this.passed.push(`${to === 'meter' ? '>' : '<'}${baud} ${String.fromCharCode(...octets)}`);
    for (let at = 0; at < octets.length; at += most) {
      const piece = octets.slice(at, at + most);
      this.#onWay.push({ atMs: this.nowMs + ((at + piece.length) * 10_000) / baud, to, octets: piece, baud });
    }
  }
}
