/** Fuzz targets of Modbus: requests and answers of both framings, and the asking side with something on its way. */
import { fromHex, sameOctets, toHex } from '../../base/bytes.ts';
import { ModbusClient } from '../../modbus/client.machine.ts';
import { decodeAnswer, decodeRequest, encodeAnswer, encodeRequest, type ModbusFraming } from '../../modbus/frame.ts';
import { type FuzzTarget, must, parser } from './target.ts';

const FRAMINGS: readonly ModbusFraming[] = ['rtu', 'tcp'];
const REQUEST = { unit: 17, function: 3, first: 107, count: 3 } as const;
const TRANSACTION = 1;
const LINE = { octetMs: 1, gapMs: 20, answerMs: 500 };
/** Three requests, each with its wait and an answer that is let pass. */
const LONGEST_MS = 60_000;

/** Requests, an answer and an exception of both framings. */
export const MODBUS_SEEDS: readonly Uint8Array[] = FRAMINGS.flatMap((framing) => [
  encodeRequest(framing, REQUEST, TRANSACTION),
  encodeAnswer(framing, REQUEST, { registers: fromHex('022b00000064') }, TRANSACTION),
  encodeAnswer(framing, REQUEST, { exception: 2 }, TRANSACTION),
]);

/** The targets. */
export const MODBUS_TARGETS: readonly FuzzTarget[] = FRAMINGS.flatMap((framing) => [
  parser(`modbus-request-${framing}`, ['modbus'], 1, (octets) => {
    const found = decodeRequest(framing, octets);
    if (found === null) return null;
    const { request, transaction, used } = found;
    return () =>
      must(sameOctets(encodeRequest(framing, request, transaction), octets.subarray(0, used)), 'a request changes');
  }),
  parser(`modbus-answer-${framing}`, ['modbus'], 2, (octets) => {
    const registers = decodeAnswer(framing, octets, REQUEST, TRANSACTION);
    if (registers === null) return null;
    const again = () => encodeAnswer(framing, REQUEST, { registers }, TRANSACTION);
    return () => must(sameOctets(again(), octets), `an answer changes: ${toHex(registers)}`);
  }),
  {
    name: `modbus-client-${framing}`,
    kinds: ['modbus'],
    weight: 1,
    open: () => {
      const client = new ModbusClient({ framing, ...LINE });
      client.start([REQUEST], 0);
      client.takeOutput();
      return (octets) => {
        const events = client.receive(octets, 1);
        return () => {
          for (let nowMs = client.deadlineMs(); nowMs !== null && nowMs < LONGEST_MS; nowMs = client.deadlineMs()) {
            client.takeOutput();
            events.push(...client.tick(nowMs));
          }
          must(client.deadlineMs() === null && events.length === 1, 'a task has one end');
        };
      };
    },
  },
]);
