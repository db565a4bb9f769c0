/** Fuzz targets of modems for the power line: frames of USI, the messages in them, the packets in these, and the machine that hears them; and the messages of PRIME modems. */
import { sameOctets, toHex } from '../../base/bytes.ts';
import { decodeG3, encodeG3, G3_PAN_ID_ATTRIBUTE, type G3Sender } from '../../dlms/frame/g3-message.ts';
import { decodePrimeApi, encodePrimeApi, primeNodesIn } from '../../dlms/frame/prime-api-message.ts';
import { decodeUdpPacket, encodeUdpPacket } from '../../dlms/frame/udp-packet.ts';
import { encodeUsi, USI_PROTOCOL, usiRule } from '../../dlms/frame/usi-frame.ts';
import { G3Modem, type G3ModemEvent } from '../../link/g3-modem.machine.ts';
import { drain, pieceOf } from './machines.ts';
import { type FuzzTarget, must, parser } from './target.ts';

/** All waits short, so that a modem that says nothing more is soon given up. */
const RULES = {
  panId: 0x781d,
  band: 0,
  answerMs: 100,
  startMs: 100,
  confirmMs: 1_000,
  aliveMs: 1_000,
  retryMs: 10,
  gapMs: 50,
  discoversRoutes: true,
};
const PAN = Uint8Array.of(RULES.panId >>> 8, RULES.panId & 0xff);
const RUNNING = encodeUsi({
  protocol: USI_PROTOCOL.g3Adaptation,
  payload: encodeG3({ kind: 'get-confirm', result: 0, attribute: G3_PAN_ID_ATTRIBUTE, index: 0, value: PAN }),
});
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

/** The same of a PRIME modem: octet for octet, so that nothing of a message is lost. */
function primeTarget(sender: G3Sender): FuzzTarget {
  return parser(`prime-api-${sender}`, ['usi'], 1, (octets) => {
    const verdict = RULE.examine(octets);
    if (verdict.kind !== 'accept' || verdict.frame.protocol !== USI_PROTOCOL.primeApi) return null;
    const { payload } = verdict.frame;
    const message = decodePrimeApi(payload, sender);
    const nodes = message.kind === 'list' ? primeNodesIn(message.records) : [];
    return () => {
      must(sameOctets(encodePrimeApi(message), payload), `${message.kind} of a ${sender} changes when it is sent`);
      must(
        nodes.every(({ serial }) => serial.length > 0 && serial.length <= 16),
        'a node of the list has a name',
      );
    };
  });
}

/** A modem whose network runs, with two packets under way: whatever it says, each of them ends once, and any split gives the same. */
function modemWith(octets: Uint8Array, pieceBytes: number): G3ModemEvent[] {
  const modem = new G3Modem(RULES);
  modem.start(0, true);
  modem.receive(RUNNING, 0);
  modem.send(1, octets.subarray(0, 1), 0);
  modem.send(2, octets.subarray(0, 1), 0);
  modem.takeOutput();
  return drain(modem, octets, pieceBytes);
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
  ...SENDERS.map(primeTarget),
  parser('g3-machine', ['usi'], 2, (octets) => {
    const whole = modemWith(octets, Math.max(1, octets.length));
    return () => {
      const ends = whole.flatMap((event) => (event.kind === 'sent' ? [event.tag] : []));
      must(ends.sort().join() === '1,2', 'a packet has one end');
      const kinds = (events: readonly G3ModemEvent[]) => events.map(({ kind }) => kind).join();
      must(
        kinds(modemWith(octets, pieceOf(octets))) === kinds(whole),
        'another split of the stream gives other events',
      );
    };
  }),
];
