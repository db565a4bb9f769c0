import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { openJournal } from '../../../src/edge/journal/journal.ts';
import { MemoryStore } from '../../../src/lab/memory-store.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import { entryOf, HandClock, START_MS } from '../../suite/journal.ts';
import { exampleGroup, makeExamples } from '../../support/document-examples.ts';
import { sha256 } from '../../support/wire-crypto.ts';

test('J-1 the store of the document is what an append makes', async () => {
  const store = new MemoryStore();
  const random = { bytes: () => fromHex('d317a0a77b10c5e1'), below: () => 0 };
  const journal = await openJournal({ store, clock: new HandClock(), random, sha256, clockQuality: () => 'ntp' });
  const rows = [
    [29_388_488, 0],
    [29_388_559, 0],
  ].map((values, at) => {
    const atMs = START_MS + (at + 1) * 900_000;
    return { atMs, status: new Uint8Array(0), quality: 'good' as const, deviationMin: null, values };
  });
  await journal.append(
    entryOf({
      groups: [{ group: exampleGroup, valueClass: 'billing', rows }],
      watermarks: [{ meterId: 'm1' as MeterId, key: 'p', atMs: START_MS + 1_800_000 }],
      readAtMs: START_MS + 1_860_250,
    }),
  );
  const found: string[] = [];
  const examples = makeExamples();
  const words = new Map([
    [toHex(examples.get('block 1') ?? new Uint8Array(0)), 'theblock'],
    [toHex(examples.get('dictionary') ?? new Uint8Array(0)), 'thedictionary'],
  ]);
  for await (const [key, value] of store.scan({}))
    found.push(`${toHex(key)}->${words.get(toHex(value)) ?? toHex(value)}`);
  const document = readFileSync(new URL('../../../docs/formats/journal.md', import.meta.url), 'utf8');
  const listed = /```text\n([\s\S]*?)```/.exec(document)?.[1]?.trim().split('\n') ?? [];
  assert.deepEqual(
    found,
    listed.map((line) => line.replace(/\s/g, '')),
  );
});
