/**
 * Test files as bundles, for tools/test.ts: what a process runs is one file and a few parts instead of some 600 modules.
 *
 * Loading those one by one through a compiler took each of the hundred processes of `npm test` 5 s of CPU, more than most of
 * their tests (ADR 0001). `import.meta.url` of a source stays the address of that source, so tests find their vectors, and
 * programs their profiles, where they are; maps lead stack traces to the sources. Packages stay where npm put them.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

/** What a source says of itself, and the name under which its bundle knows that. */
const ADDRESS = { 'import.meta.url': 'addressOfSource', 'import.meta.dirname': 'folderOfSource' };

/** Gives each source its own address, in its first line so that all lines stay where they are. */
const ADDRESSES: Plugin = {
  name: 'addresses',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      if (!source.includes('import.meta.')) return undefined;
      const [address, folder] = [pathToFileURL(path).href, dirname(path)].map((text) => JSON.stringify(text));
      const known = `const ${ADDRESS['import.meta.url']} = ${address}, ${ADDRESS['import.meta.dirname']} = ${folder};`;
      return { contents: `${known} ${source}`, loader: 'ts' };
    });
  },
};

/** Bundles of one run; `remove` takes them away. */
export interface TestBundle {
  /** The bundle of a source; the source itself when none was asked for. */
  of(source: string): string;
  /** The source of a bundle, or what was given. */
  sourceOf(path: string): string;
  remove(): void;
}

/**
 * Bundles each set of files by itself, with the parts that its files share: files of different sets share nothing, so that a
 * small set does not lie in the shreds that a large one needs. Fails where `root` cannot be written, or on a syntax error.
 */
export async function bundleTests(root: string, sets: readonly (readonly string[])[]): Promise<TestBundle> {
  const home = join(root, '.deltawatt');
  mkdirSync(home, { recursive: true });
  sweep(home);
  const folder = mkdtempSync(join(home, `tests-${process.pid}-`));
  const bundles = new Map<string, string>();
  try {
    for (const [at, files] of sets.entries()) {
      const outdir = join(folder, String(at));
      await bundleSet(root, files, outdir);
      for (const file of files) bundles.set(file, join(outdir, relative(root, file).replace(/\.ts$/, '.js')));
    }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  const sources = new Map([...bundles].map(([source, bundle]) => [bundle, source]));
  return {
    of: (source) => bundles.get(source) ?? source,
    sourceOf: (path) => sources.get(path) ?? path,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function bundleSet(root: string, files: readonly string[], outdir: string): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: [...files],
    outdir,
    outbase: root,
    chunkNames: 'parts/[name]-[hash]',
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: true,
    sourcesContent: false,
    define: ADDRESS,
    plugins: [ADDRESSES],
    logLevel: 'warning',
  });
}

/** Takes away what runs left that were ended before they could. */
function sweep(home: string): void {
  for (const name of readdirSync(home)) {
    const pid = Number(/^tests-(\d+)-/.exec(name)?.[1]);
    if (pid > 0 && !isAlive(pid)) rmSync(join(home, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return Reflect.get(Object(error), 'code') === 'EPERM';
  }
}
