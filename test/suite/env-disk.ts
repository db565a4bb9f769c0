/** The contract of `Disk`'s files, for every implementation: `diskSuite('host', openPlace)`. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concat } from '../../src/base/bytes.ts';
import type { Disk } from '../../src/base/env.ts';

/** A disk and an empty folder on it. */
export interface DiskPlace {
  readonly disk: Disk;
  readonly folder: string;
  dispose(): Promise<void>;
}

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

/** Declares the contract's tests under `name`. */
export function diskSuite(name: string, openPlace: () => Promise<DiskPlace>): void {
  async function onDisk(body: (disk: Disk, at: (file: string) => string) => Promise<void>): Promise<void> {
    const place = await openPlace();
    try {
      await body(place.disk, (file) => `${place.folder}/${file}`);
    } finally {
      await place.dispose();
    }
  }

  describe(`disk: ${name}`, () => {
    test('a file that is not there is undefined', () =>
      onDisk(async (disk, at) => {
        assert.equal(await disk.readFile(at('nothing')), undefined);
      }));

    test('a written file is read back, and replaced as a whole', () =>
      onDisk(async (disk, at) => {
        await disk.writeFile(at('f'), text('a long first text'));
        await disk.writeFile(at('f'), text('short'));
        assert.deepEqual(await disk.readFile(at('f')), text('short'));
        await disk.writeFile(at('f'), new Uint8Array(0));
        assert.deepEqual(await disk.readFile(at('f')), new Uint8Array(0));
      }));

    test('writing leaves nothing else behind', () =>
      onDisk(async (disk, at) => {
        await disk.writeFile(at('f'), text('1'));
        await disk.writeFile(at('f'), text('2'));
        assert.deepEqual(await disk.list(at('')), ['f']);
      }));

    test('appends are kept in call order, also those that wait for each other', () =>
      onDisk(async (disk, at) => {
        const file = await disk.openAppend(at('log'));
        const parts = Array.from({ length: 100 }, (_, index) => text(`line ${index}\n`));
        await Promise.all(parts.map((part, index) => file.append(part, { sync: index % 10 === 0 })));
        await file.close();
        assert.deepEqual(await disk.readFile(at('log')), concat(parts));
      }));

    test('an append file opened again goes on at its end', () =>
      onDisk(async (disk, at) => {
        for (const part of ['one ', 'two']) {
          const file = await disk.openAppend(at('log'));
          await file.append(text(part), { sync: true });
          await file.close();
        }
        assert.deepEqual(await disk.readFile(at('log')), text('one two'));
      }));

    test('the caller may use its buffer again at once', () =>
      onDisk(async (disk, at) => {
        const file = await disk.openAppend(at('log'));
        const octets = text('kept');
        const appended = file.append(octets, { sync: true });
        octets.fill(0);
        await appended;
        await file.close();
        assert.deepEqual(await disk.readFile(at('log')), text('kept'));
      }));

    test('a folder lists its names in order, and one that is not there lists none', () =>
      onDisk(async (disk, at) => {
        await disk.makeFolder(at('sub'));
        await disk.makeFolder(at('sub'));
        for (const file of ['b', 'a', 'c']) await disk.writeFile(at(`sub/${file}`), text(file));
        assert.deepEqual(await disk.list(at('sub')), ['a', 'b', 'c']);
        assert.deepEqual(await disk.list(at('none')), []);
      }));

    test('what was removed is gone; removing what is not there does nothing', () =>
      onDisk(async (disk, at) => {
        await disk.writeFile(at('f'), text('x'));
        await disk.remove(at('f'));
        await disk.remove(at('f'));
        assert.equal(await disk.readFile(at('f')), undefined);
      }));

    test('a store is kept between two openings', () =>
      onDisk(async (disk, at) => {
        const store = await disk.openStore(at('store'));
        await store.batch([{ kind: 'put', key: text('k'), value: text('v') }], { sync: true });
        await store.close();
        const again = await disk.openStore(at('store'));
        assert.deepEqual(await again.get(text('k')), text('v'));
        await again.close();
      }));
  });
}
