import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { toHex } from '../../../src/base/bytes.ts';
import { hasCode } from '../../../src/base/errors.ts';
import { SILENT_LOG } from '../../../src/base/log.ts';
import { parseObis } from '../../../src/dlms/cosem/obis.ts';
import { clientTransport } from '../../../src/dlms/frame/client-transport.ts';
import { WrapperServer } from '../../../src/dlms/frame/wrapper.machine.ts';
import { openSession } from '../../../src/dlms/session/meter-session.ts';
import { decodeApdu, encodeApdu } from '../../../src/dlms/xdlms/codec.ts';
import { createHostEnv } from '../../../src/host/env.ts';
import { openPseudoTerminal } from '../../../src/host/pseudo-terminal.ts';
import { readOnce } from '../../../src/lab/read-once.ts';
import { LineDriver } from '../../../src/link/drive.ts';
import { linkOf } from '../../../src/link/registry.ts';
import { readLedger } from '../../../src/sim/ledger.ts';
import { Simulator, type SimulatorOptions } from '../../../src/sim/simulator.ts';

const CONFIG = fileURLToPath(new URL('../../../config', import.meta.url));
const env = createHostEnv({ log: SILENT_LOG });
const folder = await mkdtemp(join(tmpdir(), 'deltawatt-sim-'));
after(() => rm(folder, { recursive: true }));

const options = (given: Partial<SimulatorOptions>): SimulatorOptions => ({
  configFolder: CONFIG,
  profiles: ['generic/idis'],
  listen: ['tcp://127.0.0.1:0'],
  count: 1,
  seed: 'test',
  days: 2,
  timeZone: 'Europe/Berlin',
  ledgerFile: null,
  ...given,
});
const PASSWORD = new TextEncoder().encode('00000000');

/** Reads the import register of a meter over its link, as an edge would open it. */
async function energyAt(url: string, framing: 'hdlc' | 'wrapper', logical: number, physical: number): Promise<number> {
  const link = linkOf(url, env);
  assert.equal(link.kind, 'line');
  if (link.kind !== 'line') return Number.NaN;
  const driver = new LineDriver(await link.open(), env);
  const transport = clientTransport(framing, { client: 1, logical, physical }, { octetMs: link.octetMs });
  const session = await openSession(driver, transport, { authentication: { mechanism: 'lls', password: PASSWORD } });
  const [result] = await session.get([
    { classId: 3, instanceId: parseObis('1-0:1.8.0*255'), attributeId: 2, access: null },
  ]);
  await session.release();
  driver.close();
  assert.ok(result !== undefined && 'data' in result && result.data.type === 'double-long-unsigned');
  return result.data.value;
}

test('a fleet of three media over sockets, wrapper and HDLC, with a ledger on disk', async () => {
  const ledgerFile = join(folder, 'ledger.bin');
  const simulator = await Simulator.start(
    env,
    options({
      profiles: ['generic/idis', 'generic/gas', 'generic/water'],
      listen: ['tcp://127.0.0.1:0', 'tcp+hdlc://127.0.0.1:0'],
      count: 6,
      ledgerFile,
    }),
  );
  assert.equal(simulator.reached.length, 6);
  assert.equal(new Set(simulator.reached.map((reached) => reached.url)).size, 4, 'three sockets of their own, one bus');
  for (const { meter, url, framing, address } of simulator.reached) {
    if (meter.device.profile.key !== 'generic/idis') continue;
    const own = meter.device.registerAt(meter.device.profile.registers[0] ?? assert.fail(), meter.device.nowMs);
    const read =
      framing === 'hdlc' ? await energyAt(url, framing, 1, address) : await energyAt(url, framing, address, 0);
    assert.ok(Math.abs(Number(own) - read) < 10, `${own} and ${read}`);
  }
  await simulator.stop();
  const entries = [...readLedger(await readFile(ledgerFile))];
  const meters = new Set(entries.map((entry) => entry.meterId));
  assert.equal(meters.size, 6, 'meters that nobody read are in the ledger too');
  const units = new Set(entries.map((entry) => entry.unit));
  assert.deepEqual([...units].sort(), ['V', 'Wh', 'm3', 'varh']);
});

test('a serial bus on a pseudo-terminal, at the pace of its line', async () => {
  const terminal = await openPseudoTerminal();
  try {
    const [meters] = [
      await Simulator.start(env, options({ listen: [`serial://${terminal.path}?baud=115200`], count: 2, days: 0 })),
    ];
    const [, second] = meters.reached;
    assert.ok(second !== undefined);
    const driver = new LineDriver(terminal.master, env);
    const transport = clientTransport('hdlc', { client: 1, logical: 1, physical: second.address }, {});
    const session = await openSession(driver, transport, { authentication: { mechanism: 'lls', password: PASSWORD } });
    const [result] = await session.get([
      { classId: 8, instanceId: parseObis('0-0:1.0.0*255'), attributeId: 2, access: null },
    ]);
    assert.ok(result !== undefined && 'data' in result);
    await session.release();
    await meters.stop();
  } finally {
    await terminal.close();
  }
});

