/** Fuzz targets of the wired M-Bus: frames, telegrams, the tree of `explain`, and the master with an answer on its way. */
import { sameOctets } from '../../base/bytes.ts';
import { explainMbus, mbusText } from '../../mbus/explain.ts';
import { decodeLinkFrame, encodeLinkFrame, INFORMATION } from '../../mbus/frame.ts';
import { MbusMaster } from '../../mbus/master.machine.ts';
import { recordQuantity, recordValue } from '../../mbus/record.ts';
import { decodeTelegram, encodeTelegram, HEADER_OCTETS, type MbusTelegram } from '../../mbus/telegram.ts';
import { type FuzzTarget, must, parser } from './target.ts';

/** What a record says must be sayable, whatever it is. */
function meaningsOf({ records }: MbusTelegram): string {
  return JSON.stringify(
    records.map((record) => [recordQuantity(record), recordValue(record)]),
    (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
  );
}

/** A long frame's data, else the octets themselves behind each CI that has records. */
function telegramsIn(octets: Uint8Array): readonly (readonly [number, Uint8Array])[] {
  if (octets[0] === 0x68 && octets.length > 9) {
    const information = octets[6] ?? 0;
    if (HEADER_OCTETS[information] !== undefined) return [[information, octets.subarray(7, -2)]];
  }
  return [[INFORMATION.noHeader, octets]];
}

const LINE = { octetMs: 4, gapMs: 50, repeats: 0 };

/** The targets. */
export const MBUS_TARGETS: readonly FuzzTarget[] = [
  parser('mbus-frame', ['mbus'], 4, (octets) => {
    const decoded = decodeLinkFrame(octets);
    if (decoded === null) return null;
    return () => must(sameOctets(encodeLinkFrame(decoded.frame), octets.subarray(0, decoded.used)), 'a frame changes');
  }),
  parser('mbus-telegram', ['mbus', 'data'], 8, (octets) => {
    const taken = telegramsIn(octets).map(([information, data]) => decodeTelegram(information, data));
    return () => {
      for (const telegram of taken) {
        const { information, data } = encodeTelegram(telegram);
        const again = decodeTelegram(information, data);
        must(
          meaningsOf(again) === meaningsOf(telegram),
          'a telegram says something else when it is sent and taken again',
        );
      }
    };
  }),
  parser('mbus-explain', ['mbus'], 2, (octets) => {
    const nodes = explainMbus(octets);
    return () => {
      if (nodes !== null) mbusText(nodes);
    };
  }),
  {
    name: 'mbus-master',
    kinds: ['mbus'],
    weight: 3,
    open: () => {
      const master = new MbusMaster(LINE);
      master.read({ primary: 1 }, 0);
      master.takeOutput();
      master.receive(Uint8Array.of(0xe5), 1);
      master.takeOutput();
      return (octets) => {
        const events = master.receive(octets, 2);
        return () => {
          for (let nowMs = 2; master.isBusy && nowMs < 100_000; nowMs = master.deadlineMs() ?? nowMs) {
            master.takeOutput();
            events.push(...master.tick(nowMs));
          }
          must(!master.isBusy && events.length === 1, 'a read-out has one end');
        };
      };
    },
  },
];
