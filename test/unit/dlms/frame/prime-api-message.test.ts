/** Messages of a PRIME base node modem: golden frames both ways, refusals with their offsets, the list of nodes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { concat, fromHex, toHex } from '../../../../src/base/bytes.ts';
import {
  decodePrimeApi,
  encodePrimeApi,
  PRIME_NETWORK_EVENT,
  PRIME_NODE_LIST,
  PRIME_TX_STATUS,
  type PrimeApiMessage,
  type PrimeApiSender,
  primeNodesIn,
} from '../../../../src/dlms/frame/prime-api-message.ts';
import { FrameScanner } from '../../../../src/dlms/frame/scanner.ts';
import { encodeUsi, USI_PROTOCOL, type UsiFrame, usiRule } from '../../../../src/dlms/frame/usi-frame.ts';
import { refusal, shownMessage } from '../../../support/refusal.ts';

interface Vector {
  readonly id: string;
  readonly hex: string;
  readonly expect: { readonly sender: PrimeApiSender; readonly message: Readonly<Record<string, unknown>> };
}

const VECTORS = JSON.parse(readFileSync('test/vectors/prime-api.json', 'utf8')) as readonly Vector[];
const protocol = USI_PROTOCOL.primeApi;
const NODE = '0007 5a495630303430333138313330 000000 0d 4040226734b2'.replaceAll(' ', '');

function payloads(chunks: readonly Uint8Array[]): Uint8Array[] {
  const scanner = new FrameScanner<UsiFrame>([usiRule(protocol)], Number.POSITIVE_INFINITY);
  return chunks.flatMap((chunk) =>
    scanner.receive(chunk, 0).map((event) => {
      assert(event.kind === 'frame', `${event.kind} in a good stream`);
      return event.frame.payload;
    }),
  );
}

const said = (hex: string, sender: PrimeApiSender = 'modem') => refusal(() => decodePrimeApi(fromHex(hex), sender));
const listed = (hex: string) => refusal(() => primeNodesIn(fromHex(hex)));

test('every vector is decoded whole and octet by octet, and encoded to the same octets', () => {
  assert.equal(VECTORS.length, 11);
  for (const { id, hex, expect } of VECTORS) {
    const octets = fromHex(hex);
    for (const chunks of [[octets], Array.from(octets, (octet) => Uint8Array.of(octet))]) {
      const messages = payloads(chunks).map((payload) => decodePrimeApi(payload, expect.sender));
      assert.deepEqual(messages.map(shownMessage), [expect.message], id);
      const again = messages.map((message) => toHex(encodeUsi({ protocol, payload: encodePrimeApi(message) })));
      assert.deepEqual(again, [hex], id);
    }
  }
});

test('a message cut at any octet, or with one too many, is refused', () => {
  for (const { id, hex, expect } of VECTORS.filter((row) => row.expect.message.kind !== 'other')) {
    const [payload] = payloads([fromHex(hex)]);
    assert(payload);
    for (let end = 1; end < payload.length; end++)
      assert.match(
        refusal(() => decodePrimeApi(payload.subarray(0, end), expect.sender)),
        /^DLMS_TRUNCATED offset \d+:/,
        `${id} cut at ${end}`,
      );
    assert.match(said(`${toHex(payload)}00`, expect.sender), /^DLMS_TRAILING offset \d+: 1 octets after/, id);
  }
});

test('the names of attributes, events and outcomes are those of the golden frames', () => {
  const golden = (id: string) => VECTORS.find((row) => row.id === `prime-api-${id}`)?.expect.message;
  assert.equal(golden('list')?.attribute, PRIME_NODE_LIST);
  assert.equal(golden('reboot')?.event, PRIME_NETWORK_EVENT.reboot);
  assert.equal(golden('data-confirm')?.status, PRIME_TX_STATUS.success);
});

test('a command means something only from the side that sends it', () => {
  const fromHost = decodePrimeApi(fromHex('3b0007'), 'host');
  assert.deepEqual(fromHost, { kind: 'other', command: 0x3b, octets: fromHex('0007') });
  assert.equal(decodePrimeApi(fromHex('2f8250'), 'modem').kind, 'other');
});

test('a DLMS id that is empty, too long or not printable is refused in a join and not sent', () => {
  const tail = '00074040226734b2000000';
  assert.equal(said(`3a00${tail}`), 'DLMS_LENGTH offset 1: a DLMS id of 0 octets');
  assert.equal(said(`3a11${'41'.repeat(17)}${tail}`), 'DLMS_LENGTH offset 1: a DLMS id of 17 octets');
  assert.equal(said(`3a024120${tail}`), 'DLMS_SHAPE offset 2: the DLMS id is not printable ASCII');
  assert.equal(said(`3a10${'41'.repeat(16)}${tail}`), 'taken');
  const join = { kind: 'join', address: 7, eui48: '4040226734B2', filler: 0, security: 0 } as const;
  const sending = (serial: string) => refusal(() => encodePrimeApi({ ...join, serial }));
  assert.equal(sending('A'.repeat(16)), 'taken');
  for (const serial of ['', 'A'.repeat(17), 'A B'])
    assert.match(sending(serial), /^DLMS_VALUE offset 1: .* no DLMS id/);
});

test('what does not fit its field is not sent', () => {
  const sending = (message: PrimeApiMessage) => refusal(() => encodePrimeApi(message));
  assert.equal(sending({ kind: 'leave', address: 0xffff }), 'taken');
  assert.equal(sending({ kind: 'leave', address: 0x1_0000 }), 'DLMS_VALUE offset 1: address does not fit');
  const join = { kind: 'join', serial: 'A', address: 7, eui48: '4040226734b2', filler: 0, security: 0 } as const;
  assert.equal(sending(join), 'DLMS_VALUE offset 5: eui48 does not fit');
  assert.equal(sending({ ...join, eui48: '0011223344556677' }), 'DLMS_VALUE offset 5: eui48 does not fit');
});

test('the list gives address, id and EUI-48 of each meter, and leaves out the connection for all', () => {
  const all = `0fff${'00'.repeat(23)}`;
  const second = NODE.replace(/^0007/, '0ffd');
  const nodes = primeNodesIn(concat([NODE, all, `0ffe${'00'.repeat(23)}`, second].map(fromHex)));
  const node = { address: 7, serial: 'ZIV0040318130', eui48: '4040226734B2' };
  assert.deepEqual(nodes, [node, { ...node, address: 0x0ffd }]);
  assert.deepEqual(primeNodesIn(new Uint8Array(0)), []);
});

test('a list of broken records is refused with its offset', () => {
  assert.equal(listed(NODE.slice(2)), 'DLMS_LENGTH offset 0: 24 octets are no records of 25');
  const idOf = (length: string) => NODE.replace('0000000d', `000000${length}`);
  assert.equal(listed(NODE + idOf('00')), 'DLMS_LENGTH offset 43: a DLMS id of 0 octets');
  assert.equal(listed(idOf('11')), 'DLMS_LENGTH offset 18: a DLMS id of 17 octets');
  assert.equal(listed(NODE + idOf('0e')), 'DLMS_SHAPE offset 27: the DLMS id is not printable ASCII');
});
