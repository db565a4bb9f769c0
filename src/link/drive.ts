/**
 * The only loop of the program that joins a machine to a line: octets in, events up, octets out, deadline to timer.
 *
 * Everything happens in the turn in which it is caused, so an answer's last octet and the first of the next request are in
 * the same instant. One machine runs on a line at a time; what arrives while none runs is counted and forgotten.
 */
import type { ByteDuplex, Env, Timer } from '../base/env.ts';
import { assert } from '../base/errors.ts';
import type { Machine, MachineRunner, RunningMachine } from '../base/machine.ts';
import { linkError } from './errors.ts';
import { DRIVE_STEPS_MAX } from './limits.ts';

/** Runs machines on one open line, one after the other. */
export class LineDriver implements MachineRunner {
  /** Octets received since the line was opened. */
  receivedOctets = 0;
  /** Octets sent. */
  sentOctets = 0;
  /** Octets that came while no machine ran. */
  unheardOctets = 0;
  readonly #duplex: ByteDuplex;
  readonly #env: Pick<Env, 'clock' | 'timers'>;
  #current: Drive<unknown> | null = null;
  #ended: { readonly reason: Error | undefined } | null = null;

  constructor(duplex: ByteDuplex, env: Pick<Env, 'clock' | 'timers'>) {
    this.#duplex = duplex;
    this.#env = env;
    duplex.listen({ data: (chunk) => this.#data(chunk), closed: (reason) => this.#closed(reason) });
  }

  /** Whether a machine runs. */
  get isBusy(): boolean {
    return this.#current !== null;
  }

  /** Whether the line can carry a session. */
  get isOpen(): boolean {
    return this.#ended === null;
  }

  /** Throws LINK_BUSY when a machine runs, LINK_CLOSED when the line has ended. */
  run<Event>(
    machine: Machine<Event>,
    onEvents: (events: Event[]) => void,
    onEnd: (reason?: Error) => void,
  ): RunningMachine {
    if (this.#current !== null) throw linkError('LINK_BUSY', this.#duplex.peer);
    if (this.#ended !== null) throw linkError('LINK_CLOSED', this.#duplex.peer, this.#ended.reason);
    const drive = new Drive<Event>(machine, this.#env, onEvents, onEnd, {
      write: (octets) => this.#write(octets),
      stopped: () => {
        this.#current = null;
      },
    });
    this.#current = drive as Drive<unknown>;
    return drive;
  }

  /** Ends the line. */
  close(): void {
    this.#duplex.close();
    this.#closed(undefined);
  }

  #data(chunk: Uint8Array): void {
    this.receivedOctets += chunk.length;
    if (this.#current === null) this.unheardOctets += chunk.length;
    else this.#current.receive(chunk);
  }

  #write(octets: Uint8Array): void {
    this.sentOctets += octets.length;
    this.#duplex
      .write(octets)
      .catch((error: unknown) => this.#closed(error instanceof Error ? error : new Error(String(error))));
  }

  #closed(reason: Error | undefined): void {
    if (this.#ended !== null) return;
    this.#ended = { reason };
    this.#current?.end(reason);
  }
}

interface DriveOwner {
  write(octets: Uint8Array): void;
  stopped(): void;
}

/** One machine at work. */
class Drive<Event> implements RunningMachine {
  readonly #machine: Machine<Event>;
  readonly #env: Pick<Env, 'clock' | 'timers'>;
  readonly #onEvents: (events: Event[]) => void;
  readonly #onEnd: (reason?: Error) => void;
  readonly #owner: DriveOwner;
  #timer: { readonly atMs: number; readonly timer: Timer } | null = null;
  #stopped = false;
  #working = false;

  constructor(
    machine: Machine<Event>,
    env: Pick<Env, 'clock' | 'timers'>,
    onEvents: (events: Event[]) => void,
    onEnd: (reason?: Error) => void,
    owner: DriveOwner,
  ) {
    this.#machine = machine;
    this.#env = env;
    this.#onEvents = onEvents;
    this.#onEnd = onEnd;
    this.#owner = owner;
  }

  nowMs(): number {
    return this.#env.clock.monotonicMs();
  }

  receive(chunk: Uint8Array): void {
    this.#tell(this.#machine.receive(chunk, this.nowMs()));
    this.kick();
  }

  kick(): void {
    if (this.#working || this.#stopped) return;
    this.#working = true;
    try {
      this.#work();
    } finally {
      this.#working = false;
    }
    this.#arm();
  }

  stop(): void {
    if (this.#stopped) return;
    for (const octets of this.#machine.takeOutput()) this.#owner.write(octets);
    this.#halt();
  }

  /** The line has ended under the machine. */
  end(reason: Error | undefined): void {
    if (this.#stopped) return;
    this.#halt();
    this.#onEnd(reason);
  }

  #halt(): void {
    this.#stopped = true;
    this.#timer?.timer.cancel();
    this.#timer = null;
    this.#owner.stopped();
  }

  #tell(events: Event[]): void {
    if (events.length > 0 && !this.#stopped) this.#onEvents(events);
  }

  /** Sends and ticks until the machine has nothing to do now. */
  #work(): void {
    for (let steps = 0; ; steps++) {
      assert(steps < DRIVE_STEPS_MAX, 'a machine comes to rest');
      for (const octets of this.#machine.takeOutput()) this.#owner.write(octets);
      const deadlineMs = this.#machine.deadlineMs();
      const nowMs = this.nowMs();
      if (this.#stopped || deadlineMs === null || deadlineMs > nowMs) return;
      this.#tell(this.#machine.tick(nowMs));
    }
  }

  #arm(): void {
    const atMs = this.#stopped ? null : this.#machine.deadlineMs();
    if (this.#timer !== null && this.#timer.atMs === atMs) return;
    this.#timer?.timer.cancel();
    this.#timer = null;
    if (atMs === null) return;
    const timer = this.#env.timers.after(Math.max(0, atMs - this.nowMs()), () => {
      this.#timer = null;
      this.kick();
    });
    this.#timer = { atMs, timer };
  }
}
