/**
 * Imports many test files into this one process: starting Node and loading the rooms once takes a fraction of the time
 * that a process per file takes. tools/test.ts runs it for the suites whose files touch nothing outside themselves.
 *
 * The files come as a JSON list in TEST_GROUP_FILES. The first test waits until all files are
 * loaded, so that loading counts as nobody's time. A file that cannot be loaded is a failed test of the file's name; the others still run.
 */
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

const files = JSON.parse(process.env['TEST_GROUP_FILES'] ?? '[]') as readonly string[];
delete process.env['TEST_GROUP_FILES'];

let loaded = (): void => {};
const allLoaded = new Promise<void>((resolve) => {
  loaded = resolve;
});
test('every file is loaded', () => allLoaded);
for (const file of files) {
  try {
    await import(pathToFileURL(file).href);
  } catch (error) {
    test(file, () => {
      throw error;
    });
  }
}
loaded();
