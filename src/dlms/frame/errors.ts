/** Every way in which octets fail to become an APDU, or an APDU fails to reach the peer. */
import { DeltawattError, type ErrorTable, errorsOf } from '../../base/errors.ts';

/** The table: code, side, retry, sentence. */
export const FRAME_ERRORS = {
  FRAME_NOISE: {
    side: 'path',
    retry: 'now',
    sentence: 'Octets arrived that belong to no frame; look at cabling, baud rate and parity when this goes on.',
  },
  FRAME_GAP: {
    side: 'path',
    retry: 'now',
    sentence: 'A frame began and the line fell silent before its end; a longer inter-octet time may be needed.',
  },
  HDLC_FORMAT: {
    side: 'path',
    retry: 'now',
    sentence: 'After a flag came octets that are not an HDLC frame of format type 3.',
  },
  HDLC_LENGTH: {
    side: 'remote',
    retry: 'now',
    sentence: 'The length field of an HDLC frame is impossible for its addresses.',
  },
  HDLC_ADDRESS: {
    side: 'remote',
    retry: 'never',
    sentence: 'An HDLC address is not 1, 2 or 4 octets long, or that of a client is not 1.',
  },
  HDLC_CONTROL: { side: 'remote', retry: 'never', sentence: 'The control octet of an HDLC frame is not defined.' },
  HDLC_HCS_MISMATCH: {
    side: 'path',
    retry: 'now',
    sentence: 'The header check of an HDLC frame failed: octets were altered on the line.',
  },
  HDLC_FCS_MISMATCH: {
    side: 'path',
    retry: 'now',
    sentence: 'The frame check of an HDLC frame failed: octets were altered on the line.',
  },
  HDLC_NO_CLOSING_FLAG: {
    side: 'path',
    retry: 'now',
    sentence: 'An HDLC frame is not closed by a flag where its length field says.',
  },
  HDLC_FOREIGN: {
    side: 'remote',
    retry: 'now',
    sentence: 'A frame for or from another station was heard; check the addresses on this line.',
  },
  HDLC_LLC: {
    side: 'remote',
    retry: 'never',
    sentence: 'The information field does not begin with the LLC octets E6 E6 00 or E6 E7 00.',
  },
  HDLC_SEQUENCE: {
    side: 'path',
    retry: 'now',
    sentence: 'A numbered frame came twice or out of order and was dropped; it will be sent again.',
  },
  HDLC_UNEXPECTED: {
    side: 'remote',
    retry: 'now',
    sentence: 'A frame came that makes no sense in this state of the link and was dropped.',
  },
  HDLC_NEGOTIATION: {
    side: 'remote',
    retry: 'never',
    sentence: 'The link parameters in SNRM or UA cannot be read.',
  },
  HDLC_SEGMENT_LOST: {
    side: 'path',
    retry: 'now',
    sentence: 'A segment of a pushed message was lost, so the whole message was dropped; the meter pushes again.',
  },
  HDLC_NO_ANSWER: {
    side: 'path',
    retry: 'later',
    sentence: 'The meter did not answer on the line; check address, baud rate, wiring and power of the meter.',
  },
  HDLC_NOT_CONNECTED: {
    side: 'remote',
    retry: 'now',
    sentence: 'The meter says that there is no connection (DM); connect again.',
  },
  HDLC_REJECTED: {
    side: 'remote',
    retry: 'now',
    sentence: 'The meter rejected a frame (FRMR); connect again.',
  },
  HDLC_BUSY: {
    side: 'remote',
    retry: 'later',
    sentence: 'The meter said it was busy (RNR) for longer than the response timeout.',
  },
  HDLC_SEQUENCE_LOST: {
    side: 'remote',
    retry: 'now',
    sentence: 'The meter acknowledges frames that were never sent; connect again.',
  },
  HDLC_INACTIVE: {
    side: 'remote',
    retry: 'now',
    sentence: 'Nothing was heard for the inactivity time, so the link was dropped.',
  },
  APDU_TOO_LONG: {
    side: 'remote',
    retry: 'never',
    sentence: 'A message is longer than this side accepts; lower the PDU size in the association.',
  },
  WRAPPER_VERSION: {
    side: 'remote',
    retry: 'never',
    sentence: 'Octets that should be a wrapper header have another version than 1; is the link HDLC over TCP?',
  },
  WRAPPER_LENGTH: {
    side: 'remote',
    retry: 'never',
    sentence: 'A wrapper header announces an empty message or one longer than this side accepts.',
  },
  WRAPPER_PORT: {
    side: 'remote',
    retry: 'now',
    sentence: 'A wrapper message is for another pair of ports; check client and server numbers.',
  },
  GATEWAY_FOREIGN: {
    side: 'remote',
    retry: 'now',
    sentence: 'An answer of the gateway is not for the meter that was asked; check network and address.',
  },
  MBUS_START: { side: 'path', retry: 'now', sentence: 'Octets look like an M-Bus long frame but its head is broken.' },
  MBUS_CHECKSUM: {
    side: 'path',
    retry: 'now',
    sentence: 'The checksum of an M-Bus frame failed: octets were altered on the line.',
  },
  MBUS_STOP: { side: 'path', retry: 'now', sentence: 'An M-Bus frame is not ended by 16 where its length says.' },
  MBUS_SEGMENT_ORDER: {
    side: 'path',
    retry: 'now',
    sentence: 'A segment of an M-Bus message was lost, so the whole message was dropped; the meter pushes again.',
  },
  P1_FORMAT: {
    side: 'path',
    retry: 'now',
    sentence:
      'Octets begin like a P1 telegram and are none; look at speed, parity and data bits, and whether the signal must be inverted.',
  },
  P1_CRC_MISMATCH: {
    side: 'path',
    retry: 'now',
    sentence:
      'The check behind a P1 telegram failed or is missing: octets were altered, or the meter is older than DSMR 4 (framing=p1-unchecked).',
  },
  SML_FORMAT: {
    side: 'path',
    retry: 'now',
    sentence:
      'Octets begin like a file of SML and are none; look at speed and parity, the optical head and stray light.',
  },
  SML_CRC_MISMATCH: {
    side: 'path',
    retry: 'now',
    sentence: 'The check behind a file of SML failed: octets were altered on the line; look how the optical head sits.',
  },
  IEC_NO_ANSWER: {
    side: 'path',
    retry: 'later',
    sentence:
      'The meter did not answer the sign-on; check that the optical head sits straight and its speed of 300 Bd.',
  },
  IEC_GARBLED: {
    side: 'path',
    retry: 'later',
    sentence:
      'What came after the sign-on is no identification; check the optical head, stray light and the first speed.',
  },
  IEC_NO_MODE_E: {
    side: 'remote',
    retry: 'never',
    sentence: 'The meter offers no speed of mode E, so HDLC cannot begin; it may only speak ASCII.',
  },
  IEC_CHECK: {
    side: 'path',
    retry: 'now',
    sentence:
      'The block check of an ASCII message is wrong: octets were altered on the line; look at the head, and at parity (7E1).',
  },
  IEC_TOO_LONG: {
    side: 'remote',
    retry: 'later',
    sentence: 'An ASCII message has no end: the line babbles, or its speed is wrong after the change.',
  },
  IEC_REFUSED: {
    side: 'remote',
    retry: 'later',
    sentence: 'The meter answers a command with an error: compare the profile with what the meter offers.',
  },
  IEC_PASSWORD: {
    side: 'remote',
    retry: 'never',
    sentence: 'The meter refuses the password of the programming mode: look at the file that passwordFile names.',
  },
  GBT_MALFORMED: { side: 'remote', retry: 'never', sentence: 'A general-block-transfer block cannot be read.' },
  GBT_ORDER: {
    side: 'path',
    retry: 'now',
    sentence: 'Blocks of a pushed message were lost, repeated or out of order, so the whole message was dropped.',
  },
  USI_ESCAPE: {
    side: 'path',
    retry: 'now',
    sentence:
      'An escape in a frame of a modem is followed by an octet that needs none: octets were altered on the line.',
  },
  USI_LENGTH: {
    side: 'path',
    retry: 'now',
    sentence: 'The length in a frame of a modem is not that of its octets: octets were altered or lost on the line.',
  },
  USI_PROTOCOL: {
    side: 'remote',
    retry: 'never',
    sentence:
      'The modem speaks another protocol than this link; check which firmware it has and the address of the line.',
  },
  USI_CHECK_MISMATCH: {
    side: 'path',
    retry: 'now',
    sentence: 'The check of a frame of a modem failed: octets were altered on the line.',
  },
} as const satisfies ErrorTable;

/** Codes of {@link FRAME_ERRORS}. */
export type FrameErrorCode = keyof typeof FRAME_ERRORS;

/** Makes an error of this room from its code. */
export const frameError = errorsOf<FrameErrorCode>(FRAME_ERRORS);

/** Whether an error is one of {@link FRAME_ERRORS}. */
export function isFrameError(error: unknown): error is DeltawattError<FrameErrorCode> {
  return error instanceof DeltawattError && error.code in FRAME_ERRORS;
}
