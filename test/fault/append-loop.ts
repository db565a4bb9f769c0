/**
 * Appends to a journal until it is killed: `append-loop FOLDER START`. Each line on standard output
 * is the number of an append that was acknowledged to the caller.
 */
import { openJournalIn } from '../../src/edge/journal/open.ts';
import { HOST_CRYPTO, HOST_RANDOM } from '../../src/host/crypto.ts';
import { HOST_DISK } from '../../src/host/disk.ts';
import { HOST_CLOCK } from '../../src/host/timers.ts';
import type { MeterId } from '../../src/model/ids.ts';
import { entryOf, HOUR_MS, rowsOf, START_MS } from '../suite/journal.ts';

const [folder = '', start = '0'] = process.argv.slice(2);
const journal = await openJournalIn({
  disk: HOST_DISK,
  folder,
  name: 'journal',
  clock: HOST_CLOCK,
  random: HOST_RANDOM,
  sha256: HOST_CRYPTO.sha256,
  clockQuality: () => 'ntp',
  trouble: (trouble) => process.stderr.write(`${JSON.stringify(trouble)}\n`),
  openTrouble: (trouble) => process.stderr.write(`${JSON.stringify(trouble)}\n`),
});
for (let round = Number(start); ; round++) {
  const atMs = START_MS + round * HOUR_MS;
  await journal.append(
    entryOf({
      groups: rowsOf(10, atMs),
      watermarks: [{ meterId: 'm0' as MeterId, key: 'p', atMs }],
      readAtMs: atMs,
    }),
  );
  process.stdout.write(`${round}\n`);
}
