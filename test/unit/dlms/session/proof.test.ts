/** How proofs of high-level authentication travel: what is one, what is another request, and what no proof is in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../../../../src/base/errors.ts';
import type { Data } from '../../../../src/dlms/axdr/data.ts';
import { LOGICAL_PROOF, type ProofForm, shortProof } from '../../../../src/dlms/session/proof.ts';
import type { Apdu } from '../../../../src/dlms/xdlms/apdu.ts';

const PROOF = Uint8Array.of(1, 2, 3);
const INVOKE_ID = 5;
const FORMS: readonly (readonly [string, ProofForm])[] = [
  ['an ACTION', LOGICAL_PROOF],
  ['a read with a parameter', shortProof('read')],
  ['a write', shortProof('write')],
];
const server = shortProof('read');

for (const [name, form] of FORMS)
  test(`a proof as ${name} is found by the server, and what it answers by the client`, () => {
    const judge = form === LOGICAL_PROOF ? LOGICAL_PROOF : server;
    const request = form.request(PROOF, INVOKE_ID);
    assert.deepEqual(judge.asked(request), PROOF);
    const bringsBack = name !== 'a write';
    assert.deepEqual(form.answered(judge.answer(request, Uint8Array.of(9))), bringsBack ? Uint8Array.of(9) : null);
    assert.throws(
      () => {
        const answer = form.answered(judge.answer(request, null));
        // A write is refused by its result, which the client sees as an error too.
        assert.fail(`taken: ${String(answer)}`);
      },
      (error) => hasCode(error, 'SECURITY_PROOF'),
    );
  });

const octets: Data = { type: 'octet-string', value: PROOF };
const number: Data = { type: 'unsigned', value: 1 };

test('as an ACTION: only reply_to_HLS of the current association is a proof, and only octets are one', () => {
  const request = LOGICAL_PROOF.request(PROOF, INVOKE_ID);
  assert.equal(request.apdu, 'action-request-normal');
  const { method } = request;
  const others = [
    { ...method, classId: 12 },
    { ...method, methodId: 2 },
    { ...method, instanceId: Uint8Array.of(0, 0, 40, 0, 1, 255) },
  ];
  for (const other of others)
    assert.equal(LOGICAL_PROOF.asked({ ...request, method: { ...method, ...other } } as Apdu), undefined);
  assert.equal(LOGICAL_PROOF.asked({ ...request, parameters: number } as Apdu), null);
  assert.equal(LOGICAL_PROOF.asked(server.request(PROOF, INVOKE_ID)), undefined);
});

test('as an ACTION: an answer with a result and nothing else took our proof and gave none', () => {
  const request = LOGICAL_PROOF.request(PROOF, INVOKE_ID);
  const answer = LOGICAL_PROOF.answer(request, PROOF);
  assert.ok(answer.apdu === 'action-response-normal');
  assert.equal(LOGICAL_PROOF.answered({ ...answer, returnParameters: null }), null);
  assert.equal(LOGICAL_PROOF.answered({ ...answer, returnParameters: { data: number } }), null);
});

test('by short names: one item, of the name of the reply, with octets', () => {
  const [read, write] = [shortProof('read').request(PROOF, INVOKE_ID), shortProof('write').request(PROOF, INVOKE_ID)];
  assert.ok(read.apdu === 'read-request' && write.apdu === 'write-request');
  const [item] = read.items;
  assert.ok(item?.kind === 'parameterized');
  assert.equal(server.asked({ ...read, items: [item, item] }), undefined, 'two items');
  assert.equal(server.asked({ ...read, items: [{ ...item, name: item.name + 8 }] }), undefined, 'another name');
  assert.equal(server.asked({ ...read, items: [{ ...item, parameter: number }] }), null, 'no octets');
  assert.equal(server.asked({ ...read, items: [{ kind: 'variable', name: item.name }] }), null, 'no parameter');
  assert.equal(server.asked({ ...write, values: [number] }), null, 'no octets to write');
  assert.equal(
    server.asked({ ...write, items: [...write.items, ...write.items], values: [octets, octets] }),
    undefined,
  );
  assert.equal(server.asked(LOGICAL_PROOF.request(PROOF, INVOKE_ID)), undefined);
});

test('by short names: an answer that is none, or has two results, is no answer to a proof', () => {
  const form = shortProof('read');
  const answer = server.answer(form.request(PROOF, INVOKE_ID), PROOF);
  assert.ok(answer.apdu === 'read-response');
  for (const wrong of [
    { ...answer, items: [] },
    { ...answer, items: [...answer.items, ...answer.items] },
  ])
    assert.throws(
      () => form.answered(wrong),
      (error) => hasCode(error, 'SESSION_ANSWER'),
    );
  for (const [, asks] of FORMS)
    assert.throws(
      () => asks.answered(form.request(PROOF, INVOKE_ID)),
      (error) => hasCode(error, 'SESSION_ANSWER'),
    );
});
