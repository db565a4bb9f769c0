/** What an electricity meter says of the meters on its M-Bus, read without one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Data } from '../../../src/dlms/axdr/data.ts';
import { captureObjectsData } from '../../../src/dlms/cosem/capture-object.ts';
import { parseObis } from '../../../src/dlms/cosem/obis.ts';
import { scalerUnitData } from '../../../src/dlms/cosem/units.ts';
import {
  captureTimeRequests,
  channelRequests,
  channelSight,
  columnsInChannel,
  inChannel,
  wrongUnits,
} from '../../../src/profile/sub-meter.ts';
import { profileOf } from '../edge/bus.ts';

const GAS = profileOf('generic/mbus-gas');
const u8 = (value: number): Data => ({ type: 'unsigned', value });
const u16 = (value: number): Data => ({ type: 'long-unsigned', value });
const u32 = (value: number): Data => ({ type: 'double-long-unsigned', value });

test('a channel is asked for its client and for the unit of each register, in that channel', () => {
  const asked = channelRequests(GAS, 3).map(({ classId, obis, attribute }) => `${classId} ${obis} ${attribute}`);
  const client = [6, 7, 8, 9, 11].map((attribute) => `72 0-3:24.1.0*255 ${attribute}`);
  assert.deepEqual(asked, [...client, '4 0-3:24.2.1*255 3']);
  assert.deepEqual(
    captureTimeRequests(GAS, GAS.registers).map(({ attribute }) => attribute),
    [5],
  );
  assert.deepEqual(captureTimeRequests(profileOf('generic/idis'), GAS.registers), []);
});

test('class 72 writes a number as digits (version 0) or as a number (version 1); leading zeros stay', () => {
  const answers = [u32(0x00345678), u16(0x2c2d), u8(1), u8(3), u8(4)];
  const identity = { manufacturer: 0x2c2d, version: 1, deviceType: 3 };
  assert.deepEqual(channelSight({ channels: 4, identification: 'bcd' }, answers), {
    identity: { ...identity, number: '00345678' },
    status: 4,
  });
  const numbers = [u32(345_678), ...answers.slice(1, 4)];
  assert.deepEqual(channelSight({ channels: 4, identification: 'number' }, numbers), {
    identity: { ...identity, number: '00345678' },
    status: null,
  });
});

test('an empty channel, one that is refused and one that holds something else have nobody in them', () => {
  const rule = { channels: 4, identification: 'number' } as const;
  assert.equal(channelSight(rule, [u32(0), u16(0), u8(0), u8(0), u8(0)]), null);
  assert.equal(channelSight(rule, [null, null, null, null, null]), null);
  assert.equal(channelSight(rule, []), null);
  assert.equal(channelSight(rule, [{ type: 'visible-string', value: '1' }, u16(1), u8(1), u8(3)]), null);
});

test('units are compared; one that is not told is not wrong', () => {
  const head = [null, null, null, null, null];
  const unit = (code: number): Data => scalerUnitData({ scaler: -3, unit: code });
  assert.deepEqual(wrongUnits(GAS, [...head, unit(13)]), []);
  assert.deepEqual(wrongUnits(GAS, head), []);
  assert.deepEqual(wrongUnits(GAS, [...head, u8(1)]), []);
  assert.deepEqual(wrongUnits(GAS, [...head, unit(30)]), ['volume counts in Wh, its profile says m3']);
  assert.deepEqual(wrongUnits(GAS, [...head, unit(255)]), ['volume counts in no unit, its profile says m3']);
});

test('channel 1 and the channel change places, both ways; other objects stay', () => {
  const columns = (...codes: string[]): Data =>
    captureObjectsData(
      codes.map((code) => ({ classId: 4, instanceId: parseObis(code), attributeId: 2, dataIndex: 0 })),
    );
  for (const [from, to] of [
    ['0-1:24.2.1', '0-3:24.2.1'],
    ['0-3:24.2.1', '0-1:24.2.1'],
    ['0-2:24.2.1', '0-2:24.2.1'],
    ['0-0:1.0.0', '0-0:1.0.0'],
    ['1-1:1.8.0', '1-1:1.8.0'],
  ] as const) {
    assert.equal(inChannel(parseObis(from), 3), parseObis(to));
    assert.deepEqual(columnsInChannel(columns(from), 3), columns(to));
  }
  assert.equal(inChannel(parseObis('0-1:24.2.1'), 1), parseObis('0-1:24.2.1'));
});
