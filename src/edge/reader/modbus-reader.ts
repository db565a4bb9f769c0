/** What is said to Modbus devices: the registers of their maps are asked for, and readings are made of them. */
import { assert } from '../../base/errors.ts';
import { MODBUS_ANSWER_MS } from '../../link/limits.ts';
import { ModbusClient } from '../../modbus/client.machine.ts';
import type { ModbusRequest } from '../../modbus/frame.ts';
import { modbusRuns, readModbus } from '../../profile/modbus-readout.ts';
import type { PlainDesk, PlainWay } from './plain-way.ts';

/** See the head of the file. */
export const MODBUS_WAY: PlainWay = {
  run: async (meter, job, desk) => {
    if (job.kind !== 'registers') return false;
    const unit = meter.physicalDevice;
    assert(unit !== null, `${meter.meterId} is a Modbus device`);
    const runs = modbusRuns(job.registers);
    const blocks = await blocksOf(
      runs.map(({ request }) => ({ ...request, unit })),
      desk,
    );
    const context = desk.context(meter);
    const readout = readModbus(meter.profile, runs, blocks, context);
    desk.tell(meter, readout.problems);
    const mark = { meterId: meter.meterId, key: job.key, atMs: context.nowMs };
    await desk.put({ groups: readout.groups, watermarks: [mark] });
    return false;
  },
};

async function blocksOf(requests: readonly ModbusRequest[], desk: PlainDesk): Promise<readonly Uint8Array[]> {
  const { link } = desk;
  const driver = await desk.line(() => link.open());
  return await new Promise((resolve, reject) => {
    const framing = link.framing === 'modbus-tcp' ? 'tcp' : 'rtu';
    const { octetMs, gapMs, answerTimeoutMs: answerMs = MODBUS_ANSWER_MS } = link;
    const client = new ModbusClient({ framing, octetMs, gapMs, answerMs });
    const running = driver.run(
      client,
      ([event]) => {
        running.stop();
        if (event?.kind === 'read') resolve(event.blocks);
        else if (event !== undefined) reject(event.error);
      },
      (reason) => {
        desk.closeLine();
        reject(reason ?? new Error('the line ended'));
      },
    );
    client.start(requests, running.nowMs());
    running.kick();
  });
}
