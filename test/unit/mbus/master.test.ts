/** The master against simulated meters on one piece of wire: read-outs, repeats, several telegrams, selection and search. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTROL, decodeLinkFrame, FRAME_COUNT_BIT } from '../../../src/mbus/frame.ts';
import { identityText, type MbusIdentity } from '../../../src/mbus/identity.ts';
import { type MbusEvent, MbusMaster, type MbusTarget } from '../../../src/mbus/master.machine.ts';
import { vifFor } from '../../../src/mbus/quantity.ts';
import { type MbusRecord, recordQuantity, recordValue } from '../../../src/mbus/record.ts';
import { MbusSearch } from '../../../src/mbus/search.ts';
import { MbusSegment } from '../../../src/sim/mbus/segment.machine.ts';
import { MbusSlave } from '../../../src/sim/mbus/slave.ts';

const OCTET_MS = 11_000 / 2_400;

function volume(litres: number): MbusRecord {
  const vif = vifFor({ name: 'volume', unit: 'm3', exponent: -3 }) ?? assert.fail();
  const which = { function: 'instantaneous', storage: 0, tariff: 0, subunit: 0 } as const;
  const data = new Uint8Array(4);
  new DataView(data.buffer).setInt32(0, litres, true);
  return { coding: 4, ...which, vif, unitText: null, length: null, data };
}

function identityOf(number: string, deviceType = 0x07): MbusIdentity {
  return { number, manufacturer: 0x2c2d, version: 1, deviceType };
}

function slaveOf(primary: number, number: string, telegrams: readonly (readonly number[])[]): MbusSlave {
  const readout = () => telegrams.map((litres) => ({ records: litres.map(volume), makersData: null }));
  return new MbusSlave({ primary, identity: identityOf(number), readout });
}

/** A master and its wire, their clock, and every C field that the master sent. */
function bench(slaves: readonly MbusSlave[]) {
  const master = new MbusMaster({ octetMs: OCTET_MS, gapMs: 50 });
  const segment = new MbusSegment(slaves, 50);
  const sent: number[] = [];
  let nowMs = 0;
  const read = (target: MbusTarget): MbusEvent => {
    master.read(target, nowMs);
    const events: MbusEvent[] = [];
    while (master.isBusy) {
      for (const octets of master.takeOutput()) {
        const decoded = decodeLinkFrame(octets);
        if (decoded !== null && decoded.frame.kind !== 'acknowledge') sent.push(decoded.frame.control);
        nowMs += octets.length * OCTET_MS;
        segment.receive(octets, nowMs);
      }
      const answers = segment.takeOutput();
      // Octet by octet: any split gives the same.
      for (const octet of answers.flatMap((answer) => [...answer])) {
        nowMs += OCTET_MS;
        events.push(...master.receive(Uint8Array.of(octet), nowMs));
      }
      if (answers.length > 0 || !master.isBusy) continue;
      nowMs = Math.max(nowMs, master.deadlineMs() ?? nowMs);
      events.push(...master.tick(nowMs));
      segment.tick(nowMs);
    }
    assert.equal(events.length, 1);
    return events[0] ?? assert.fail();
  };
  return { read, segment, sent };
}

function litresOf(event: MbusEvent): readonly unknown[] {
  assert.ok(event.kind === 'read', JSON.stringify(event));
  return event.telegrams.flatMap(({ records }) =>
    records.map((record) => {
      const value = recordValue(record);
      assert.equal(recordQuantity(record).unit, 'm3');
      return value.kind === 'integer' ? value.value : value;
    }),
  );
}

test('a meter is read by its primary address, and one that is not there is told as silent after three tries', () => {
  const { read, sent } = bench([slaveOf(5, '12345678', [[4711]])]);
  assert.deepEqual(litresOf(read({ primary: 5 })), [4711]);
  assert.deepEqual(sent, [CONTROL.initialize, CONTROL.requestData | FRAME_COUNT_BIT]);
  const event = read({ primary: 6 });
  assert.ok(event.kind === 'failed' && event.error.code === 'MBUS_NO_ANSWER' && !event.wasHeard);
  assert.equal(sent.length, 5);
});

