/** A quirk that a profile may name and that nothing acts on would be a promise without a hand. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { QUIRKS } from '../../../src/profile/schema/profile.ts';

const SRC = join(import.meta.dirname, '..', '..', '..', 'src');
const TABLE = join('profile', 'schema', 'profile.ts');

test('something acts on every quirk', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && file !== TABLE,
  );
  const text = files.map((file) => readFileSync(join(SRC, file), 'utf8')).join('\n');
  const idle = Object.keys(QUIRKS).filter((name) => !text.includes(`'${name}'`));
  assert.deepEqual(idle, []);
});
