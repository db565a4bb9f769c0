import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { makeBlockVectors } from '../../support/block-vectors.ts';
import { makeExamples } from '../../support/document-examples.ts';

const root = new URL('../../../', import.meta.url);
const vectorsPath = fileURLToPath(new URL('test/vectors/blocks.json', root));

function readVectors(): unknown {
  return JSON.parse(readFileSync(vectorsPath, 'utf8'));
}

test('W-12 the format is that of the golden blocks', () => {
  assert.deepEqual(makeBlockVectors(), readVectors());
});

/** Octets of the fenced example of this name; what stands behind two blanks on a line is a remark. */
function exampleOf(document: string, name: string): string {
  const fence = new RegExp(`\`\`\`hex ${name}\\n([\\s\\S]*?)\`\`\``).exec(document);
  assert.ok(fence, `an example named '${name}'`);
  const lines = (fence[1] ?? '').split('\n').map((line) => /^(?:[0-9a-f]{2} ?)*/.exec(line)?.[0] ?? '');
  return toHex(fromHex(lines.join('')));
}

test('the worked hex of the documents is what the code makes', () => {
  const documents = ['block', 'wire']
    .map((name) => readFileSync(new URL(`docs/formats/${name}.md`, root), 'utf8'))
    .join('\n');
  const examples = makeExamples();
  for (const [name, octets] of examples) assert.equal(exampleOf(documents, name), toHex(octets), name);
  const named = [...documents.matchAll(/```hex (.*)\n/g)].map((match) => match[1]);
  assert.deepEqual(new Set(named), new Set(examples.keys()), 'every example is checked');
});
