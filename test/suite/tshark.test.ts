/**
 * HE-7: sessions of our own client and server as Wireshark sees them. Its release in Debian has no dissector for DLMS: what it knows
 * are TCP and the BER of AARQ and AARE, so these are compared with `explain`, field by field.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { concat, fromHex, toHex } from '../../src/base/bytes.ts';
import { explain } from '../../src/dlms/explain/explain.ts';
import type { MeterRequest } from '../../src/dlms/session/request.ts';
import { decodeApdu } from '../../src/dlms/xdlms/codec.ts';
import { LINK_TYPE, pcapOf, tcpPackets } from '../support/pcap.ts';
import { register } from '../unit/dlms/session/bench-meter.ts';
import { PASSWORD, Pair } from '../unit/dlms/session/pair.ts';

const TSHARK = spawnSync('tshark', ['--version'], { encoding: 'utf8' });
const missing = TSHARK.error === undefined ? false : 'tshark is not installed';
const PORT = 4_059;
const READ: MeterRequest = { service: 'get', items: [register(7)] };

const folder = mkdtempSync(join(tmpdir(), 'deltawatt-tshark-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** What tshark says of a capture. */
function tshark(name: string, octets: Uint8Array, ...args: readonly string[]): string {
  const file = join(folder, `${name}.pcap`);
  writeFileSync(file, octets);
  const { status, stdout, stderr } = spawnSync('tshark', ['-r', file, ...args], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout;
}

interface Piece {
  readonly from: 'client' | 'server';
  readonly octets: Uint8Array;
}

/** A whole session of one client, with every piece that was said. */
function recorded(sap: number): Piece[] {
  const pieces: Piece[] = [];
  const pair = new Pair({
    framing: 'wrapper',
    sap,
    ...(sap === 16 ? { client: { authentication: { mechanism: 'none' } } } : {}),
  });
  for (const [end, from] of [
    [pair.client, 'client'],
    [pair.server, 'server'],
  ] as const) {
    const take = end.takeOutput.bind(end);
    end.takeOutput = () => {
      const output = take();
      for (const octets of output) pieces.push({ from, octets: octets.slice() });
      return output;
    };
  }
  assert.ok(pair.connect());
  assert.equal(pair.ask(READ).kind, 'answered');
  pair.release();
  return pieces;
}

test('HE-7 TCP: the octets that Wireshark joins are the frames that explain shows', { skip: missing }, () => {
  const pieces = recorded(1);
  const said = tshark(
    'tcp',
    pcapOf(LINK_TYPE.rawIp, tcpPackets(pieces, PORT)),
    '-T',
    'fields',
    '-e',
    'tcp.payload',
    '-e',
    'tcp.dstport',
  );
  const lines = said
    .trim()
    .split('\n')
    .map((line) => line.split('\t'));
  assert.deepEqual(
    lines.map(([hex, port]) => [hex?.replaceAll(':', ''), port]),
    pieces.map(({ from, octets }) => [toHex(octets), from === 'client' ? String(PORT) : '50000']),
  );
  for (const from of ['client', 'server'] as const) {
    const stream = concat(pieces.filter((piece) => piece.from === from).map(({ octets }) => octets));
    const { link } = explain(stream, { layer: 'wrapper' });
    const seen = lines.flatMap(([hex, port]) => ((port === String(PORT)) === (from === 'client') ? [hex ?? ''] : []));
    assert.equal(link.length, seen.length, 'a frame a piece');
    assert.deepEqual(
      link.map(({ apduHex }) => apduHex),
      seen.map((hex) => hex.replaceAll(':', '').slice(16)),
    );
  }
});

/** The lines of Wireshark's BER tree of one APDU each, without the frames around them. */
function berOf(name: string, apdus: readonly Uint8Array[]): string[] {
  const dissector = 'uat:user_dlts:"User 0 (DLT=147)","ber","0","","0",""';
  const text = tshark(name, pcapOf(LINK_TYPE.user0, apdus), '-o', dissector, '-V');
  return text
    .split(/^DLT: 147.*\n/m)
    .slice(1)
    .map((frame) => frame.split(/\n\nFrame /)[0] ?? '');
}

for (const [sap, words] of [
  [1, 'a password'],
  [16, 'the public client'],
] as const) {
  test(`HE-7 AARQ and AARE of ${words}: the BER tree of Wireshark says what explain says`, { skip: missing }, () => {
    const apdus = recorded(sap)
      .map(({ octets }) => octets.subarray(8))
      .filter((octets) => [0x60, 0x61].includes(octets.at(0) ?? 0));
    const [asked = '', answered = ''] = berOf(`acse-${sap}`, apdus);
    const [aarq, aare] = apdus.map((octets) => decodeApdu(octets));
    assert.ok(aarq?.apdu === 'aarq' && aare?.apdu === 'aare');
    assert.match(asked, /^\[APPLICATION 0\]/);
    assert.match(asked, new RegExp(`\\[CONTEXT 1\\]\\s+OID: 2\\.16\\.756\\.5\\.8\\.1\\.${aarq.applicationContext} `));
    assert.match(asked, new RegExp(`\\[CONTEXT 30\\]\\s+OCTETSTRING: ${toHex(aarq.userInformation ?? PASSWORD)}`));
    if (aarq.mechanism === null) assert.doesNotMatch(asked, /\[CONTEXT 11\]/);
    else {
      assert.match(asked, new RegExp(`\\[CONTEXT 11\\] 608574050802${toHex(Uint8Array.of(aarq.mechanism))}`));
      assert.match(
        asked,
        new RegExp(`\\[CONTEXT 12\\]\\s+\\[CONTEXT 0\\] ${toHex(aarq.callingAuthenticationValue ?? fromHex('00'))}`),
      );
    }
    assert.match(answered, /^\[APPLICATION 1\]/);
    assert.match(answered, new RegExp(`\\[CONTEXT 2\\]\\s+INTEGER: ${aare.result}`));
    assert.match(answered, new RegExp(`\\[CONTEXT 3\\]\\s+\\[CONTEXT 1\\]\\s+INTEGER: ${aare.diagnostic.code}`));
    assert.match(answered, new RegExp(`\\[CONTEXT 30\\]\\s+OCTETSTRING: ${toHex(aare.userInformation ?? PASSWORD)}`));
    const shown = explain(apdus[0] ?? PASSWORD, { layer: 'apdu' }).tree[0];
    assert.equal(shown?.name, 'aarq');
  });
}
