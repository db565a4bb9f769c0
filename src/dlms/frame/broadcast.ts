/**
 * Messages to all stations of a line: UI frames to the all-stations address on HDLC (IEC 62056-46 clause 6.4), wPort 7F under
 * the wrapper. Nobody answers them, and nobody repeats them.
 */
import { ALL_STATIONS, clientAddress, type HdlcAddress } from './hdlc-address.ts';
import { encodeHdlcFrame } from './hdlc-frame.ts';
import { LLC, withLlc } from './llc.ts';
import { encodeWrapper } from './wrapper-frame.ts';

/** wPort of all stations. */
export const WRAPPER_ALL_STATIONS = 0x7f;

/** How a line is spoken to as a whole. */
export type BroadcastForm =
  | { readonly framing: 'wrapper'; readonly client: number }
  | {
      readonly framing: 'hdlc';
      readonly client: number;
      /** Octets of the address: 1, 2 or 4, as the meters of the line have it. */
      readonly addressOctets: HdlcAddress['length'];
      /** Octets of information in one frame: what every meter takes, as nothing was agreed on. */
      readonly informationBytes: number;
    };

/** The pieces to write for one APDU, in order. */
export function broadcastFrames(apdu: Uint8Array, form: BroadcastForm): readonly Uint8Array[] {
  const { client } = form;
  if (form.framing === 'wrapper') return [encodeWrapper({ source: client, destination: WRAPPER_ALL_STATIONS, apdu })];
  const { addressOctets, informationBytes } = form;
  const octets = withLlc(LLC.command, apdu);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < octets.length; at += informationBytes)
    pieces.push(
      encodeHdlcFrame({
        segmented: at + informationBytes < octets.length,
        destination: allStations(addressOctets),
        source: clientAddress(client),
        control: { type: 'UI', pollFinal: false },
        information: octets.subarray(at, at + informationBytes),
      }),
    );
  return pieces;
}

function allStations(length: HdlcAddress['length']): HdlcAddress {
  const all = length === 4 ? ALL_STATIONS.long : ALL_STATIONS.short;
  return { upper: all, lower: length === 1 ? null : all, length };
}
