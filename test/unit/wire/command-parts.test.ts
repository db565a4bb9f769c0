import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toHex } from '../../../src/base/bytes.ts';
import type { CommandReport, ObjectValue } from '../../../src/model/command.ts';
import type { CommandId, MeterId } from '../../../src/model/ids.ts';
import { isUnfinished, joinReport } from '../../../src/wire/command-parts.ts';
import { decodeRecordBody, encodeRecordBody, recordOctets, splitRecord } from '../../../src/wire/record-body.ts';

const MAX_OCTETS = 990;

function answerOf(octets: number, at: number): ObjectValue {
  const raw = Uint8Array.from({ length: octets }, (_, index) => (index * 7 + at) & 0xff);
  return { classId: 15, obis: '0-0:40.0.0*255', attribute: (at % 10) + 1, result: 0, text: `answer ${at}`, raw };
}

function reportOf(sizes: readonly number[]): CommandReport {
  return {
    id: '0f0e0d0c-0b0a-4908-8706-050403020100' as CommandId,
    meterId: 'm1' as MeterId,
    state: 'done',
    code: '',
    sentence: 'The meter answered.',
    atMs: 1_800_000_000_000,
    values: sizes.map(answerOf),
    relay: { outputOn: true, controlState: 1 },
  };
}

/** Through the octets of one body each, as a lane carries them. */
function throughWire(report: CommandReport): CommandReport[] {
  return splitRecord({ kind: 'command', report }, MAX_OCTETS).map((record) => {
    assert.ok(recordOctets(record) <= MAX_OCTETS, `${recordOctets(record)} octets`);
    const [back] = decodeRecordBody(encodeRecordBody([record]));
    assert.ok(back?.kind === 'command');
    return back.report;
  });
}

const shown = (report: CommandReport | undefined) =>
  JSON.stringify(report, (_, value) => (value instanceof Uint8Array ? toHex(value) : value));

const sorted = (report: CommandReport | undefined) =>
  report === undefined
    ? ''
    : shown({ ...reportOf([]), ...report, values: [] }) +
      report.values.map((value) => `${value.attribute} ${value.text} ${toHex(value.raw)}`).join();

function joinAll(parts: readonly CommandReport[]): CommandReport | undefined {
  let kept: CommandReport | undefined;
  for (const part of parts) kept = joinReport(kept, part) ?? kept;
  return kept;
}

test('W-58 HE-4 a report of any length comes back whole from parts that each fit a block, a repeat changes nothing', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 12 }), (sizes) => {
      const report = reportOf(sizes);
      const parts = throughWire(report);
      assert.equal(sorted(joinAll(parts)), sorted(report));
      assert.equal(sorted(joinAll([...parts, ...parts])), sorted(report));
      assert.deepEqual(
        parts.map(isUnfinished),
        parts.map((_, at) => at < parts.length - 1),
      );
    }),
    { numRuns: 60 },
  );
});

test('W-58 HE-4 a part that was lost: no values and a sentence that says so; a repeat brings them', () => {
  const report = reportOf([1_147, 3_000]);
  const parts = throughWire(report);
  assert.ok(parts.length > 3);
  for (const lost of parts.keys()) {
    if (lost === parts.length - 1) continue;
    const rest = parts.filter((_, at) => at !== lost);
    const broken = joinAll(rest);
    assert.deepEqual(broken?.values, []);
    assert.match(broken?.sentence ?? '', /did not all arrive/);
    assert.equal(sorted(joinAll([...rest, ...parts])), sorted(report));
  }
});

test('W-58 HE-4 an answer that takes too many parts stays one record, to be told by its length', () => {
  const record = { kind: 'command', report: reportOf([400_000]) } as const;
  assert.equal(splitRecord(record, MAX_OCTETS).length, 1);
});
