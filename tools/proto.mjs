/**
 * Lints src/wire/*.proto and generates src/wire/gen from it, with the programs of node_modules and no network.
 * `--check` generates into a temporary folder instead and fails when the committed files differ.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const gen = join(root, 'src', 'wire', 'gen');

function buf(...args) {
  const program = join(root, 'node_modules', '@bufbuild', 'buf', 'bin', 'buf');
  const run = spawnSync(process.execPath, [program, ...args], { cwd: root, stdio: 'inherit' });
  if (run.error) throw run.error;
  if (run.status !== 0) process.exit(run.status ?? 1);
}

/** Paths and contents of the files under `folder`, in one text. */
function contentOf(folder) {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => `${name}\n${readFileSync(join(folder, name), 'utf8')}`)
    .join('\n');
}

buf('lint');
if (process.argv.includes('--check')) {
  const folder = mkdtempSync(join(tmpdir(), 'deltawatt-proto-'));
  try {
    buf('generate', '--output', folder);
    const made = join(folder, 'src', 'wire', 'gen');
    if (contentOf(made) !== contentOf(gen)) {
      console.error('src/wire/gen differs from what src/wire/*.proto gives: run `npm run proto` and commit the result');
      process.exitCode = 1;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
} else {
  buf('generate');
}
