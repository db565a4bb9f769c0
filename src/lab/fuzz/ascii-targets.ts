/** Fuzz targets of ASCII meters (IEC 62056-21): messages, read-outs, load profiles, and the reader with an answer on its way. */
import { sameOctets } from '../../base/bytes.ts';
import { AsciiClient } from '../../dlms/ascii/client.machine.ts';
import { asciiProfileText, parseAsciiProfile } from '../../dlms/ascii/load-profile.ts';
import { asciiOctets, decodeAsciiMessage, encodeAsciiMessage } from '../../dlms/ascii/message.ts';
import { clockIn, identitiesIn, isCodeOf, parseReadOut } from '../../dlms/ascii/read-out.ts';
import type { AsciiEvent } from '../../dlms/ascii/task.ts';
import { type FuzzTarget, must, parser } from './target.ts';

const OPTIONS = { startBaud: 9_600, attempts: 1, repeats: 1 };
const TIME_MAX_MS = 1_000_000;

function textOf(octets: Uint8Array): string {
  return String.fromCharCode(...octets.map((octet) => octet & 0x7f));
}

/** The targets. */
export const ASCII_TARGETS: readonly FuzzTarget[] = [
  parser('ascii-message', ['ascii'], 4, (octets) => {
    const seven = octets.map((octet) => octet & 0x7f);
    const found = decodeAsciiMessage(seven);
    if (found === null) return null;
    return () => {
      const again = encodeAsciiMessage(found.message);
      must(sameOctets(again, seven.subarray(found.used - again.length, found.used)), 'a message changes');
    };
  }),
  parser('ascii-read-out', ['ascii', 'telegram'], 4, (octets) => {
    const lines = parseReadOut(textOf(octets));
    return () => {
      clockIn(lines);
      identitiesIn(lines);
      for (const { address } of lines) isCodeOf(address, '1-0:1.8.0*255');
    };
  }),
  parser('ascii-profile', ['ascii'], 4, (octets) => {
    const parts = parseAsciiProfile(textOf(octets));
    return () => {
      const text = asciiProfileText(parts);
      must(
        asciiProfileText(parseAsciiProfile(text)) === text,
        'a load profile says something else when it is sent and taken again',
      );
    };
  }),
  {
    name: 'ascii-client',
    kinds: ['ascii'],
    weight: 3,
    open: () => {
      const client = new AsciiClient(OPTIONS);
      const commands = [{ name: 'R6', text: 'P.01(;)' }];
      client.start({ kind: 'commands', address: '1', password: '1', commands }, 0);
      const events: AsciiEvent[] = [];
      const settle = (some: readonly AsciiEvent[], nowMs: number): void => {
        for (const event of some) {
          if (event.kind === 'line') settle(client.changed(nowMs), nowMs);
          else events.push(event);
        }
      };
      settle(client.tick(0), 0);
      settle(client.tick(0), 0);
      settle(client.receive(asciiOctets('/DWT5X\r\n'), 1), 1);
      settle(client.tick(1_000), 1_000);
      settle(client.tick(2_000), 2_000);
      settle(client.receive(encodeAsciiMessage({ kind: 'command', name: 'P0', text: '(1)' }), 2_000), 2_000);
      return (octets) => {
        settle(client.receive(octets, 2_001), 2_001);
        return () => {
          for (
            let nowMs = 2_001;
            nowMs < TIME_MAX_MS && client.deadlineMs() !== null;
            nowMs = client.deadlineMs() ?? nowMs
          ) {
            client.takeOutput();
            settle(client.tick(nowMs), nowMs);
          }
          must(events.length === 1 && client.deadlineMs() === null, 'a task has one end');
        };
      };
    },
  },
];
