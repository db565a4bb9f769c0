/**
 * Several machines on one line, as the meters of one RS-485 bus: everyone hears every octet, whoever has something to say
 * says it. Each machine must itself know what is meant for it.
 */
import type { Machine } from './machine.ts';

/** An event and the number of the machine, from 0, that it came from. */
export interface BusEvent<Event> {
  readonly station: number;
  readonly event: Event;
}

/** One machine out of many. */
export class MachineBus<Event> implements Machine<BusEvent<Event>> {
  readonly #machines: readonly Machine<Event>[];

  constructor(machines: readonly Machine<Event>[]) {
    this.#machines = machines;
  }

  receive(chunk: Uint8Array, nowMs: number): BusEvent<Event>[] {
    return this.#gather((machine) => machine.receive(chunk, nowMs));
  }

  takeOutput(): Uint8Array[] {
    return this.#machines.flatMap((machine) => machine.takeOutput());
  }

  deadlineMs(): number | null {
    let earliest: number | null = null;
    for (const machine of this.#machines) {
      const deadline = machine.deadlineMs();
      if (deadline !== null && (earliest === null || deadline < earliest)) earliest = deadline;
    }
    return earliest;
  }

  tick(nowMs: number): BusEvent<Event>[] {
    return this.#gather((machine) => machine.tick(nowMs));
  }

  #gather(step: (machine: Machine<Event>) => Event[]): BusEvent<Event>[] {
    return this.#machines.flatMap((machine, station) => step(machine).map((event) => ({ station, event })));
  }
}
