/**
 * HE-7: 10^6 executions of the fuzzer over every parser and both session machines, the corpus of earlier finds, and planted
 * bugs that the fuzzer must find. `npm run nightly -- fuzz` runs 10^8; `nightly fuzz-slice --seed S --count N` one slice.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fromHex, toHex } from '../../src/base/bytes.ts';
import { dataFromOctets } from '../../src/dlms/axdr/decode.ts';
import { decodeApdu } from '../../src/dlms/xdlms/codec.ts';
import { collectGarbage, heapBytes } from '../../src/host/heap.ts';
import { Fuzzer, Judge } from '../../src/lab/fuzz/fuzzer.ts';
import { fuzzSetting } from '../../src/lab/fuzz/seed-files.ts';
import { type FuzzTarget, must, parser } from '../../src/lab/fuzz/target.ts';

const SEED = Number(process.env['DELTAWATT_FUZZ_SEED'] ?? 20_261_125);
const EXECUTIONS = Number(process.env['DELTAWATT_FUZZ_EXECUTIONS'] ?? 1_000_000);
const PLANTED_MAX_MS = 60_000;

const meters = { nowMs: () => performance.now(), heapBytes, collectGarbage };
const setting = await fuzzSetting((path) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8'));

test('HE-7 every find of the past is refused or taken as it should be', () => {
  const judge = new Judge(meters);
  for (const { target: name, hex, found } of setting.corpus) {
    const target = setting.targets.find((each) => each.name === name);
    assert.ok(target !== undefined, `the corpus names ${name}`);
    assert.equal(judge.judge(target, fromHex(hex)), null, `${name}: ${found}`);
  }
});

test('HE-7 every seed is taken or refused, within its bounds, by every target of its kind', () => {
  const judge = new Judge(meters);
  for (const target of setting.targets) {
    const kinds = setting.seeds.filter(({ kind }) => target.kinds.includes(kind));
    assert.ok(kinds.length > 0, `${target.name} has seeds`);
    for (const { octets } of kinds) assert.equal(judge.judge(target, octets), null, target.name);
  }
});

test(`HE-7 ${EXECUTIONS} executions: only refusals, in time, within the heap`, (context) => {
  const fuzzer = new Fuzzer(setting.targets, setting.seeds, meters);
  const before = process.cpuUsage();
  const { executions, taken, finds } = fuzzer.slice(SEED, 0, EXECUTIONS);
  assert.deepEqual(finds, [], `seed ${SEED}`);
  assert.equal(executions, EXECUTIONS);
  assert.ok(taken > executions / 10 && taken < (executions * 9) / 10, `${taken} of ${executions} are taken`);
  const { user, system } = process.cpuUsage(before);
  const cpuS = (user + system) / 1e6;
  context.diagnostic(
    `seed ${SEED}: ${executions} executions, ${taken} taken, ${Math.round(executions / cpuS)} for a second of CPU`,
  );
});

/** Bugs of the kinds that parsers have, around the real ones; each needs the right structure to show. */
const PLANTED: readonly FuzzTarget[] = [
  // A wrong type, only for the second item of a list of results.
  parser('planted-crash', ['apdu'], 1, (octets) => {
    const apdu = decodeApdu(octets);
    if (apdu.apdu === 'get-response-with-list' && 'dataAccessResult' in (apdu.results[1] ?? {}))
      throw new TypeError('undefined is not an object');
    return null;
  }),
  // Memory from a count that the octets do not back.
  parser('planted-greed', ['data'], 1, (octets) => {
    const kept = octets.at(0) === 1 && octets.at(1) === 0x82 ? new Uint8Array(1 << 20) : null;
    dataFromOctets(octets);
    return () => void kept;
  }),
  // A loop whose length the sender writes.
  parser('planted-loop', ['apdu'], 1, (octets) => {
    const apdu = decodeApdu(octets);
    const until = performance.now() + 30;
    if (apdu.apdu === 'general-block-transfer' && apdu.blockNumber > 0x1000) while (performance.now() < until);
    return null;
  }),
  // What is taken is not what is sent.
  parser('planted-loss', ['data'], 1, (octets) => {
    const data = dataFromOctets(octets);
    return () => must(data.type !== 'structure' || data.value.at(-1)?.type !== 'bit-string', 'a bit is lost');
  }),
];

for (const planted of PLANTED) {
  test(`HE-7 the fuzzer finds a planted bug within 60 s: ${planted.name}`, (context) => {
    const fuzzer = new Fuzzer([planted], setting.seeds, meters);
    const startMs = performance.now();
    const late = () => performance.now() - startMs > PLANTED_MAX_MS;
    let executions = 0;
    let found: string | undefined;
    for (let slice = 0; found === undefined && !late(); slice++) {
      const result = fuzzer.slice(SEED, slice, 2_048, late);
      executions += result.executions;
      found = result.finds[0]?.reason;
    }
    assert.ok(found !== undefined, `not found in ${executions} executions`);
    context.diagnostic(`${executions} executions: ${found}`);
  });
}

test('HE-7 the same seed gives the same inputs, another one gives others', () => {
  const inputs = (seed: number): string[] => {
    const seen: string[] = [];
    const target = parser('listener', ['apdu', 'hdlc', 'block'], 1, (octets) => {
      // A slow one is measured again.
      const hex = toHex(octets);
      if (seen.at(-1) !== hex) seen.push(hex);
      return null;
    });
    new Fuzzer([target], setting.seeds, meters).slice(seed, 3, 200);
    return seen;
  };
  assert.deepEqual(inputs(1), inputs(1));
  assert.notDeepEqual(inputs(1), inputs(2));
});
