/**
 * A meter behind its supply: while that is off nothing is heard and nothing said, and after it came back no association is
 * left. Sessions of one meter share its device, so they all end at once.
 */
import type { Machine } from '../../base/machine.ts';
import type { Power } from '../meter/power.ts';

/** A machine that is made anew when the supply comes back. */
export class PowerMachine<Event> implements Machine<Event> {
  #inner: Machine<Event>;
  #starts: number;

  constructor(
    private readonly power: Power,
    private readonly make: () => Machine<Event>,
  ) {
    this.#inner = make();
    this.#starts = power.starts;
  }

  receive(chunk: Uint8Array, nowMs: number): Event[] {
    return this.#isUp() ? this.#inner.receive(chunk, nowMs) : [];
  }

  takeOutput(): Uint8Array[] {
    const isUp = this.#isUp();
    const said = this.#inner.takeOutput();
    return isUp && said.length > 0 && this.power.arrives() ? said : [];
  }

  deadlineMs(): number | null {
    return this.#isUp() ? this.#inner.deadlineMs() : null;
  }

  tick(nowMs: number): Event[] {
    return this.#isUp() ? this.#inner.tick(nowMs) : [];
  }

  /** Off now, or off since the last look: in both cases what was there before is gone. */
  #isUp(): boolean {
    if (this.#starts !== this.power.starts) {
      this.#starts = this.power.starts;
      this.#inner = this.make();
    }
    return this.power.isOn;
  }
}
