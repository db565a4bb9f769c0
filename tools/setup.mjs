/**
 * Makes a clone ready to run; every npm target starts with it.
 *
 *   node tools/setup.mjs              dependencies by lockfile, only when package-lock.json changed
 *   node tools/setup.mjs --build      also dist/, only when an input changed
 *   node tools/setup.mjs --services   also what the tests need beside Node (Debian, root; see setup-test-services)
 *
 * Node built-ins only, for it runs before anything is installed. When all is fresh it takes no lock, writes nothing and
 * ends in about a tenth of a second, so it also works in a clone that this user cannot write. Otherwise one process
 * works and the others wait for it. Everything it says goes to stderr: stdout belongs to the command that follows.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const MODULES = join(ROOT, 'node_modules');
const INSTALL_STAMP = join(MODULES, '.deltawatt-install');
const DIST = join(ROOT, 'dist');
const BUILD_STAMP = join(DIST, '.deltawatt-build');
const LOCK = join(ROOT, '.deltawatt', 'setup.lock');
const PROGRAM = join(DIST, 'bin', 'deltawatt.js');
const LINK = join(MODULES, '.bin', 'deltawatt');
const WEB_APP = join(ROOT, 'src', 'collector', 'web', 'app');
const COMMANDS = join(ROOT, 'src', 'bin', 'commands');
const STILL_MS = 10_000;
const WAIT_MAX_MS = 15 * 60_000;

const startedMs = Date.now();
const seconds = (sinceMs) => `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`;
const say = (text) => process.stderr.write(`set-up: ${text}\n`);

/** Ends with a sentence that says what to do. */
class SetupError extends Error {}

function checkNode() {
  const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const need = engines.node.replace(/^>=/, '').split('.').map(Number);
  const have = process.versions.node.split('.').map(Number);
  const old = have[0] < need[0] || (have[0] === need[0] && have[1] < (need[1] ?? 0));
  if (old) {
    throw new SetupError(
      `Node ${process.versions.node} is too old: Deltawatt needs Node ${need.join('.')} or later. Install it from your distribution or nodejs.org, then run the same command again.`,
    );
  }
}

function sha256(...parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
}

const readText = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '');

/** Paths of all files below a folder, sorted, so that a hash over them does not depend on the file system. */
function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

const isLink = (path) => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;

/** A linked node_modules belongs to another clone, which looks after it. */
const modulesAreLinked = () => isLink(MODULES);
const installKey = () => sha256(readFileSync(join(ROOT, 'package-lock.json')), process.platform, process.arch);
const installIsFresh = () => modulesAreLinked() || readText(INSTALL_STAMP) === installKey();

function buildKey() {
  const inputs = [
    ...filesBelow(join(ROOT, 'src')),
    ...[
      'package-lock.json',
      'tsconfig.json',
      'tsconfig.build.json',
      'tools/build-web.mjs',
      'tools/bundle-commands.mjs',
      'tools/setup.mjs',
    ].map((name) => join(ROOT, name)),
  ].filter((path) => existsSync(path));
  return sha256(...inputs.flatMap((path) => [relative(ROOT, path), readFileSync(path)]));
}

const linkTarget = () => relative(dirname(LINK), PROGRAM);
const linkIsFresh = () =>
  modulesAreLinked() || !existsSync(PROGRAM) || (isLink(LINK) && readlinkSync(LINK) === linkTarget());
const buildIsFresh = () => readText(BUILD_STAMP) === buildKey() && linkIsFresh();

/** The program that works for us now; it must not go on when we are ended. */
let working;

/** Runs a program with its output on our stderr, and says every ten seconds that it is still at work. */
function run(what, command, args) {
  const sinceMs = Date.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2] });
    working = child;
    const still = setInterval(() => say(`${what}, ${seconds(sinceMs)} so far`), STILL_MS);
    child.once('error', (error) => {
      clearInterval(still);
      reject(new SetupError(`${what}: ${command} did not start (${error.message}).`));
    });
    child.once('close', (code, signal) => {
      clearInterval(still);
      if (code === 0) resolve(sinceMs);
      else reject(new SetupError(`${what} failed (${signal ?? `exit ${code}`}); its own words are above.`));
    });
  });
}

async function install() {
  const count = Object.keys(JSON.parse(readText(join(ROOT, 'package-lock.json'))).packages).length - 1;
  say(`installing ${count} packages by lockfile, without install scripts`);
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
  // The npm that started us, when there is one: another on the path may be of another version.
  const npm = process.env.npm_execpath;
  const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const sinceMs = await run('installing', command, [...first, ...args]);
  writeFileSync(INSTALL_STAMP, installKey());
  say(`installed in ${seconds(sinceMs)}`);
}

/** Everything under src/ that is not compiled but needed at run time: migrations, contracts, pages. */
function copyAssets() {
  for (const from of filesBelow(join(ROOT, 'src'))) {
    if (['.ts', '.tsx'].includes(extname(from)) || from.startsWith(WEB_APP)) continue;
    const to = join(DIST, relative(join(ROOT, 'src'), from));
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(from, to);
  }
}

