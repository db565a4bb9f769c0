/** Images on their way to the edge: parts over the uplink, the disk between restarts, and what is believed of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../../src/base/bytes.ts';
import { hasCode } from '../../../src/base/errors.ts';
import { ImageFetcher } from '../../../src/edge/images/image-fetcher.ts';
import { ImageStore } from '../../../src/edge/images/image-store.ts';
import type { ImageRequest } from '../../../src/wire/messages.ts';
import { TEST_CRYPTO, testWorld } from './world.ts';

const IMAGE = Uint8Array.from({ length: 20_000 }, (_, at) => (at * 31) & 0xff);
const SHA256 = toHex(TEST_CRYPTO.sha256(IMAGE));
const WANTED = { sha256: SHA256, sizeOctets: IMAGE.length };

function bench() {
  const world = testWorld();
  const { env } = world.program('edge');
  const store = new ImageStore(env, 'images');
  const asked: number[] = [];
  const state = { answers: true, give: (request: ImageRequest) => cut(request) };
  const start = () => {
    const fetcher: ImageFetcher = new ImageFetcher({
      env,
      store,
      ask: (request) => {
        asked.push(request.offset);
        if (!state.answers) return false;
        const { sha256, offset } = request;
        void world.clock
          .sleep(100)
          .then(() => fetcher.heard({ kind: 'image', sha256, offset, octets: state.give(request) }));
        return true;
      },
    });
    return fetcher;
  };
  return { world, env, store, asked, state, start };
}

function cut({ offset, length }: ImageRequest): Uint8Array {
  return IMAGE.slice(offset, offset + length);
}

const never = new AbortController().signal;

test('PROV-2 an image comes part by part, is shared by who waits for it, and is taken from the disk afterwards', async () => {
  const b = bench();
  const fetcher = b.start();
  const both = [fetcher.fetch(WANTED, never), fetcher.fetch(WANTED, never)];
  await b.world.clock.advance(5_000);
  for (const octets of await Promise.all(both)) assert.deepEqual(octets, IMAGE);
  assert.deepEqual(b.asked, [0, 8_192, 16_384]);
  assert.deepEqual(await b.start().fetch(WANTED, never), IMAGE);
  assert.equal(b.asked.length, 3, 'nothing is asked for what is here');
});

test('PROV-2 a download goes on after a restart where it was, and a lost part is asked for again', async () => {
  const b = bench();
  const stopped = new AbortController();
  const first = b.start().fetch(WANTED, stopped.signal);
  await b.world.clock.advance(150);
  b.state.answers = false;
  await b.world.clock.advance(150);
  stopped.abort(new Error('stopped'));
  await assert.rejects(first, /stopped/);
  const second = b.start().fetch(WANTED, never);
  await b.world.clock.advance(1_000);
  b.state.answers = true;
  await b.world.clock.advance(60_000);
  assert.deepEqual(await second, IMAGE);
  assert.ok(!b.asked.slice(2).includes(0), `offsets ${b.asked.join(', ')}`);
});

test('W-94 an image whose hash is wrong is fetched anew, and given up after three times', async () => {
  const b = bench();
  b.state.give = (request) =>
    cut(request).map((octet, at) => (at === 5 && request.offset === 8_192 ? octet ^ 1 : octet));
  const swapped = b.start().fetch(WANTED, never);
  const refused = assert.rejects(swapped, (error) => hasCode(error, 'COMMAND_IMAGE_DAMAGED'));
  await b.world.clock.advance(10_000);
  await refused;
  assert.equal(b.asked.filter((offset) => offset === 0).length, 3);
  assert.equal(await b.store.whole(SHA256), undefined);
});

test('W-60 W-94 an image that the collector no longer has ends the fetch, and one that was damaged on the disk is no image', async () => {
  const b = bench();
  b.state.give = () => new Uint8Array(0);
  const gone = assert.rejects(b.start().fetch(WANTED, never), (error) => hasCode(error, 'COMMAND_IMAGE_GONE'));
  await b.world.clock.advance(1_000);
  await gone;
  await b.env.disk.writeFile(`images/${SHA256}.image`, IMAGE.slice(1));
  assert.equal(await b.store.whole(SHA256), undefined);
});

test('no more than four images are on the disk', async () => {
  const b = bench();
  await b.env.disk.makeFolder('images');
  for (const name of ['a', 'b', 'c', 'd', 'e']) await b.env.disk.writeFile(`images/${name}.image`, Uint8Array.of(1));
  const fetched = b.start().fetch(WANTED, never);
  await b.world.clock.advance(5_000);
  await fetched;
  assert.deepEqual(
    (await b.env.disk.list('images')).sort(),
    [`${SHA256}.image`, 'c.image', 'd.image', 'e.image'].sort(),
  );
});
