/** Plants uses of the outside world in rooms that must not know it and expects the lint to name each one. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..', '..');

const WORLD = [
  'new Date()',
  'Date.now()',
  'performance.now()',
  'setTimeout(() => {}, 1)',
  'setInterval(() => {}, 1)',
  'setImmediate(() => {})',
  'process.pid',
  'console.log(1)',
  'crypto.randomUUID()',
  "fetch('http://127.0.0.1/')",
  "new WebSocket('ws://127.0.0.1/')",
  'globalThis.setTimeout(() => {}, 1)',
  "globalThis['Date'].now()",
  'global.process',
  'Math.random()',
  "Math['random']()",
  'AbortSignal.timeout(1)',
] as const;

const ROOMS_WITHOUT_WORLD = [
  'base',
  'model',
  'dlms/axdr',
  'wire',
  'profile',
  'link',
  'edge/reader',
  'collector/ingest',
  'sim',
];
const ROOMS_WITH_WORLD = ['host', 'bin', 'lab'];

/** Habits of docs and style that the lint keeps, each with a line that breaks it. */
const HABITS = [
  ['noEnum', 'export enum Side { Left }'],
  ['noDefaultExport', 'export default 1;'],
  ['noExplicitAny', 'export const x: any = 1;'],
  ['noNonNullAssertion', 'export const f = (x?: string): string => x!;'],
  ['noFloatingPromises', 'async function g(): Promise<void> {}\nexport function h(): void {\n  g();\n}'],
  [
    'useExhaustiveSwitchCases',
    "export function s(x: 'a' | 'b'): number {\n  switch (x) {\n    case 'a':\n      return 1;\n  }\n  return 0;\n}",
  ],
  ['noExcessiveLinesPerFunction', `export function long(): void {\n${"  String('line');\n".repeat(71)}}`],
  ['noExcessiveLinesPerFile', "String('line');\n".repeat(401)],
] as const;

interface Diagnostic {
  readonly category: string;
  readonly location: { readonly path: string };
}

let folder = '';
let found: readonly Diagnostic[] = [];

function plant(path: string, text: string): void {
  mkdirSync(join(folder, dirname(path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

const worldFile = (room: string, index: number): string => `src/${room}/planted-${index}.ts`;
const habitFile = (index: number): string => `src/model/habit-${index}.ts`;

function categoriesOf(path: string): string[] {
  return found.filter((one) => one.location.path === path).map((one) => one.category);
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'deltawatt-lint-'));
  cpSync(join(ROOT, 'biome.json'), join(folder, 'biome.json'));
  cpSync(join(ROOT, 'tools', 'biome'), join(folder, 'tools', 'biome'), { recursive: true });
  plant('.gitignore', 'dist/\n');
  for (const room of [...ROOMS_WITHOUT_WORLD, ...ROOMS_WITH_WORLD]) {
    WORLD.forEach((use, index) => {
      plant(worldFile(room, index), `export const use = (): unknown => ${use};\n`);
    });
  }
  HABITS.forEach(([, text], index) => {
    plant(habitFile(index), `${text}\n`);
  });
  plant('src/model/taken.ts', 'const { random } = Math;\nexport const use = random;\n');
  plant('src/model/Not_Kebab.ts', 'export const here = 1;\n');
  const biome = join(ROOT, 'node_modules', '.bin', 'biome');
  const output = await new Promise<string>((resolve, reject) => {
    const args = ['lint', '--reporter=json', '--max-diagnostics=none', 'src'];
    execFile(biome, args, { cwd: folder, maxBuffer: 1 << 26 }, (error, stdout) => {
      if (stdout === '') reject(error ?? new Error('no output'));
      else resolve(stdout);
    });
  });
  found = (JSON.parse(output.slice(output.indexOf('{'))) as { diagnostics: Diagnostic[] }).diagnostics;
});

after(() => rmSync(folder, { recursive: true, force: true }));

for (const room of ROOMS_WITHOUT_WORLD) {
  test(`src/${room} may not touch the world`, () => {
    const missed = WORLD.filter((_, index) => {
      const categories = categoriesOf(worldFile(room, index));
      return !categories.some((name) => name === 'plugin' || name === 'lint/style/noRestrictedGlobals');
    });
    assert.deepEqual(missed, []);
  });
}

for (const room of ROOMS_WITH_WORLD) {
  test(`src/${room} may touch the world`, () => {
    const named = WORLD.filter((_, index) => {
      const categories = categoriesOf(worldFile(room, index));
      return categories.some((name) => name === 'plugin' || name === 'lint/style/noRestrictedGlobals');
    });
    assert.deepEqual(named, []);
  });
}

test('taking Math apart is named', () => {
  assert.ok(categoriesOf('src/model/taken.ts').includes('plugin'));
});

test('file names are kebab-case', () => {
  assert.ok(categoriesOf('src/model/Not_Kebab.ts').includes('lint/style/useFilenamingConvention'));
});

HABITS.forEach(([rule], index) => {
  test(`${rule} is kept`, () => {
    const categories = categoriesOf(habitFile(index));
    assert.ok(
      categories.some((name) => name.endsWith(`/${rule}`)),
      categories.join(', '),
    );
  });
});
