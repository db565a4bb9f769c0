/**
 * Bundles the operator console: src/collector/web/app/ -> dist/collector/web/static/.
 *
 * `main.tsx` (or `main.ts`) is the entry of the script and, through its imports, of the style sheet; every other file that
 * is not a source (index.html, icons, fonts) is copied as it is. No name leaves the machine at run time: whatever a page
 * needs lies in the static folder. See docs/adr/0004 for why this is esbuild and not a larger tool.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const APP = join(ROOT, 'src', 'collector', 'web', 'app');
const OUT = join(ROOT, 'dist', 'collector', 'web', 'static');
const SOURCES = ['.ts', '.tsx', '.css'];

const entry = ['main.tsx', 'main.ts'].map((name) => join(APP, name)).find((path) => existsSync(path));
if (entry === undefined) {
  process.stderr.write('console: src/collector/web/app has no main.tsx\n');
  process.exit(1);
}

rmSync(OUT, { recursive: true, force: true });
await build({
  entryPoints: [entry],
  outdir: OUT,
  entryNames: '[name]',
  bundle: true,
  splitting: true,
  format: 'esm',
  target: ['es2022'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  minify: true,
  sourcemap: true,
  legalComments: 'linked',
  logLevel: 'warning',
  loader: { '.svg': 'file', '.woff2': 'file', '.png': 'file' },
});

for (const file of readdirSync(APP, { withFileTypes: true, recursive: true })) {
  if (!file.isFile() || SOURCES.includes(extname(file.name)) || file.name === 'tsconfig.json') continue;
  const from = join(file.parentPath ?? file.path, file.name);
  const to = join(OUT, relative(APP, from));
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}
