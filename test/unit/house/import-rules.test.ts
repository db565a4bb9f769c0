/** Plants one violation of each import rule in a copy of the house and expects the rule to name it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { after, before, test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const CONFIG = join(ROOT, '.dependency-cruiser.cjs');

interface Planted {
  readonly rule: string;
  readonly from: string;
  /** A file of the house, `node:...` or a package. */
  readonly to: string;
}

/** Each row breaks at least the rule it names. */
const PLANTED: readonly Planted[] = [
  { rule: 'no-cycles', from: 'src/base/cycle-a.ts', to: 'src/base/cycle-b.ts' },
  { rule: 'room-base', from: 'src/base/x.ts', to: 'src/model/reading.ts' },
  { rule: 'room-host', from: 'src/host/x.ts', to: 'src/model/reading.ts' },
  { rule: 'room-model', from: 'src/model/x.ts', to: 'src/host/disk.ts' },
  { rule: 'room-dlms', from: 'src/dlms/x.ts', to: 'src/model/reading.ts' },
  { rule: 'room-mbus', from: 'src/mbus/x.ts', to: 'src/dlms/axdr/decode.ts' },
  { rule: 'room-modbus', from: 'src/modbus/x.ts', to: 'src/dlms/axdr/decode.ts' },
  { rule: 'room-wire', from: 'src/wire/x.ts', to: 'src/dlms/axdr/decode.ts' },
  { rule: 'room-profile', from: 'src/profile/plan/x.ts', to: 'src/wire/topics.ts' },
  { rule: 'room-link', from: 'src/link/x.ts', to: 'src/dlms/axdr/decode.ts' },
  { rule: 'room-edge', from: 'src/edge/x.ts', to: 'src/collector/collector.ts' },
  { rule: 'room-edge', from: 'src/edge/y.ts', to: 'src/host/disk.ts' },
  { rule: 'room-collector', from: 'src/collector/x.ts', to: 'src/profile/plan/plan.ts' },
  { rule: 'room-sim', from: 'src/sim/x.ts', to: 'src/edge/concentrator.ts' },
  { rule: 'room-lab', from: 'src/lab/x.ts', to: 'src/bin/deltawatt.ts' },
  { rule: 'room-bin', from: 'src/bin/x.ts', to: 'src/wire/topics.ts' },
  { rule: 'room-unknown', from: 'src/utils/x.ts', to: 'src/base/bytes.ts' },
  { rule: 'profile-schema-without-dlms', from: 'src/profile/schema/x.ts', to: 'src/dlms/axdr/decode.ts' },
  { rule: 'pure-without-io', from: 'src/model/fs.ts', to: 'node:fs/promises' },
  { rule: 'pure-without-io', from: 'src/link/plc/x.machine.ts', to: 'node:timers' },
  { rule: 'pure-without-io', from: 'src/wire/pg.ts', to: 'pg' },
  { rule: 'crypto-in-dlms-security', from: 'src/dlms/session/x.ts', to: 'node:crypto' },
  { rule: 'crypto-in-dlms-security', from: 'src/edge/uplink/x.ts', to: 'node:crypto' },
  { rule: 'hands-through-env', from: 'src/edge/journal/x.ts', to: 'node:fs' },
  { rule: 'cloud-without-dlms', from: 'src/collector/y.ts', to: 'src/profile/schema/leak.ts' },
  { rule: 'actors-meet-in-ports', from: 'src/edge/reader/x.ts', to: 'src/edge/journal/journal.ts' },
  { rule: 'actors-meet-in-ports', from: 'src/collector/api/x.ts', to: 'src/collector/store/store.ts' },
  { rule: 'src-without-tests-and-tools', from: 'src/lab/y.ts', to: 'test/suite/link.ts' },
  { rule: 'src-without-tests-and-tools', from: 'src/lab/z.ts', to: 'tools/proto.ts' },
  { rule: 'owner-of-serialport', from: 'src/lab/serial.ts', to: 'serialport' },
  { rule: 'owner-of-pg', from: 'src/lab/pg.ts', to: 'pg' },
  { rule: 'owner-of-aedes', from: 'src/host/aedes.ts', to: 'aedes' },
  { rule: 'owner-of-fastify', from: 'src/lab/fastify.ts', to: 'fastify' },
  { rule: 'no-development-dependency', from: 'src/lab/dev.ts', to: 'fast-check' },
  { rule: 'resolvable', from: 'src/lab/nowhere.ts', to: 'src/lab/missing.ts' },
];

