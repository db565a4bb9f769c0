/** The reader of ASCII meters against a simulated one, over a line on which speeds must agree. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { xor8 } from '../../../../src/base/crc.ts';
import { AsciiClient } from '../../../../src/dlms/ascii/client.machine.ts';
import { asciiOctets } from '../../../../src/dlms/ascii/message.ts';
import type { AsciiTask } from '../../../../src/dlms/ascii/task.ts';
import { AsciiPair } from './pair.ts';

const TEXT = '0.0.0(12345678)\r\n1.8.0(000123.456*kWh)\r\n!';
const readOut = () => TEXT;
const READ: AsciiTask = { kind: 'read-out', address: '' };
const rows = (text: string) =>
  text.startsWith('P.01(') ? 'P.01(0260301001500)(00)(15)(1)(1.5.0)(kW)\r\n(0.1)\r\n(0.2)\r\n' : null;
const commands = (name: string, ...texts: string[]): AsciiTask => ({
  kind: 'commands',
  address: '',
  password: null,
  commands: texts.map((text) => ({ name, text })),
});
const codeOf = (event: ReturnType<AsciiPair['run']>) => (event.kind === 'failed' ? event.error.code : event.kind);

for (const mode of ['A', 'B', 'C'] as const)
  test(`mode ${mode}: a data message is read at the speed of the mode`, () => {
    const pair = new AsciiPair({ mode, readOut, offeredBaud: 4_800 });
    const event = pair.run(READ);
    assert.ok(event.kind === 'read', codeOf(event));
    assert.deepEqual(event.texts, [`${TEXT}\r\n`]);
    assert.equal(event.identification.maker, 'DWT');
    const speeds = pair.passed.map((line) => line.split(' ')[0]);
    assert.deepEqual(speeds.at(-1), mode === 'A' ? '<300' : '<4800');
    assert.equal(speeds.filter((speed) => speed === '>300').length, mode === 'C' ? 2 : 1);
  });

test('mode C: a meter that offers more than the head follows is answered with the fastest that it does', () => {
  const pair = new AsciiPair({ readOut, offeredBaud: 19_200 }, { maxBaud: 2_400 });
  assert.equal(pair.run(READ).kind, 'read');
  assert.ok(pair.passed.includes('>300 \x06030\r\n'), pair.passed.join('|'));
});

test('a second read-out waits until the meter is back at its first speed', () => {
  const pair = new AsciiPair({ readOut });
  assert.deepEqual([pair.run(READ).kind, pair.run(READ).kind], ['read', 'read']);
  assert.equal(pair.passed.filter((line) => line.includes('/?!')).length, 2, pair.passed.join('|'));
});

test('a wrong block check is answered with NAK in mode C, and with a new sign-on in modes A and B', () => {
  for (const mode of ['A', 'B', 'C'] as const) {
    const pair = new AsciiPair({ mode, readOut });
    pair.meter.faults.alterMessages = 1;
    const event = pair.run(READ);
    assert.ok(event.kind === 'read', `${mode}: ${codeOf(event)}`);
    const naks = pair.passed.filter((line) => line.endsWith('\x15')).length;
    assert.deepEqual([event.texts, naks], [[`${TEXT}\r\n`], mode === 'C' ? 1 : 0]);
  }
  const broken = new AsciiPair({ readOut });
  broken.meter.faults.alterMessages = 99;
  assert.equal(codeOf(broken.run(READ)), 'IEC_CHECK');
  assert.equal(broken.passed.filter((line) => line.endsWith('\x15')).length, 3 * 2, 'two a sign-on');
});

test('octets that come before the line has the new speed are kept', () => {
  const client = new AsciiClient({ startBaud: 9_600 });
  client.start(READ, 0);
  assert.equal(client.tick(0)[0]?.kind, 'line');
  client.changed(0);
  client.tick(0);
  client.receive(asciiOctets('/DWt5QUICK\r\n'), 20);
  client.tick(40);
  assert.deepEqual(client.takeOutput().at(-1), asciiOctets('\x06050\r\n'));
  const body = asciiOctets(`${TEXT}\r\n\x03`);
  const message = Uint8Array.of(2, ...body, xor8(body));
  // The acknowledgement has hardly left; the drain of 100 ms goes on.
  assert.deepEqual(client.receive(message.subarray(0, 20), 60), []);
  assert.deepEqual(client.receive(message.subarray(20), 90), []);
  assert.equal(client.tick(200)[0]?.kind, 'line');
  const [event] = client.changed(200);
  assert.ok(event?.kind === 'read');
  assert.deepEqual(event.texts, [`${TEXT}\r\n`]);
});

test('programming mode: password, R5 in one piece, R6 in parts, and a break at the end', () => {
  const options = { password: '0000', answer: rows, partCharacters: 20, address: '77' };
  for (const name of ['R5', 'R6']) {
    const pair = new AsciiPair(options);
    const event = pair.run({ ...commands(name, 'P.01(;)'), address: '0077', password: '0000' } as AsciiTask);
    assert.ok(event.kind === 'read', codeOf(event));
    assert.deepEqual(event.texts, [rows('P.01(;)')]);
    assert.equal(pair.passed.at(-1), '>9600 \x01B0\x03q');
    assert.equal(pair.passed.filter((line) => line === '>9600 \x06').length, name === 'R6' ? 2 : 0);
  }
});

test('a meter says no: to a password, to what it does not have, to programming in mode A', () => {
  const wrong = { ...commands('R5', 'P.01(;)'), password: '1111' } as AsciiTask;
  assert.equal(codeOf(new AsciiPair({ password: '0000', answer: rows }).run(wrong)), 'IEC_PASSWORD');
  assert.equal(codeOf(new AsciiPair({ answer: rows }).run(commands('R5', 'P.77(;)'))), 'IEC_REFUSED');
  assert.equal(codeOf(new AsciiPair({ mode: 'A', answer: rows }).run(commands('R5', 'P.01(;)'))), 'IEC_REFUSED');
});

test('a meter left in a session is told to end it at the speeds that it may have, and is read', () => {
  const pair = new AsciiPair({ readOut, inactivityMs: 120_000 });
  pair.meter.hang(0);
  assert.equal(pair.run(READ).kind, 'read');
  assert.ok(pair.passed.some((line) => line === '>300 \x01B0\x03q'));
  assert.ok(pair.nowMs < 20_000, `${pair.nowMs} ms`);
});

test('nobody, or somebody else: silence and noise are told apart, after three requests', () => {
  const dead = new AsciiPair({ readOut });
  dead.meter.isDead = true;
  assert.equal(codeOf(dead.run(READ)), 'IEC_NO_ANSWER');
  assert.equal(dead.passed.filter((line) => line.includes('/?!')).length, 3);
  const other = new AsciiPair({ readOut, address: '5' });
  assert.equal(codeOf(other.run({ kind: 'read-out', address: '6' })), 'IEC_NO_ANSWER');
  const fast = new AsciiPair({ readOut, startBaud: 300 }, { startBaud: 9_600 });
  assert.equal(codeOf(fast.run(READ)), 'IEC_NO_ANSWER', 'it does not hear a request at another speed');
  const lost = new AsciiPair({ readOut });
  lost.meter.faults.loseAnswers = 1;
  assert.equal(lost.run(READ).kind, 'read');
});
