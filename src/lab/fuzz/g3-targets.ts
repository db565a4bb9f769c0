/** Fuzz targets of G3 modems: frames of USI, the messages in them, and the packets in these. */
import { sameOctets, toHex } from '../../base/bytes.ts';
import { decodeG3, encodeG3, type G3Sender } from '../../dlms/frame/g3-message.ts';
import { decodeUdpPacket, encodeUdpPacket } from '../../dlms/frame/udp-packet.ts';
import { encodeUsi, USI_PROTOCOL, usiRule } from '../../dlms/frame/usi-frame.ts';
import { type FuzzTarget, must, parser } from './target.ts';

const SENDERS: readonly G3Sender[] = ['host', 'modem'];
const RULE = usiRule(USI_PROTOCOL.g3Adaptation, USI_PROTOCOL.primeApi);

/** A message says the same after it was sent again; what it carries, too. */
function messageTarget(sender: G3Sender): FuzzTarget {
  return parser(`g3-${sender}`, ['usi'], 1, (octets) => {
    const verdict = RULE.examine(octets);
    if (verdict.kind !== 'accept' || verdict.frame.protocol !== USI_PROTOCOL.g3Adaptation) return null;
    const { payload } = verdict.frame;
    const message = decodeG3(payload, sender);
    const packet = 'packet' in message ? decodeUdpPacket(message.packet) : null;
    return () => {
      must(sameOctets(encodeG3(message), payload), `${message.kind} of a ${sender} changes when it is sent`);
      if (packet === null) return;
      const again = decodeUdpPacket(encodeUdpPacket(packet));
      must(toHex(again.payload) === toHex(packet.payload), 'a datagram changes when it is sent');
    };
  });
}

/** The targets. */
export const G3_TARGETS: readonly FuzzTarget[] = [
  parser('usi', ['usi'], 1, (octets) => {
    const verdict = RULE.examine(octets);
    if (verdict.kind !== 'accept') return null;
    const { frame } = verdict;
    return () => {
      const again = RULE.examine(encodeUsi(frame));
      must(
        again.kind === 'accept' && sameOctets(again.frame.payload, frame.payload),
        'a frame changes when it is sent',
      );
    };
  }),
  ...SENDERS.map(messageTarget),
];
