/** The second decoder, tools/decode_block.py, against the golden blocks and the worked example. Needs python3. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { toHex } from '../../src/base/bytes.ts';
import { decodeHeader } from '../../src/wire/block.ts';
import { makeExamples } from '../support/document-examples.ts';

const root = new URL('../../', import.meta.url);
const vectorsPath = fileURLToPath(new URL('test/vectors/blocks.json', root));
const decoderPath = fileURLToPath(new URL('tools/decode_block.py', root));

interface VectorFile {
  readonly chains: readonly {
    readonly dictionary: string;
    readonly blocks: readonly {
      readonly hex: string;
      readonly header: unknown;
      readonly rows: unknown;
      readonly records: unknown;
    }[];
  }[];
}

function readVectors(): VectorFile {
  return JSON.parse(readFileSync(vectorsPath, 'utf8')) as VectorFile;
}

/** Why the tests are skipped, or false. */
const skip = spawnSync('python3', ['--version']).error === undefined ? false : 'python3 is not installed';

/** Runs the reference decoder. */
function python(args: readonly string[], input = ''): { status: number | null; stdout: string; stderr: string } {
  const run = spawnSync('python3', ['-I', '-B', decoderPath, ...args], {
    input,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  assert.equal(run.error, undefined);
  return run;
}

test('W-12 the reference decoder in Python reads all golden blocks as we do', { skip }, () => {
  const run = python([vectorsPath]);
  assert.equal(run.status, 0, run.stderr);
  const expected = readVectors().chains.map(({ blocks }) => blocks.map(({ hex: _, ...rest }) => rest));
  assert.deepEqual(JSON.parse(run.stdout), expected);
});

test('W-9 the reference decoder refuses a changed block with a sentence', { skip }, () => {
  const chain = readVectors().chains[0];
  const hex = chain?.blocks[0]?.hex ?? '';
  const good = python(['--dictionary', chain?.dictionary ?? ''], `${hex}\n`);
  assert.equal(good.status, 0, good.stderr);
  const bad = python(
    ['--dictionary', chain?.dictionary ?? ''],
    `${hex.replace(/..$/, (octet) => (octet === '00' ? '01' : '00'))}\n`,
  );
  assert.equal(bad.status, 1);
  assert.match(bad.stderr, /^not a block: checksum/);
});

test('the reference decoder reads the worked example', { skip }, () => {
  const examples = makeExamples();
  const hexOf = (name: string) => toHex(examples.get(name) ?? new Uint8Array(0));
  const run = python(['--dictionary', hexOf('dictionary')], `${hexOf('block 1')}\n${hexOf('block 2')}\n`);
  assert.equal(run.status, 0, run.stderr);
  const blocks = JSON.parse(run.stdout) as { rows: { values: (string | null)[] }[] }[];
  assert.deepEqual(
    blocks.flatMap(({ rows }) => rows.map(({ values }) => values)),
    [
      ['29388488', '0'],
      ['29388559', '0'],
      ['29388629', '0'],
      ['29388702', null],
    ],
  );
});

test('W-32 the reference decoder reads the worked tombstone as we do', { skip }, () => {
  const octets = makeExamples().get('tombstone') ?? new Uint8Array(0);
  const run = python([], `${toHex(octets)}\n`);
  assert.equal(run.status, 0, run.stderr);
  const [block] = JSON.parse(run.stdout) as { header: { fromMs: number; toMs: number; tombstone: object } }[];
  const { tombstone } = decodeHeader(octets);
  assert.ok(tombstone);
  const { from, cause, groups, headHash } = tombstone;
  assert.deepEqual(block?.header.tombstone, { from, cause, groups, headHash: toHex(headHash) });
  assert.deepEqual([block?.header.fromMs, block?.header.toMs], [tombstone.fromMs, tombstone.toMs]);
});
