/** Writes test/vectors/blocks.json, the golden blocks of docs/formats/block.md. Run it only when the format changes. */
import { writeFileSync } from 'node:fs';
import { makeBlockVectors } from '../test/support/block-vectors.ts';

writeFileSync(
  new URL('../test/vectors/blocks.json', import.meta.url),
  `${JSON.stringify(makeBlockVectors(), null, 1)}\n`,
);
