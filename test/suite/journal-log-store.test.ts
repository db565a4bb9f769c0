import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openLogStore } from '../../src/host/log-store.ts';
import { journalSuite } from './journal.ts';

const folder = mkdtempSync(join(tmpdir(), 'deltawatt-journal-log-'));
after(() => rmSync(folder, { recursive: true, force: true }));

journalSuite('append log', (name) => openLogStore(join(folder, name)));
