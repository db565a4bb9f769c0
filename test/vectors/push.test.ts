/** Pushes of real meters, from the line to named readings: what `explain --json` prints is what the vectors expect. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { concat, fromHex, toHex } from '../../src/base/bytes.ts';
import { explain, layerOf } from '../../src/dlms/explain/explain.ts';
import type { Opener } from '../../src/dlms/explain/message.ts';
import { openWith } from '../../src/dlms/security/opener.ts';
import { SecretKey } from '../../src/dlms/security/secret-key.ts';
import { decodeApdu, encodeApdu } from '../../src/dlms/xdlms/codec.ts';
import { vectors } from './vector.ts';

interface MessageOf {
  readonly apduHex: string;
  readonly plaintextHex?: string;
}

interface PushOf {
  readonly link?: unknown;
  readonly messages: readonly MessageOf[];
}

const captures = vectors<PushOf>('push-captures');

for (const capture of captures) {
  const published = capture.context?.['encryptionKey'];
  const open: Opener = (apdu) =>
    published === undefined
      ? null
      : openWith(apdu, { encryption: SecretKey.fromHex(published), authentication: null, title: null });

  test(`HE-7 interop 16: push ${capture.id}: link, header, body, layout and readings`, () => {
    const octets = fromHex(capture.hex);
    assert.equal(layerOf(octets), capture.layer);
    const explained = explain(octets, { open });
    assert.deepEqual(explained.messages, capture.expect.messages);
    if (capture.expect.link !== undefined) assert.deepEqual(explained.link, capture.expect.link);
  });

  test(`HE-7 push ${capture.id}: every node stands where it says`, () => {
    const explained = explain(fromHex(capture.hex), { open });
    // Joined messages count from their own start; frames and bare APDUs from the start of the capture.
    const nodes = explained.tree.filter((node) => !node.name.startsWith('message'));
    assert.ok(nodes.length > 0);
    for (const [node, hex] of nodes.flatMap((root) => withHex(root, capture.hex))) {
      assert.equal(hex.slice((node.offset ?? 0) * 2, (node.offset ?? 0) * 2 + node.hex.length), node.hex, node.name);
    }
    for (const message of explained.tree.filter((node) => node.name.startsWith('message'))) {
      for (const [node, hex] of withHex(message, message.hex)) {
        assert.equal(hex.slice((node.offset ?? 0) * 2, (node.offset ?? 0) * 2 + node.hex.length), node.hex, node.name);
      }
    }
  });
}

type Node = ReturnType<typeof explain>['tree'][number];

function withHex(node: Node, hex: string): [Node, string][] {
  const own: [Node, string][] = node.offset === null ? [] : [[node, hex]];
  return [...own, ...node.children.flatMap((child) => withHex(child, hex))];
}

test('HE-7 the APDU of every capture, and of every published plaintext, encodes to the same octets', () => {
  for (const { id, expect } of captures) {
    for (const hex of expect.messages.flatMap(({ apduHex, plaintextHex }) => [apduHex, plaintextHex ?? []].flat())) {
      assert.equal(toHex(encodeApdu(decodeApdu(fromHex(hex)))), hex, id);
    }
  }
});

test('HE-7 the captures are 37, and 34 of them say what was measured', () => {
  assert.equal(captures.length, 37);
  const told = captures.filter(({ expect }) => expect.messages.some((message) => 'readings' in message));
  assert.equal(told.length, 34);
});

test('HE-7 a capture behind line noise is found all the same', () => {
  const [capture] = captures.filter((row) => row.id === 'kaifa-no-hdlc-13items-1');
  assert.ok(capture);
  const noise = Uint8Array.of(0x00, 0x55, 0x7e, 0x13, 0xc4);
  const explained = explain(concat([noise, fromHex(capture.hex)]));
  assert.equal(explained.layer, 'hdlc');
  assert.deepEqual(explained.messages, capture.expect.messages);
});

const LAYERS = [
  ['apdu', 'apdu'],
  ['wrapper', 'wrapper'],
  ['hdlc', 'hdlc'],
] as const;

for (const [file, layer] of LAYERS) {
  test(`HE-7 the layer of every ${file} vector is found`, () => {
    for (const vector of vectors(file, layer)) assert.equal(layerOf(fromHex(vector.hex)), layer, vector.id);
  });
}
