import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openLevelStore } from '../../src/host/level-store.ts';
import { journalSuite } from './journal.ts';

const folder = mkdtempSync(join(tmpdir(), 'deltawatt-journal-'));
after(() => rmSync(folder, { recursive: true, force: true }));

journalSuite('LevelDB', (name) => openLevelStore(join(folder, name)));
