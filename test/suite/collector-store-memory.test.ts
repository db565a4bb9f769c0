import { createMemoryCollectorStore } from '../../src/lab/memory-collector-store.ts';
import { collectorStoreSuite } from './collector-store.ts';

let nowMs = Date.now();
const make = async () => ({
  open: async () =>
    createMemoryCollectorStore({ clock: { nowMs: () => nowMs, monotonicMs: () => nowMs }, term: new Uint8Array(12) }),
  advance: (byMs: number) => {
    nowMs += byMs;
  },
});
collectorStoreSuite('model in memory', make, { durable: false });
