/** Octets received and not yet understood: grows at the end, shrinks at the start, never copies more than it keeps. */
export class ReceiveBuffer {
  #octets = new Uint8Array(512);
  #from = 0;
  #to = 0;

  /** Octets held. */
  get length(): number {
    return this.#to - this.#from;
  }

  /** Adds a copy of `chunk`. */
  append(chunk: Uint8Array): void {
    if (this.#to + chunk.length > this.#octets.length) this.#makeRoom(chunk.length);
    this.#octets.set(chunk, this.#to);
    this.#to += chunk.length;
  }

  #makeRoom(count: number): void {
    const held = this.length;
    const wanted = held + count;
    const target =
      wanted > this.#octets.length ? new Uint8Array(Math.max(wanted, this.#octets.length * 2)) : this.#octets;
    target.set(this.#octets.subarray(this.#from, this.#to));
    this.#octets = target;
    this.#from = 0;
    this.#to = held;
  }

  /** What is held, as a view that is valid until the next call. */
  view(): Uint8Array {
    return this.#octets.subarray(this.#from, this.#to);
  }

  /** Forgets the first `count` octets. */
  drop(count: number): void {
    this.#from = Math.min(this.#to, this.#from + count);
    if (this.#from === this.#to) {
      this.#from = 0;
      this.#to = 0;
    }
  }
}
