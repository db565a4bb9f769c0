import { MemoryStore } from '../../src/lab/memory-store.ts';
import { journalSuite } from './journal.ts';

const stores = new Map<string, MemoryStore>();
journalSuite('memory', async (name) => {
  const store = stores.get(name)?.reopen() ?? new MemoryStore();
  stores.set(name, store);
  return store;
});