/** Imports that the house allows, in the same tree: the rules must stay silent about them. */
const ALLOWED: readonly (readonly [from: string, to: string])[] = [
  ['src/profile/schema/leak.ts', 'src/profile/schema/inner.ts'],
  ['src/profile/schema/inner.ts', 'src/profile/plan/plan.ts'],
  ['src/profile/plan/plan.ts', 'src/dlms/axdr/decode.ts'],
  ['src/dlms/security/gcm.ts', 'node:crypto'],
  ['src/dlms/axdr/decode.ts', 'src/base/bytes.ts'],
  ['src/wire/topics.ts', 'src/model/reading.ts'],
  ['src/host/disk.ts', 'node:fs'],
  ['src/host/serial.ts', 'serialport'],
  ['src/edge/concentrator.ts', 'src/edge/journal/journal.ts'],
  ['src/edge/journal/journal.ts', 'src/edge/ports.ts'],
  ['src/collector/collector.ts', 'src/collector/store/store.ts'],
  ['src/collector/store/store.ts', 'pg'],
  ['src/collector/web/app/main.ts', 'preact'],
  ['src/lab/demo.ts', 'src/edge/concentrator.ts'],
  ['src/bin/deltawatt.ts', 'src/lab/demo.ts'],
];

/** The way back of the planted cycle; the cruiser names a cycle once. */
const WAY_BACK = ['src/base/cycle-b.ts', 'src/base/cycle-a.ts'] as const;

interface Violation {
  readonly from: string;
  readonly to: string;
  readonly rule: { readonly name: string };
}

let folder = '';
let violations: readonly Violation[] = [];

function plant(rows: readonly (readonly [from: string, to: string])[]): void {
  const files = new Map<string, string>();
  for (const [from, to] of rows) {
    const inside = to.startsWith('src/') || to.startsWith('test/') || to.startsWith('tools/');
    if (inside && !files.has(to) && !to.endsWith('missing.ts')) files.set(to, 'export const here = 1;\n');
    const specifier = inside ? relative(dirname(from), to).replace(/^(?!\.)/, './') : to;
    files.set(from, `import '${specifier}';\n${files.get(from) ?? 'export const here = 1;\n'}`);
  }
  for (const [path, text] of files) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'deltawatt-rules-'));
  copyFileSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  copyFileSync(join(ROOT, 'tsconfig.json'), join(folder, 'tsconfig.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  plant([...PLANTED.map((row) => [row.from, row.to] as const), ...ALLOWED, WAY_BACK]);
  const cruiser = join(ROOT, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
  const output = await new Promise<string>((resolve, reject) => {
    const args = [cruiser, '--config', CONFIG, '--output-type', 'json', 'src'];
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 1 << 26 }, (error, stdout) => {
      if (stdout === '') reject(error ?? new Error('no output'));
      else resolve(stdout);
    });
  });
  violations = (JSON.parse(output) as { summary: { violations: Violation[] } }).summary.violations;
});

after(() => rmSync(folder, { recursive: true, force: true }));

for (const { rule, from, to } of PLANTED) {
  test(`${rule} names ${from} -> ${to}`, () => {
    const named = violations.filter((violation) => violation.from === from).map((violation) => violation.rule.name);
    assert.ok(named.includes(rule), `named for ${from}: ${named.join(', ')}`);
  });
}

test('every rule has a planted violation', () => {
  const config = createRequire(import.meta.url)(CONFIG) as { forbidden: { name: string }[] };
  const planted = new Set(PLANTED.map((row) => row.rule));
  const unproved = config.forbidden.map((rule) => rule.name).filter((name) => !planted.has(name));
  assert.deepEqual(unproved, []);
});

test('allowed imports are not named', () => {
  const allowed = new Set(ALLOWED.map(([from]) => from));
  const named = violations.filter((violation) => allowed.has(violation.from));
  assert.deepEqual(
    named.map((violation) => `${violation.rule.name}: ${violation.from} -> ${violation.to}`),
    [],
  );
});
