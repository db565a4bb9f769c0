/** Reads two registers of a meter over TCP: `node read-meter.js HOST PORT PASSWORD`. The library has no input or output. */
import { connect } from 'node:net';
import * as dlms from 'deltawatt/dlms';

const [host = '127.0.0.1', port = '4059', password = '00000000'] = process.argv.slice(2);
const socket = connect(Number(port), host);

/** Octets in, octets out and one timer: all that is left to whoever uses the machines. */
const runner: dlms.MachineRunner = {
  run(machine, onEvents, onEnd) {
    const nowMs = () => performance.now();
    let timer: NodeJS.Timeout | undefined;
    const kick = (events = machine.tick(nowMs())) => {
      clearTimeout(timer);
      if (events.length > 0) onEvents(events);
      for (const octets of machine.takeOutput()) socket.write(octets);
      const deadlineMs = machine.deadlineMs();
      if (deadlineMs !== null) timer = setTimeout(kick, Math.max(0, deadlineMs - nowMs()));
    };
    socket.on('data', (chunk) => kick(machine.receive(chunk, nowMs())));
    socket.on('close', () => onEnd());
    return { nowMs, kick, stop: () => socket.end() };
  },
};

const session = await dlms.openSession(runner, new dlms.WrapperClient({ client: 1, server: 1 }), {
  authentication: { mechanism: 'lls', password: new TextEncoder().encode(password) },
});
const reader = new dlms.MeterReader(session, { id: host, model: 'any', client: 1 }, new dlms.KnownMeters());
const registers = ['1-0:1.8.0', '1-0:32.7.0'].map((obis) => dlms.parseObis(obis));
const wanted = registers.map((instanceId) => ({ classId: 3, instanceId, attributeId: 2 }));
for (const { attribute, result, scalerUnit } of (await reader.read({ values: wanted })).values) {
  const value = 'data' in result && 'value' in result.data ? String(result.data.value) : 'refused';
  const unit = scalerUnit === null ? '' : ` x 10^${scalerUnit.scaler} ${dlms.unitSymbol(scalerUnit.unit)}`;
  console.log(`${attribute.instanceId} ${value}${unit}`);
}
await session.release();
