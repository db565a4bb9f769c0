/**
 * Brings images from the collector, part by part over the uplink (PROV-2): one part is asked for when the one before is on
 * the disk, so a lost part, a lost connection or a restart costs one part. Several meters that wait for one image share it.
 *
 * Given up: parts are not pipelined. An image of 300 kB takes 38 round trips, which is nothing beside the hours that it
 * takes to the meter.
 */
import type { Env } from '../../base/env.ts';
import { IMAGE_PART_MAX_OCTETS } from '../../wire/limits.ts';
import type { ImagePart, ImageRequest } from '../../wire/messages.ts';
import { edgeError } from '../errors.ts';
import { IMAGE_ASK_AGAIN_MS, IMAGE_DAMAGED_MAX } from '../limits.ts';
import type { ImageSource, WantedImage } from '../ports.ts';
import type { ImageStore } from './image-store.ts';

/** What a fetcher is made of. */
export interface ImageFetcherOptions {
  readonly env: Pick<Env, 'timers'>;
  readonly store: ImageStore;
  /** Asks the collector; false while there is no session. */
  readonly ask: (request: ImageRequest) => boolean;
}

interface Fetch {
  readonly promise: Promise<Uint8Array>;
  readonly heard: (part: ImagePart) => void;
}

/** See the head of the file. */
export class ImageFetcher implements ImageSource {
  readonly #options: ImageFetcherOptions;
  readonly #fetches = new Map<string, Fetch>();

  constructor(options: ImageFetcherOptions) {
    this.#options = options;
  }

  fetch(wanted: WantedImage, signal: AbortSignal): Promise<Uint8Array> {
    const known = this.#fetches.get(wanted.sha256);
    if (known !== undefined) return known.promise;
    let hear: (part: ImagePart) => void = () => undefined;
    const promise = this.#run(wanted, signal, (listener) => {
      hear = listener;
    }).finally(() => this.#fetches.delete(wanted.sha256));
    this.#fetches.set(wanted.sha256, { promise, heard: (part) => hear(part) });
    return promise;
  }

  /** A part came. */
  heard(part: ImagePart): void {
    this.#fetches.get(part.sha256)?.heard(part);
  }

  async #run(
    wanted: WantedImage,
    signal: AbortSignal,
    listen: (listener: (part: ImagePart) => void) => void,
  ): Promise<Uint8Array> {
    const { store } = this.#options;
    const { sha256, sizeOctets } = wanted;
    const here = await store.whole(sha256);
    if (here !== undefined) return here;
    await store.makeRoom(sha256);
    for (let damaged = 0; damaged < IMAGE_DAMAGED_MAX; damaged++) {
      let offset = await store.begun(sha256);
      while (offset < sizeOctets) {
        const octets = await this.#part({ sha256, offset, length: IMAGE_PART_MAX_OCTETS }, signal, listen);
        await store.append(sha256, octets);
        offset += octets.length;
      }
      const whole = await store.finish(sha256);
      if (whole?.length === sizeOctets) return whole;
    }
    throw edgeError('COMMAND_IMAGE_DAMAGED', sha256);
  }

  /** Asks until the part is there; the wait ends with its arrival. */
  async #part(
    request: Omit<ImageRequest, 'kind'>,
    signal: AbortSignal,
    listen: (listener: (part: ImagePart) => void) => void,
  ): Promise<Uint8Array> {
    for (;;) {
      signal.throwIfAborted();
      const arrived = new AbortController();
      let octets: Uint8Array | null = null;
      listen((part) => {
        if (part.offset !== request.offset) return;
        octets = part.octets;
        arrived.abort(new Error('a part arrived'));
      });
      this.#options.ask({ kind: 'image', ...request });
      await this.#options.env.timers
        .sleep(IMAGE_ASK_AGAIN_MS, AbortSignal.any([signal, arrived.signal]))
        .catch(() => undefined);
      const came: Uint8Array | null = octets;
      if (came === null) continue;
      if ((came as Uint8Array).length === 0) throw edgeError('COMMAND_IMAGE_GONE', request.sha256);
      return came;
    }
  }
}
