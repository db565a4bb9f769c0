/** What a meter tells by itself goes up like what it was asked for, over every kind of line, once, and before its log is read. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { VirtualSystem } from '../../src/lab/virtual-system.ts';
import { DEFAULT_TENANT, type MeterId } from '../../src/model/ids.ts';
import { EVENT } from '../../src/sim/meter/events.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const IDIS = 'generic/idis';
const text = await readFile(new URL(`../../config/profiles/${IDIS}.yaml`, import.meta.url), 'utf8');
/** The same meter with short names, so that it tells with information-reports. */
const profilesOf = (referencing: 'logical' | 'short') => [
  { key: IDIS, text: referencing === 'logical' ? text : text.replace(/^medium: .*$/m, '$&\nreferencing: short') },
];

for (const referencing of ['logical', 'short'] as const)
  test(`SG-EV-1 a cover that was opened is an event at the collector before the log of the meter was read (${referencing} names)`, async () => {
    const profiles = profilesOf(referencing);
    const system = await VirtualSystem.start({ seed: 33, meters: 3, profiles, crypto: HOST_CRYPTO, tellsEvents: true });
    await system.run(20 * MINUTE_MS);
    const { collector, concentrator } = system;
    assert.ok(collector !== null && concentrator !== null);
    assert.deepEqual(
      system.site.places.map(({ kind }) => kind),
      ['socket', 'gateway', 'bus'],
    );
    for (const { device } of system.site.meters) {
      assert.equal(device.profile.referencing, referencing);
      const meterId = device.meterId as MeterId;
      const issue = () =>
        collector.desk.issue({
          meterId,
          body: { kind: 'read', objects: [{ classId: 8, obis: '0-0:1.0.0*255', attribute: 2 }] },
          author: 'test',
          tenantId: DEFAULT_TENANT,
          validForMs: MINUTE_MS,
        });
      const opened = issue();
      await system.run(5 * SECOND_MS);
      await opened;
      // While the association rests.
      device.events.add(EVENT.terminalCoverOpened, device.nowMs);
      await system.run(2 * SECOND_MS);
      const again = issue();
      await system.run(8 * SECOND_MS);
      await again;
      const found = async () => {
        const { items } = await system.store.events({ meterId, limit: 100, fromMs: 0, toMs: system.world.nowMs + 1 });
        return items.filter(({ name }) => name === 'terminal-cover-opened');
      };
      assert.equal((await found()).length, 1, `${meterId}: told`);
      await system.run(16 * MINUTE_MS);
      assert.equal((await found()).length, 1, `${meterId}: the log says the same`);
    }
    assert.equal((await system.settledVerdict()).lost, 0);
    await system.stop();
  });