test('several telegrams come one after the other, the frame count bit turning; a lost or altered answer costs none of them', () => {
  for (const fault of ['loseAnswers', 'alterAnswers'] as const) {
    const { read, segment, sent } = bench([slaveOf(5, '12345678', [[1, 2], [3], [4]])]);
    const whole = litresOf(read({ primary: 5 }));
    assert.deepEqual(whole, [1, 2, 3, 4]);
    const bits = sent.slice(1).map((control) => control & FRAME_COUNT_BIT);
    assert.deepEqual(bits, [FRAME_COUNT_BIT, 0, FRAME_COUNT_BIT]);
    segment.faults[fault] = 2;
    assert.deepEqual(litresOf(read({ primary: 5 })), whole, fault);
  }
});

test('a meter is read by its identity, whatever its primary address; whoever was selected before keeps silent', () => {
  const { read } = bench([slaveOf(0, '12345678', [[1]]), slaveOf(0, '12345679', [[2]])]);
  assert.deepEqual(litresOf(read({ secondary: identityOf('12345679') })), [2]);
  assert.deepEqual(litresOf(read({ secondary: identityOf('12345678') })), [1]);
  const event = read({ secondary: identityOf('12345678', 0x04) });
  assert.ok(event.kind === 'failed' && event.error.code === 'MBUS_NO_ANSWER');
});

test('a search finds every meter on the wire, those that differ in the last digit too, and asks little for them', () => {
  const numbers = ['00000001', '10000000', '10000001', '98765432', '98765439'];
  const { read, sent } = bench(numbers.map((number, at) => slaveOf(at, number, [[1_234_567 * (at + 1)]])));
  const search = new MbusSearch();
  for (let next = search.next; next !== null; next = search.next) {
    const event = read({ secondary: next });
    if (event.kind === 'read') search.tell({ kind: 'one', identity: event.telegrams[0]?.identity ?? null });
    else search.tell({ kind: event.wasHeard ? 'several' : 'none' });
  }
  assert.deepEqual(
    search.found.map(identityText),
    numbers.map((number) => `KAM.${number}.01.07`),
  );
  assert.deepEqual(search.doubled, []);
  assert.ok(sent.length < 2_000, `${sent.length} requests`);
});

test('two meters with one number are told apart from a meter that is found', () => {
  const { read } = bench([slaveOf(1, '12345678', [[123_456]]), slaveOf(2, '12345678', [[987_654]])]);
  const search = new MbusSearch();
  for (let next = search.next; next !== null; next = search.next) {
    const event = read({ secondary: next });
    search.tell(
      event.kind === 'read' ? { kind: 'one', identity: null } : { kind: event.wasHeard ? 'several' : 'none' },
    );
  }
  assert.deepEqual(search.doubled, ['12345678']);
});

test('answers that add up to one of a meter that is not there are not taken for a meter', () => {
  // 98765432 and 98765439 lie over one another as 98765430, checksum and all.
  const numbers = ['98765432', '98765439'];
  const { read } = bench(numbers.map((number, at) => slaveOf(at + 3, number, [[at + 3]])));
  const search = new MbusSearch();
  const seen: string[] = [];
  for (let next = search.next; next !== null; next = search.next) {
    const event = read({ secondary: next });
    const identity = event.kind === 'read' ? (event.telegrams[0]?.identity ?? null) : null;
    if (identity !== null) seen.push(identity.number);
    if (event.kind === 'read') search.tell({ kind: 'one', identity });
    else search.tell({ kind: event.wasHeard ? 'several' : 'none' });
  }
  assert.equal(seen[0], '98765430');
  assert.deepEqual(
    search.found.map(({ number }) => number),
    numbers,
  );
});

test('a broken meter is silent, and its neighbours answer', () => {
  const dead = slaveOf(1, '11111111', [[1]]);
  dead.isDead = true;
  const { read } = bench([dead, slaveOf(2, '22222222', [[2]])]);
  assert.equal(read({ primary: 1 }).kind, 'failed');
  assert.deepEqual(litresOf(read({ primary: 2 })), [2]);
});
