/**
 * What is said to meters on a wired M-Bus: each is asked for its telegrams, and readings are made of them.
 *
 * A meter is selected by its identity, or asked at its primary address; what answers must have the identity of the settings,
 * else it is another meter: that is an event, and nothing of it is stored.
 */
import { assert } from '../../base/errors.ts';
import { identityText, isIdentity } from '../../mbus/identity.ts';
import { MbusMaster } from '../../mbus/master.machine.ts';
import type { MbusTelegram } from '../../mbus/telegram.ts';
import { readTelegrams } from '../../profile/mbus-readout.ts';
import type { Meter } from '../ports.ts';
import type { PlainDesk, PlainWay } from './plain-way.ts';

/** See the head of the file. */
export const MBUS_WAY: PlainWay = {
  run: async (meter, job, desk) => {
    if (job.kind !== 'registers') return false;
    const telegrams = await telegramsOf(meter, desk);
    await mustBe(meter, telegrams, desk);
    const context = desk.context(meter);
    const readout = readTelegrams(meter.profile, job.registers, telegrams, context);
    desk.tell(meter, readout.problems);
    const mark = { meterId: meter.meterId, key: job.key, atMs: context.nowMs };
    await desk.put({ groups: readout.groups, watermarks: [mark] });
    return false;
  },
};

async function telegramsOf({ mbus, meterId }: Meter, desk: PlainDesk): Promise<readonly MbusTelegram[]> {
  assert(mbus !== undefined, `${meterId} is a meter on an M-Bus`);
  const { link } = desk;
  const driver = await desk.line(() => link.open());
  return await new Promise((resolve, reject) => {
    const master = new MbusMaster({ octetMs: link.octetMs, gapMs: link.gapMs });
    const running = driver.run(
      master,
      ([event]) => {
        running.stop();
        if (event?.kind === 'read') resolve(event.telegrams);
        else if (event !== undefined) reject(event.error);
      },
      (reason) => {
        desk.closeLine();
        reject(reason ?? new Error('the line ended'));
      },
    );
    master.read(mbus.target, running.nowMs());
    running.kick();
  });
}

/** Whoever answered must be the meter of the settings; throws READER_SUB_METER_GONE. */
async function mustBe(meter: Meter, telegrams: readonly MbusTelegram[], desk: PlainDesk): Promise<void> {
  const wanted = meter.mbus?.identity ?? '';
  const other = telegrams.flatMap(({ identity }) =>
    identity === null || isIdentity(identity, wanted) ? [] : [identity],
  )[0];
  if (other !== undefined) await desk.exchanged(meter, wanted, identityText(other));
  desk.isThere(meter);
}