/** The compiler never deletes: outputs whose source is gone would still be found by an import. */
function sweep() {
  for (const path of filesBelow(DIST)) {
    const source = relative(DIST, path).replace(/(\.d\.ts|\.js)(\.map)?$/, '');
    if (source === relative(DIST, path) || source.startsWith(join('collector', 'web', 'static'))) continue;
    if (!['.ts', '.tsx', '.js', '.d.ts'].some((end) => existsSync(join(ROOT, 'src', source + end)))) rmSync(path);
  }
}

async function build() {
  say('building');
  const key = buildKey();
  rmSync(BUILD_STAMP, { force: true });
  const tsc = join(MODULES, 'typescript', 'bin', 'tsc');
  // Types are the business of `npm run check`; without them a build takes a third of the time.
  const args = [tsc, '-p', 'tsconfig.build.json', '--noCheck', '--declaration', 'false'];
  const sinceMs = await run('compiling', process.execPath, args);
  sweep();
  copyAssets();
  if (existsSync(COMMANDS)) {
    await run('bundling the commands', process.execPath, [join(ROOT, 'tools', 'bundle-commands.mjs')]);
  }
  if (existsSync(WEB_APP)) await run('bundling the console', process.execPath, [join(ROOT, 'tools', 'build-web.mjs')]);
  if (existsSync(PROGRAM)) {
    chmodSync(PROGRAM, 0o755);
    linkProgram();
  }
  mkdirSync(DIST, { recursive: true });
  writeFileSync(BUILD_STAMP, key);
  say(`built in ${seconds(sinceMs)}`);
}

/** `npx deltawatt` finds the program of this clone. */
function linkProgram() {
  if (linkIsFresh()) return;
  mkdirSync(dirname(LINK), { recursive: true });
  rmSync(LINK, { force: true });
  symlinkSync(linkTarget(), LINK);
}

/** A process by its id and, where /proc tells it, its start: an id that was given again is another process. */
function identity(pid) {
  const stat = readText(`/proc/${pid}/stat`);
  const start = stat === '' ? '' : stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  return `${pid} ${start}`;
}

function isAlive(holder) {
  const pid = Number(holder.split(' ')[0]);
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== 'EPERM') return false;
  }
  return identity(pid) === holder;
}

/** Whether the lock is ours now. A symbolic link appears with its content in one step, so nobody reads half a lock. */
function tryLock() {
  mkdirSync(dirname(LOCK), { recursive: true });
  try {
    symlinkSync(identity(process.pid), LOCK);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  }
}

function lockHolder() {
  try {
    return readlinkSync(LOCK);
  } catch {
    return undefined;
  }
}

/** Moves a dead process's lock aside; if a live one took its place in between, puts that one back. */
function dropStaleLock(holder) {
  const aside = `${LOCK}.stale-${process.pid}`;
  try {
    renameSync(LOCK, aside);
  } catch {
    return;
  }
  if (readlinkSync(aside) !== holder) renameSync(aside, LOCK);
  else rmSync(aside);
}

async function lock() {
  const sinceMs = Date.now();
  let toldMs = 0;
  while (!tryLock()) {
    const holder = lockHolder();
    if (holder === undefined) continue;
    if (!isAlive(holder)) {
      say(`removing the lock of process ${holder.split(' ')[0]}, which is gone`);
      dropStaleLock(holder);
      continue;
    }
    if (Date.now() - sinceMs > WAIT_MAX_MS) {
      throw new SetupError(
        `process ${holder.split(' ')[0]} has held ${relative(ROOT, LOCK)} for 15 minutes. End it and try again.`,
      );
    }
    if (Date.now() - toldMs > STILL_MS) {
      say(`waiting for another set-up (process ${holder.split(' ')[0]}), ${seconds(sinceMs)} so far`);
      toldMs = Date.now();
    }
    await sleep(200);
  }
}

function unlock() {
  if (lockHolder() === identity(process.pid)) rmSync(LOCK, { force: true });
}

async function services() {
  const script = join(ROOT, 'tools', 'setup-test-services');
  const canInstall = process.getuid?.() === 0 && existsSync('/etc/debian_version');
  try {
    await run('test services', 'bash', canInstall ? [script] : [script, '--check']);
  } catch (error) {
    if (canInstall) throw error;
    say('tests that need the missing packages are skipped and named');
  }
}

async function main() {
  const wanted = new Set(process.argv.slice(2));
  const unknown = [...wanted].filter((name) => !['--build', '--services'].includes(name));
  if (unknown.length > 0)
    throw new SetupError(`unknown option ${unknown.join(', ')}; there are --build and --services.`);
  checkNode();
  const isFresh = () => installIsFresh() && (!wanted.has('--build') || buildIsFresh());
  if (!isFresh()) {
    await lock();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      process.once(signal, () => {
        working?.kill(signal);
        unlock();
        process.exit(130);
      });
    }
    try {
      if (!installIsFresh()) await install();
      if (wanted.has('--build') && !buildIsFresh()) await build();
    } finally {
      unlock();
    }
    say(`ready after ${seconds(startedMs)}`);
  }
  if (wanted.has('--services')) await services();
}

try {
  await main();
} catch (error) {
  say(error instanceof SetupError ? error.message : error.stack);
  if (error.code === 'EACCES' || error.code === 'EPERM' || error.code === 'EROFS') {
    say('way out: run it as the user who owns this folder, or make a clone of your own');
  }
  process.exitCode = 1;
}
