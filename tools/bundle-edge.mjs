/**
 * Bundles `deltawatt edge`: src/bin/commands/edge.ts and all that it reaches, over what the compiler wrote to
 * dist/bin/commands/edge.js.
 *
 * A concentrator has little memory. 500 modules cost it 12 MB more than one does, and half a second at each start; see
 * docs/adr/0007. What is opened late (serial ports, MQTT, the store) lies in parts beside it and is loaded when it is
 * used. Native packages stay where npm put them. Names are kept, so that a stack trace in a log can be read; the map beside
 * each file leads to the line.
 */
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const SOURCE = join(ROOT, 'src');
const ENTRY = join(SOURCE, 'bin', 'commands', 'edge.ts');
const OUT = join(ROOT, 'dist', 'bin', 'commands');

/** Modules that the command line has loaded already, and whose error classes it knows by identity. */
const SHARED = new Set(['base/errors.ts', 'bin/errors.ts', 'bin/command.ts'].map((path) => join(SOURCE, path)));

/** Leaves shared modules out, under the name that they have from the folder of the bundle. */
const shared = {
  name: 'shared',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^\.\.?\/.*\.ts$/ }, ({ path, resolveDir }) => {
      const file = join(resolveDir, path);
      if (!SHARED.has(file)) return undefined;
      const built = join(ROOT, 'dist', relative(SOURCE, file)).replace(/\.ts$/, '.js');
      return { path: relative(OUT, built), external: true };
    });
  },
};

await build({
  absWorkingDir: ROOT,
  entryPoints: [ENTRY],
  outdir: OUT,
  // Beside the entry: the shared modules are as far away from each part as from it.
  chunkNames: 'edge.[name]-[hash]',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: true,
  sourcesContent: false,
  legalComments: 'linked',
  external: ['classic-level', 'serialport'],
  // Packages of the older kind inside the bundle ask for Node's modules by `require`.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  plugins: [shared],
  logLevel: 'warning',
});
