/**
 * Images of firmware on the edge's disk: `<sha256>.part` while they come in, `<sha256>.image` once their hash was right.
 *
 * A part is synced before the next one is asked for, so a download goes on where it was after any restart. What is on the
 * disk is trusted only by its hash, checked again whenever an image is taken out. A few images are kept, the rest is removed
 * when another one begins.
 */
import { concat, toHex } from '../../base/bytes.ts';
import type { Env } from '../../base/env.ts';
import { IMAGES_KEPT_MAX } from '../limits.ts';

/** The folder of images. */
export class ImageStore {
  constructor(
    private readonly env: Pick<Env, 'disk' | 'crypto'>,
    private readonly folder: string,
  ) {}

  /** The whole image, or undefined when it is not here; one that was damaged is removed. */
  async whole(sha256: string): Promise<Uint8Array | undefined> {
    const octets = await this.env.disk.readFile(this.#path(sha256, 'image'));
    if (octets === undefined || toHex(this.env.crypto.sha256(octets)) === sha256) return octets;
    await this.env.disk.remove(this.#path(sha256, 'image'));
    return undefined;
  }

  /** Octets that are here of an image that is not whole. */
  async begun(sha256: string): Promise<number> {
    return (await this.env.disk.readFile(this.#path(sha256, 'part')))?.length ?? 0;
  }

  /** Makes room for an image that comes in: others go, oldest name first, beyond {@link IMAGES_KEPT_MAX}. */
  async makeRoom(sha256: string): Promise<void> {
    const { disk } = this.env;
    await disk.makeFolder(this.folder);
    const others = (await disk.list(this.folder)).filter((name) => !name.startsWith(sha256)).sort();
    for (const name of others.slice(0, Math.max(0, others.length - IMAGES_KEPT_MAX + 1)))
      await disk.remove(`${this.folder}/${name}`);
  }

  /** Adds octets at the end of what is here; they are on the medium when it resolves. */
  async append(sha256: string, octets: Uint8Array): Promise<void> {
    const file = await this.env.disk.openAppend(this.#path(sha256, 'part'));
    try {
      await file.append(octets, { sync: true });
    } finally {
      await file.close();
    }
  }

  /** All octets came: the image when its hash is right, else undefined and the download begins anew. */
  async finish(sha256: string): Promise<Uint8Array | undefined> {
    const { disk, crypto } = this.env;
    const octets = concat([(await disk.readFile(this.#path(sha256, 'part'))) ?? new Uint8Array(0)]);
    if (toHex(crypto.sha256(octets)) !== sha256) {
      await disk.remove(this.#path(sha256, 'part'));
      return undefined;
    }
    await disk.rename(this.#path(sha256, 'part'), this.#path(sha256, 'image'));
    return octets;
  }

  #path(sha256: string, ending: 'part' | 'image'): string {
    return `${this.folder}/${sha256}.${ending}`;
  }
}
