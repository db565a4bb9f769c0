/** Memory lines on a virtual clock, and the meter of the session tests at their other end. */

import type { ByteDuplex } from '../../../src/base/env.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { HdlcServer } from '../../../src/dlms/frame/hdlc-server.machine.ts';
import { WrapperServer } from '../../../src/dlms/frame/wrapper.machine.ts';
import { ServerSession } from '../../../src/dlms/session/server.machine.ts';
import { VirtualClock } from '../../../src/lab/virtual-clock.ts';
import { LineDriver } from '../../../src/link/drive.ts';
import { MemoryLines } from '../../../src/link/memory.ts';
import { BenchMeter } from '../dlms/session/bench-meter.ts';
import { PASSWORD } from '../dlms/session/pair.ts';

/** A world of one clock. */
export class World {
  readonly timers = new VirtualClock();
  readonly clock = { nowMs: () => this.timers.nowMs, monotonicMs: () => this.timers.nowMs };
  readonly random: SeededRandom;
  readonly lines: MemoryLines;

  constructor(seed = 1) {
    this.random = new SeededRandom(seed);
    this.lines = new MemoryLines(this);
  }

  /** Lets time pass until the promise is settled, an hour at most. */
  async settle<Value>(promise: Promise<Value>): Promise<Value> {
    let pending = true;
    const done = () => {
      pending = false;
    };
    promise.then(done, done);
    if (!(await this.timers.runWhile(() => pending, 3_600_000)))
      throw new Error('nothing more happens and the promise waits');
    return promise;
  }
}

/** Serves a meter on a duplex; `physical` is its HDLC lower address. */
export function serveMeter(
  duplex: ByteDuplex,
  env: ConstructorParameters<typeof LineDriver>[1],
  framing: 'hdlc' | 'wrapper',
  physical = 17,
): BenchMeter {
  const meter = new BenchMeter();
  const transport = framing === 'hdlc' ? new HdlcServer({ physicalDevice: physical }) : new WrapperServer();
  const clients = [{ sap: 1, authentication: { mechanism: 'lls', password: PASSWORD } as const }];
  new LineDriver(duplex, env)
    .run(
      new ServerSession(transport, { model: meter, clients }),
      () => {},
      () => {},
    )
    .kick();
  return meter;
}
