/** Plain words for what commands ask, meters answer and concentrators read again; the console shows them as they are. */
import { unreachable } from '../../base/errors.ts';
import type { CommandBody, RelayState } from '../../model/command.ts';
import type { RereadRecord } from '../ports.ts';

/** What was asked, in a few words. */
export function bodyWords(body: CommandBody): string {
  switch (body.kind) {
    case 'read':
      return body.objects.length === 1 ? `Read ${body.objects[0]?.obis ?? ''}` : `Read ${body.objects.length} objects`;
    case 'relay':
      return body.action === 'disconnect' ? 'Disconnect the supply' : 'Reconnect the supply';
    case 'firmware':
      return `Firmware ${body.sha256.slice(0, 8)}, ${body.sizeOctets} octets`;
    case 'key-rotation':
      return body.by === 'agreement' ? `New ${body.key} key by agreement` : `New ${body.key} key`;
    case 'adopt':
      return `Read it on line ${body.line} as ${body.profile}`;
    case 'ping':
      return 'Check the way to the meter';
    default:
      return unreachable(body);
  }
}

/** What the relay reads back (class 70): "ready for reconnection" is not "connected". */
export function relayWords(relay: RelayState): string {
  if (relay.outputOn) return 'The relay is closed: the load has supply.';
  if (relay.controlState === 2) {
    return 'The relay is open and ready for reconnection: the load has NO supply until someone presses the button at the meter.';
  }
  return 'The relay is open: the load has no supply.';
}

/** Where an entry of the re-read list stands. */
export function rereadWords({
  state,
  reason,
  rows,
  edgeId,
}: Pick<RereadRecord, 'state' | 'reason' | 'rows' | 'edgeId'>): string {
  switch (state) {
    case 'waiting':
      return reason === 'tombstone'
        ? `Concentrator ${edgeId} lost it and reads it again by itself; a day later it is ordered if it is still missing.`
        : 'What is really missing is looked up once everything that is on its way has arrived.';
    case 'ordered':
      return `Concentrator ${edgeId} was told to read it from the meter again and has not answered yet.`;
    case 'arrived':
      return 'It arrived without an order.';
    case 'done':
      return `Read again: ${rows} intervals.`;
    case 'partly':
      return `Read again: ${rows} intervals; the meter no longer had the others.`;
    case 'gone':
      return 'The meter no longer had any of it: it is lost.';
    case 'refused':
      return `Concentrator ${edgeId} reads no buffer that holds it.`;
    case 'given-up':
      return `Concentrator ${edgeId} never answered.`;
    default:
      return unreachable(state);
  }
}
