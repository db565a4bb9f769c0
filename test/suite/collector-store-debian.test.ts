import { existsSync } from 'node:fs';
import { collectorStoreSuite } from './collector-store.ts';
import { startPostgres } from './postgres-under-test.ts';

const FOLDER = '/usr/lib/postgresql/15/bin';
const skip = existsSync(`${FOLDER}/postgres`) ? false : `${FOLDER} is not installed`;
collectorStoreSuite("Debian's PostgreSQL 15", () => startPostgres({ folder: FOLDER }), { durable: true, skip });
