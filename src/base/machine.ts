/**
 * The one interface of every protocol machine: octets and time in, events and octets out.
 *
 * A machine never waits, never calls back, owns no timer and touches no port. Machines stack: the events of the lower one
 * are the input of the upper one. `link/drive` is the only loop that joins a machine to a link and to timers.
 */
export interface Machine<Event> {
  /** Takes a chunk as it came; any split of the same stream gives the same events. Throws nothing: bad octets are events. */
  receive(chunk: Uint8Array, nowMs: number): Event[];
  /** Octets to send, oldest first; each is handed out once. */
  takeOutput(): Uint8Array[];
  /** Monotonic time in ms at which {@link tick} must be called, or null when nothing is pending. */
  deadlineMs(): number | null;
  /** Timeouts, retries and inter-octet gaps that are due at `nowMs`. Calling it early does nothing. */
  tick(nowMs: number): Event[];
}

/** A machine that runs on a line, until stopped or the line ends. */
export interface RunningMachine {
  /** Monotonic time in ms, the one that the machine is told. */
  nowMs(): number;
  /** Sends what the machine has to send and sets its timer: call it after telling the machine something from outside. */
  kick(): void;
  /** The machine hears nothing more; the line stays open. */
  stop(): void;
}

/** Whoever can run machines on a line, one at a time: `link/drive` on a real line. */
export interface MachineRunner {
  /**
   * Runs a machine. `onEvents` gets the events of each step, never none; `onEnd` is called once when the line ends under
   * the machine, with the reason when there is one.
   */
  run<Event>(
    machine: Machine<Event>,
    onEvents: (events: Event[]) => void,
    onEnd: (reason?: Error) => void,
  ): RunningMachine;
}
