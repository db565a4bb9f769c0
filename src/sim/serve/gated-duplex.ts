/** A line on which nothing is said before a promise is kept: the simulator's answers wait for the ledger. */
import type { ByteDuplex, DuplexListener } from '../../base/env.ts';

/** Writes in order, each after `gate` has resolved; when the gate fails, the line ends. */
export class GatedDuplex implements ByteDuplex {
  #tail: Promise<void> = Promise.resolve();

  constructor(
    private readonly inner: ByteDuplex,
    private readonly gate: () => Promise<void>,
  ) {}

  get peer(): string {
    return this.inner.peer;
  }

  write(octets: Uint8Array): Promise<void> {
    const copy = octets.slice();
    const written = this.#tail.then(this.gate).then(() => this.inner.write(copy));
    this.#tail = written.catch(() => this.inner.close());
    return written;
  }

  listen(listener: DuplexListener): void {
    this.inner.listen(listener);
  }

  close(): void {
    this.inner.close();
  }
}
