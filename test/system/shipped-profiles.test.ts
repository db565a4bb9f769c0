/** The shipped profiles of whole countries: simulated meters of each on every kind of line, read for a day over the change of clocks. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { VirtualSystem } from '../../src/lab/virtual-system.ts';
import { DEFAULT_TENANT, type MeterId } from '../../src/model/ids.ts';
import { EVENT } from '../../src/sim/meter/events.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

interface Shipped {
  readonly key: string;
  readonly timeZone: string;
  /** Codes under which a power failure and an opened cover must come. */
  readonly events: Readonly<Record<string, number>>;
  /** How an order to close the relay ends: mode 1 and 5 only arm it. */
  readonly closes: RegExp;
}

const SHIPPED: readonly Shipped[] = [
  {
    key: 'generic/dsmr',
    timeZone: 'Europe/Amsterdam',
    events: { 'power-down': 1, 'terminal-cover-opened': 40, 'relay-remote-off': 62 },
    closes: /connected/i,
  },
  {
    key: 'generic/india',
    timeZone: 'Asia/Kolkata',
    events: { 'power-down': 101, 'relay-remote-off': 301 },
    closes: /connected/i,
  },
  {
    key: 'generic/spain',
    timeZone: 'Europe/Madrid',
    events: { 'power-down': 1, 'terminal-cover-opened': 7, 'relay-remote-off': 2 },
    closes: /armed/i,
  },
  {
    key: 'generic/gas-italy',
    timeZone: 'Europe/Rome',
    events: { 'power-down': 1, 'relay-remote-off': 62 },
    closes: /armed/i,
  },
];

for (const { key, timeZone, events, closes } of SHIPPED)
  test(`IDIS and others: ${key} is read whole over the change of clocks, its events have their codes, its relay its mode`, async () => {
    const text = readFileSync(new URL(`../../config/profiles/${key}.yaml`, import.meta.url), 'utf8');
    const system = await VirtualSystem.start({
      seed: 8,
      meters: 3,
      profiles: [{ key, text }],
      crypto: HOST_CRYPTO,
      timeZone,
      startMs: Date.UTC(2026, 2, 28, 12),
    });
    const [first] = system.site.meters;
    assert.ok(first !== undefined);
    const meterId = first.device.meterId as MeterId;
    await system.run(HOUR_MS);
    for (const code of [EVENT.powerDown, EVENT.terminalCoverOpened]) first.device.events.add(code, first.device.nowMs);
    const order = async (action: 'disconnect' | 'reconnect') => {
      const body = { kind: 'relay', action } as const;
      const issued = system.collector?.desk.issue({
        meterId,
        body,
        author: 'test',
        tenantId: DEFAULT_TENANT,
        validForMs: 10 * MINUTE_MS,
      });
      await system.run(2 * MINUTE_MS);
      const command = await issued;
      assert.ok(command !== undefined);
      const { items } = await system.store.commands({ meterId, limit: 10 });
      return items.find(({ id }) => id === command.record.id)?.sentence ?? '';
    };
    assert.match(await order('disconnect'), /disconnected/i);
    assert.match(await order('reconnect'), closes);
    first.device.orderRelay('manual-reconnect');
    await system.run(26 * HOUR_MS);
    const verdict = await system.settledVerdict();
    assert.ok(verdict.clean, verdict.samples.join('\n'));
    assert.ok(verdict.produced > 0);
    const { items } = await system.store.events({ meterId, limit: 1_000, fromMs: 0, toMs: system.world.nowMs + 1 });
    for (const [name, code] of Object.entries(events))
      assert.ok(
        items.some((event) => event.name === name && event.code === code),
        `${name}: ${items.map((event) => `${event.log} ${event.code} ${event.name}`).join(', ')}`,
      );
    await system.stop();
  });
