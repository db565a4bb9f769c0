/**
 * The ballast: a file that only takes room, so that there is some when the disk is full.
 *
 * LevelDB can then neither delete nor open. Removing the file lets it do both; it is made again when there is room. Its
 * octets are random, because file systems that compress or punch holes would not keep room for anything else.
 */
import type { Disk, Random } from '../../base/env.ts';
import { hasCode } from '../../base/errors.ts';

/** What a ballast needs. */
export interface BallastOptions {
  readonly disk: Disk;
  readonly random: Random;
  readonly path: string;
  readonly octets: number;
}

/** One ballast file. */
export class Ballast {
  #held = false;

  constructor(private readonly options: BallastOptions) {}

  /** Makes the file when it is not there in full; false when the disk has no room for it. */
  async restore(): Promise<boolean> {
    const { disk, path, octets, random } = this.options;
    if (this.#held) return true;
    try {
      // Its size is looked at once a start: afterwards only this object touches it.
      if ((await disk.readFile(path))?.length !== octets) await disk.writeFile(path, random.bytes(octets));
      this.#held = true;
    } catch (error) {
      if (!hasCode(error, 'DISK_FULL')) throw error;
    }
    return this.#held;
  }

  /** Gives the room free; true when there was a file, also one of an earlier start. */
  async release(): Promise<boolean> {
    const { disk, path } = this.options;
    const there = this.#held || (await disk.readFile(path)) !== undefined;
    this.#held = false;
    if (there) await disk.remove(path);
    return there;
  }
}
