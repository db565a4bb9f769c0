/** A process that opens a private cluster, prints the server's process id, and waits to be ended: for cluster.test.ts. */
import { SILENT_LOG } from '../../src/base/log.ts';
import type { BinariesChoice } from '../../src/collector/store/cluster/binaries.ts';
import { openCluster } from '../../src/collector/store/cluster/cluster.ts';
import { probeServer } from '../../src/collector/store/database.ts';
import { createProcessHost } from '../../src/host/process.ts';
import { realTimers } from './real-timers.ts';

const [stateFolder = '', binaries = '"auto"', programsFolder = ''] = process.argv.slice(2);
const cluster = await openCluster(
  { stateFolder, binaries: JSON.parse(binaries) as BinariesChoice, programsFolder },
  { host: createProcessHost(), timers: realTimers, log: SILENT_LOG, probe: probeServer },
);
process.stdout.write(`${cluster.pid}\n`);
