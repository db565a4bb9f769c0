/** The contract of `Net`'s TCP, for every implementation: `netSuite('host', openPlace)`. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concat } from '../../src/base/bytes.ts';
import type { ByteDuplex, Net } from '../../src/base/env.ts';

/** Two programs' views of one network; `drive` lets a virtual clock run until the promise settles. */
export interface NetPlace {
  readonly server: Net;
  readonly client: Net;
  readonly host: string;
  drive<T>(promise: Promise<T>): Promise<T>;
}

/** Collects what a duplex receives. */
export class Heard {
  readonly #chunks: Uint8Array[] = [];
  readonly #waiting: { octets: number; resolve: (octets: Uint8Array) => void }[] = [];
  readonly closed: Promise<Error | undefined>;
  closedCount = 0;

  constructor(duplex: ByteDuplex) {
    this.closed = new Promise((resolve) => {
      duplex.listen({
        data: (chunk) => {
          this.#chunks.push(chunk.slice());
          this.#check();
        },
        closed: (reason) => {
          this.closedCount++;
          resolve(reason);
        },
      });
    });
  }

  /** Resolves with all octets as soon as there are `octets` of them. */
  octets(octets: number): Promise<Uint8Array> {
    return new Promise((resolve) => {
      this.#waiting.push({ octets, resolve });
      this.#check();
    });
  }

  #check(): void {
    const all = concat(this.#chunks);
    for (const wait of this.#waiting) if (all.length >= wait.octets) wait.resolve(all);
  }
}

const text = (words: string): Uint8Array => new TextEncoder().encode(words);
const TIMEOUT = { timeoutMs: 5_000 };

/** Declares the contract's tests under `name`. */
export function netSuite(name: string, openPlace: () => NetPlace): void {
  /** A connected pair; the listener is closed afterwards. */
  async function onPair(body: (near: ByteDuplex, far: ByteDuplex, place: NetPlace) => Promise<void>): Promise<void> {
    const place = openPlace();
    let accepted: (duplex: ByteDuplex) => void = () => {};
    const far = new Promise<ByteDuplex>((resolve) => {
      accepted = resolve;
    });
    const listener = await place.drive(place.server.listenTcp(place.host, 0, (duplex) => accepted(duplex)));
    try {
      assert.ok(listener.port > 0, 'a free port was taken');
      const near = await place.drive(place.client.connectTcp(place.host, listener.port, TIMEOUT));
      await body(near, await place.drive(far), place);
      near.close();
    } finally {
      await place.drive(listener.close());
    }
  }

  describe(`net: ${name}`, () => {
    test('octets go both ways, in order', () =>
      onPair(async (near, far, { drive }) => {
        const atNear = new Heard(near);
        const atFar = new Heard(far);
        await drive(Promise.all([near.write(text('hello ')), near.write(text('there'))]));
        await drive(far.write(text('good day')));
        assert.deepEqual(await drive(atFar.octets(11)), text('hello there'));
        assert.deepEqual(await drive(atNear.octets(8)), text('good day'));
      }));

    test('octets that come before somebody listens are not lost', () =>
      onPair(async (near, far, { drive }) => {
        await drive(near.write(text('early')));
        const heard = new Heard(far);
        assert.deepEqual(await drive(heard.octets(5)), text('early'));
      }));

    test('the writer may use its buffer again at once', () =>
      onPair(async (near, far, { drive }) => {
        const heard = new Heard(far);
        const octets = text('kept');
        const written = near.write(octets);
        octets.fill(0);
        await drive(written);
        assert.deepEqual(await drive(heard.octets(4)), text('kept'));
      }));

    test('a megabyte arrives whole', () =>
      onPair(async (near, far, { drive }) => {
        const heard = new Heard(far);
        const octets = new Uint8Array(1 << 20).map((_, index) => index % 253);
        const written = near.write(octets);
        assert.deepEqual(await drive(heard.octets(octets.length)), octets);
        await drive(written);
      }));

    test('closing one end is heard once at the other, without a reason, after the last octets', () =>
      onPair(async (near, far, { drive }) => {
        const heard = new Heard(far);
        await drive(near.write(text('last words')));
        near.close();
        assert.equal(await drive(heard.closed), undefined);
        assert.deepEqual(await heard.octets(10), text('last words'));
        far.close();
        assert.equal(heard.closedCount, 1);
      }));

    test('the end that closes hears it once too', () =>
      onPair(async (near, far, { drive }) => {
        const heard = new Heard(near);
        const other = new Heard(far);
        near.close();
        near.close();
        await drive(Promise.all([heard.closed, other.closed]));
        assert.equal(heard.closedCount, 1);
      }));

    test('writing after the end rejects', () =>
      onPair(async (near, far, { drive }) => {
        const heard = new Heard(far);
        near.close();
        await assert.rejects(drive(near.write(text('too late'))));
        await drive(heard.closed);
        await assert.rejects(drive(far.write(text('too late'))));
      }));

    test('connecting where nobody listens rejects', async () => {
      const place = openPlace();
      const listener = await place.drive(place.server.listenTcp(place.host, 0, () => {}));
      await place.drive(listener.close());
      await assert.rejects(place.drive(place.client.connectTcp(place.host, listener.port, TIMEOUT)));
    });

    test('closing the listener ends its connections', () =>
      onPair(async (near, _far, place) => {
        const heard = new Heard(near);
        // onPair closes the listener afterwards; here an own one is closed while connected.
        const listener = await place.drive(place.server.listenTcp(place.host, 0, () => {}));
        const other = await place.drive(place.client.connectTcp(place.host, listener.port, TIMEOUT));
        const otherHeard = new Heard(other);
        await place.drive(listener.close());
        await place.drive(otherHeard.closed);
        assert.equal(heard.closedCount, 0);
      }));
  });
}
