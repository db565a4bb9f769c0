/** Plain words for what commands ask and meters answer; the console shows them as they are. */
import { unreachable } from '../../base/errors.ts';
import type { CommandBody, RelayState } from '../../model/command.ts';

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
