/** The supply of a simulated meter, and answers that get lost on the line. */

/** See the head of the file. */
export class Power {
  #offUntilMs = Number.NEGATIVE_INFINITY;
  #starts = 0;
  #losesAnswer = false;
  #cutAfterMs: number | null = null;

  constructor(private readonly nowMs: () => number) {}

  /** Times that the supply has failed: a session from before is gone. */
  get starts(): number {
    return this.#starts;
  }

  /** Whether there is supply now. */
  get isOn(): boolean {
    return this.nowMs() >= this.#offUntilMs;
  }

  /** The supply fails now, for so long. */
  cut(forMs: number): void {
    this.#offUntilMs = this.nowMs() + forMs;
    this.#starts++;
  }

  /** The supply fails for so long as soon as the answer under way is out. */
  cutAfterAnswer(forMs: number): void {
    this.#cutAfterMs = forMs;
  }

  /** The next answer does not arrive. */
  loseAnswer(): void {
    this.#losesAnswer = true;
  }

  /** Something is said now; false when it is lost on its way. */
  arrives(): boolean {
    const isLost = this.#losesAnswer;
    this.#losesAnswer = false;
    if (this.#cutAfterMs !== null) this.cut(this.#cutAfterMs);
    this.#cutAfterMs = null;
    return !isLost;
  }
}
