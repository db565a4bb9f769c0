/** Programs of tests, started as fast as what is shipped: a program that starts many times is bundled once. */
import { join } from 'node:path';
import { bundleTests } from '../../tools/test-bundle.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** The file to start instead of `source`, an absolute path to TypeScript; `remove` takes it away. */
export async function bundledProgram(source: string): Promise<{ readonly file: string; readonly remove: () => void }> {
  const { of, remove } = await bundleTests(ROOT, [[source]]);
  return { file: of(source), remove };
}
