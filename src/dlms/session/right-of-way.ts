/**
 * Whether somebody else waits for the line that a session uses. The owner of the line says so; a session that asks a meter
 * which has not answered then ends as soon as its answer can no longer come, instead of asking again.
 */

/** One for each line. */
export class RightOfWay {
  #wanted = false;
  readonly #listeners = new Set<(wanted: boolean) => void>();

  /** Whether the session should make way. */
  get isWanted(): boolean {
    return this.#wanted;
  }

  /** Says whether somebody waits. */
  want(wanted: boolean): void {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    for (const listener of this.#listeners) listener(wanted);
  }

  /** Calls `listener` on each change; gives a function that forgets it. */
  watch(listener: (wanted: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
