/**
 * Completes package-lock.json after `npm install`: `node tools/complete-lock.mjs`.
 *
 * Native tools come as one optional package per platform. A registry that mirrors only some platforms makes npm leave the
 * others out of the lockfile, and `npm ci` then refuses it everywhere ("Missing: ... from lock file"). This adds a row
 * for each one left out: version from the package that wants it, platform from its name. npm skips such a row on every
 * other platform. The rows carry no integrity, because nobody here has seen those octets; they are of development tools.
 * Running it twice changes nothing.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LOCK = join(dirname(fileURLToPath(import.meta.url)), '..', 'package-lock.json');
const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
/** Names of processors in package names, and what Node calls them. */
const PROCESSORS = [
  ['arm64', 'arm64'],
  ['armv7', 'arm'],
  ['arm', 'arm'],
  ['x64', 'x64'],
  ['ia32', 'ia32'],
  ['ppc64', 'ppc64'],
  ['riscv64', 'riscv64'],
  ['s390x', 's390x'],
];

/** Whether the package is found from `path` the way Node looks: in its own modules, then in each folder above. */
function isLocked(packages, path, name) {
  let from = path;
  for (;;) {
    if (`${from === '' ? '' : `${from}/`}node_modules/${name}` in packages) return true;
    if (from === '') return false;
    from = from.slice(0, from.lastIndexOf('node_modules/')).replace(/\/$/, '');
  }
}

function platformOf(name) {
  const words = name.split(/[-/]/);
  const os = SYSTEMS.find((system) => words.includes(system));
  const cpu = PROCESSORS.find(([word]) => words.includes(word))?.[1];
  if (os === undefined || cpu === undefined) throw new Error(`no platform in the name ${name}: add its row by hand`);
  const libc = os !== 'linux' ? {} : { libc: [words.some((word) => word.startsWith('musl')) ? 'musl' : 'glibc'] };
  return { cpu: [cpu], os: [os], ...libc };
}

const lock = JSON.parse(readFileSync(LOCK, 'utf8'));
const added = [];
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(lock.packages, path, name)) continue;
    const dev = entry.dev === true ? { dev: true } : {};
    lock.packages[`node_modules/${name}`] = { version, ...dev, optional: true, ...platformOf(name) };
    added.push(name);
  }
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
lock.packages = Object.fromEntries(sorted);
if (added.length > 0) writeFileSync(LOCK, `${JSON.stringify(lock, null, 2)}\n`);
process.stderr.write(`package-lock.json: ${added.length === 0 ? 'complete' : `added ${added.join(', ')}`}\n`);
