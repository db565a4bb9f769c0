/** Files that a command line names. */
import type { Disk } from '../base/env.ts';
import { UsageError } from './errors.ts';

/** The octets of a file; rejects with a UsageError that names it when there is none. */
export async function givenFile(disk: Pick<Disk, 'readFile'>, path: string): Promise<Uint8Array> {
  const octets = await disk.readFile(path);
  if (octets === undefined) throw new UsageError(`There is no file ${path}.`);
  return octets;
}
