/** What a link must remember over a restart, kept in the journal: the short addresses of meters in a G3 network. Damage counts as nothing kept. */
import type { Env } from '../../base/env.ts';
import { assert } from '../../base/errors.ts';
import type { LinkMemory } from '../../link/link.ts';
import { entryWith } from '../entry.ts';
import { recordIn, recordOctets } from '../kept-record.ts';
import { LINK_MEMORY_MAX_OCTETS } from '../limits.ts';
import type { Journal, ReadingStage } from '../ports.ts';

/** What a memory is made of. */
export interface LinkMemoryOptions {
  readonly env: Pick<Env, 'clock'>;
  readonly journal: Pick<Journal, 'kept'>;
  readonly stage: Pick<ReadingStage, 'add' | 'flush'>;
  readonly line: string;
}

const PREFIX = 'link/';
const VERSION = 1;

/** The memory of the link of one line. `keep` rejects with errors of the journal. */
export function linkMemoryOf({ env, journal, stage, line }: LinkMemoryOptions): LinkMemory {
  const key = PREFIX + line;
  return {
    load: async () => {
      const octets = await journal.kept(key);
      return octets === undefined ? undefined : recordIn(octets, VERSION, LINK_MEMORY_MAX_OCTETS);
    },
    keep: async (kept) => {
      const value = recordOctets(VERSION, kept, LINK_MEMORY_MAX_OCTETS);
      assert(value !== null, 'what a link keeps is bounded');
      await stage.add(entryWith(env.clock.nowMs(), { line, keep: [{ key, value }] }));
      // Whoever keeps something acts on it next.
      await stage.flush();
    },
  };
}
