/**
 * Disconnect control (class 70, Blue Book 4.5.8): three states, eight transitions, and a mode that says which of them a
 * meter allows. The output is closed in state 1 only.
 */

/** 0 disconnected, 1 connected, 2 ready for reconnection. */
export type ControlState = 0 | 1 | 2;

/** Who wants what: from afar, by hand at the meter, or the meter's own supervision. */
export type RelayOrder =
  | 'remote-disconnect'
  | 'remote-reconnect'
  | 'manual-disconnect'
  | 'manual-reconnect'
  | 'local-disconnect'
  | 'local-reconnect';

/** What became of an order. */
export type RelayOutcome = 'moved' | 'already' | 'not-allowed';

interface Transition {
  readonly letter: string;
  readonly order: RelayOrder;
  readonly from: ControlState;
  readonly to: ControlState;
}

/** Transitions by their letters in the standard. */
const TRANSITIONS: readonly Transition[] = [
  { letter: 'a', order: 'remote-reconnect', from: 0, to: 1 },
  { letter: 'b', order: 'remote-disconnect', from: 1, to: 0 },
  { letter: 'c', order: 'remote-disconnect', from: 2, to: 0 },
  { letter: 'd', order: 'remote-reconnect', from: 0, to: 2 },
  { letter: 'e', order: 'manual-reconnect', from: 2, to: 1 },
  { letter: 'f', order: 'manual-disconnect', from: 1, to: 2 },
  { letter: 'g', order: 'local-disconnect', from: 1, to: 2 },
  { letter: 'h', order: 'local-reconnect', from: 2, to: 1 },
];

/** Letters that each control mode allows. Mode 7 is in one public enumeration only. */
const MODES: readonly string[] = ['', 'bcfgde', 'bcfgae', 'bcgde', 'bcgae', 'bcfgdeh', 'bcgdeh', 'bcgaeh'];

/** Where an order would lead in a mode, or null when the mode does not allow it from there. */
export function transitionOf(mode: number, state: ControlState, order: RelayOrder): ControlState | null {
  const allowed = MODES[mode] ?? '';
  const transition = TRANSITIONS.find(
    (row) => allowed.includes(row.letter) && row.from === state && row.order === order,
  );
  return transition?.to ?? null;
}

/** A stretch of time in which the output was open; `toMs` is null while it still is. */
export interface RelayGap {
  readonly fromMs: number;
  readonly toMs: number | null;
}

/** A relay with its history. */
export class Relay {
  #state: ControlState = 1;
  #gaps: RelayGap[] = [];
  /** Control mode, 0 to 7. */
  mode: number;

  /** The contacts stay closed whatever the meter says of them. */
  isWelded = false;

  constructor(
    mode: number,
    private readonly gapsMax: number,
  ) {
    this.mode = mode;
  }

  get state(): ControlState {
    return this.#state;
  }

  /** Whether the load has supply, as the meter says. */
  get isOn(): boolean {
    return this.#state === 1;
  }

  /** Whether current can flow. */
  get isClosed(): boolean {
    return this.isOn || this.isWelded;
  }

  /** Stretches without supply, oldest first. */
  get gaps(): readonly RelayGap[] {
    return this.#gaps;
  }

  /** Carries an order out at a moment (UTC ms). Repeating an order that is already carried out is no mistake. */
  order(order: RelayOrder, atMs: number): RelayOutcome {
    const to = transitionOf(this.mode, this.#state, order);
    if (to === null) return this.#isAlready(order) ? 'already' : 'not-allowed';
    const wasOn = this.isOn;
    if (wasOn && this.#gaps.length >= this.gapsMax) return 'not-allowed';
    this.#state = to;
    if (wasOn && !this.isWelded) this.#gaps.push({ fromMs: atMs, toMs: null });
    else if (this.isOn) this.#close(atMs);
    return 'moved';
  }

  #isAlready(order: RelayOrder): boolean {
    if (this.mode === 0) return order === 'remote-reconnect';
    return order.endsWith('disconnect') ? !this.isOn : this.#state !== 0;
  }

  #close(atMs: number): void {
    this.#gaps = this.#gaps.map((gap) => (gap.toMs === null ? { ...gap, toMs: Math.max(atMs, gap.fromMs) } : gap));
  }
}