test('HE-1 deltawatt read over optical:// reads a simulated meter behind an optical head, over two pseudo-terminals', async () => {
  const [head, port] = await Promise.all([openPseudoTerminal(), openPseudoTerminal()]);
  try {
    for (const [from, to] of [
      [head.master, port.master],
      [port.master, head.master],
    ] as const)
      from.listen({ data: (chunk) => void to.write(chunk.slice()).catch(() => undefined), closed: () => {} });
    const meters = await Simulator.start(
      env,
      options({ listen: [`optical://${port.path}?start=2400&baud=19200`], count: 1, days: 0 }),
    );
    const [reached] = meters.reached;
    assert.ok(reached !== undefined);
    const [shown] = await readOnce(env, {
      link: `optical://${head.path}?start=2400&baud=19200`,
      client: 1,
      server: { logical: 1, physical: reached.address },
      authentication: { mechanism: 'lls', password: PASSWORD },
      objects: [{ obis: parseObis('0-0:96.1.0*255'), classId: 1, attribute: 2 }],
      referencing: 'logical',
      requestTimeoutMs: 5_000,
    });
    const answer = shown?.answer ?? assert.fail('no answer');
    assert.equal(answer.result, 'success');
    assert.ok(answer.hex?.includes(toHex(new TextEncoder().encode(reached.meter.device.serial))), answer.hex);
    await meters.stop();
  } finally {
    await Promise.all([head.close(), port.close()]);
  }
});

test('what cannot be started is said in a sentence, and nothing stays open', async () => {
  const [taken, misspelt] = [join(folder, 'taken.yaml'), join(folder, 'misspelt.yaml')];
  await writeFile(taken, 'objects: [{ class: 3, obis: 1-0:1.8.0 }]');
  await writeFile(misspelt, 'object: []');
  const cases: [Partial<SimulatorOptions>, string][] = [
    [{ profiles: ['generic/nothing'] }, 'SIM_PROFILE'],
    [{ profiles: ['../../etc/passwd'] }, 'SIM_PROFILE'],
    [{ listen: [] }, 'SIM_LISTEN'],
    [{ listen: ['ftp://x'] }, 'SIM_LISTEN'],
    [{ timeZone: 'Nowhere' }, 'SIM_LISTEN'],
    [{ objectsFile: '/nowhere/objects.yaml' }, 'SIM_OBJECTS'],
    [{ objectsFile: taken }, 'SIM_OBJECTS'],
    [{ objectsFile: misspelt }, 'SIM_OBJECTS'],
  ];
  for (const [given, code] of cases) {
    await assert.rejects(Simulator.start(env, options(given)), (error) => hasCode(error, code), code);
  }
  const first = await Simulator.start(env, options({ days: 0 }));
  const port = new URL(first.reached[0]?.url ?? '').port;
  await assert.rejects(Simulator.start(env, options({ days: 0, listen: [`tcp://127.0.0.1:${port}`] })));
  await first.stop();
});

test('SG-EV-1 a simulator whose meters push connects to where they push to, and stops calling when it stops', async () => {
  const heard: string[] = [];
  let told = () => {};
  const second = new Promise<void>((resolve) => {
    told = resolve;
  });
  const drivers = new Set<LineDriver>();
  const listener = await env.net.listenTcp('127.0.0.1', 0, (duplex) => {
    const driver = new LineDriver(duplex, env);
    drivers.add(driver);
    const machine = new WrapperServer();
    const running = driver.run(
      machine,
      (events) => {
        for (const event of events) {
          if (event.kind !== 'apdu') continue;
          const apdu = decodeApdu(event.apdu);
          assert.ok(apdu.apdu === 'data-notification' && apdu.confirmed);
          heard.push(String(apdu.longInvokeId));
          const { longInvokeId, selfDescriptive, breakOnError, confirmed, highPriority, dateTime } = apdu;
          const flags = { longInvokeId, selfDescriptive, breakOnError, confirmed, highPriority };
          const answer = encodeApdu({ apdu: 'data-notification-confirm', ...flags, dateTime });
          machine.send(answer, event.stations, running.nowMs());
          running.kick();
          if (heard.length >= 2) told();
        }
      },
      () => drivers.delete(driver),
    );
    running.kick();
  });
  const push = { destination: `127.0.0.1:${listener.port}`, confirmed: true };
  const simulator = await Simulator.start(env, options({ profiles: ['kaifa/ma304'], count: 2, push }));
  try {
    await second;
    assert.deepEqual(heard.slice(0, 2), ['1', '1'], 'the first of each meter');
  } finally {
    await simulator.stop();
    await listener.close();
    for (const driver of drivers) driver.close();
  }
});
