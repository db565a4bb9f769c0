/**
 * Bundles the operator console: src/collector/web/app/ -> dist/collector/web/static/.
 *
 * Scripts and style sheets carry a hash of their content in their name, so a browser may keep them for ever; `index.html`
 * is written with those names. `theme.ts` is a script of its own, loaded before the first paint, so that a dark console
 * does not flash white. No name leaves the machine at run time: whatever a page needs lies in the static folder. See
 * docs/adr/0004 for why this is esbuild and not a larger tool.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const APP = join(ROOT, 'src', 'collector', 'web', 'app');
const OUT = join(ROOT, 'dist', 'collector', 'web', 'static');

const COMMON = {
  absWorkingDir: ROOT,
  outdir: OUT,
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  assetNames: '[name]-[hash]',
  bundle: true,
  target: ['es2022'],
  minify: true,
  legalComments: 'eof',
  logLevel: 'warning',
  metafile: true,
};

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
const results = [
  await build({
    ...COMMON,
    entryPoints: [join(APP, 'main.tsx')],
    format: 'esm',
    jsx: 'automatic',
    jsxImportSource: 'preact',
  }),
  await build({ ...COMMON, entryPoints: [join(APP, 'theme.ts')], format: 'iife' }),
];

/** The hashed name of an entry's script or style sheet. */
function nameOf(entry, extension) {
  const outputs = results.flatMap((result) => Object.keys(result.metafile.outputs)).map((path) => basename(path));
  const name = outputs.find((output) => output.startsWith(`${entry}-`) && output.endsWith(extension));
  if (name === undefined) throw new Error(`the bundle has no ${entry}${extension}`);
  return name;
}

const page = readFileSync(join(APP, 'index.html'), 'utf8').replace(/\{\{(\w+)(\.\w+)\}\}/g, (_all, entry, extension) =>
  nameOf(entry, extension),
);
writeFileSync(join(OUT, 'index.html'), page);
writeFileSync(join(OUT, 'icon.svg'), readFileSync(join(APP, 'icon.svg')));
