/** Errors of the edge's actors; the journal has its own table, and the reader's codes a file of their own. */
import { type ErrorTable, errorsOf } from '../base/errors.ts';
import { READER_ERRORS, type ReaderErrorCode } from './reader-errors.ts';

/** Codes that leave the actors of the edge. */
export type EdgeErrorCode =
  | ReaderErrorCode
  | 'COMMAND_SIGNATURE'
  | 'COMMAND_OTHER_EDGE'
  | 'COMMAND_OTHER_EPOCH'
  | 'COMMAND_NO_TIME'
  | 'COMMAND_EXPIRED'
  | 'COMMAND_LIFETIME'
  | 'COMMAND_VALIDITY'
  | 'COMMAND_UNKNOWN_METER'
  | 'COMMAND_TOO_MANY'
  | 'COMMAND_TOO_LONG'
  | 'COMMAND_CAP'
  | 'COMMAND_NO_RELAY'
  | 'COMMAND_PLAIN_RELAY'
  | 'COMMAND_CONTROL_MODE'
  | 'COMMAND_LOAD_LIVE'
  | 'COMMAND_LOAD_UNKNOWN'
  | 'COMMAND_METER_REFUSED'
  | 'COMMAND_RELAY_UNMOVED'
  | 'COMMAND_ANSWER_LOST'
  | 'COMMAND_ADOPTION'
  | 'COMMAND_INTERRUPTED'
  | 'COMMAND_NO_FIRMWARE'
  | 'COMMAND_IMAGE_GONE'
  | 'COMMAND_IMAGE_DAMAGED'
  | 'COMMAND_OUT_OF_TIME'
  | 'COMMAND_NO_MASTER_KEY'
  | 'COMMAND_KEY_UNPROVABLE'
  | 'COMMAND_KEY_UNAGREEABLE'
  | 'COMMAND_KEY_NEVER_AGREED'
  | 'COMMAND_KEY_NO_WAY_BACK'
  | 'COMMAND_WAY_BACK_CLOSED'
  | 'COMMAND_NO_BROADCAST_KEY'
  | 'COMMAND_MASTER_UNKNOWN'
  | 'COMMAND_BROADCAST_UNKNOWN'
  | 'PING_LINE'
  | 'PING_METER'
  | 'PING_NOISE'
  | 'PING_SIGN_ON'
  | 'PING_OBJECT'
  | 'COMMAND_KEY_WAITS'
  | 'COMMAND_KEY_KEPT'
  | 'COMMAND_KEY_UNPROVEN'
  | 'UPLINK_COLLECTOR_AHEAD'
  | 'SCHEDULER_CRASHED'
  | 'SCHEDULER_UNKNOWN_METER'
  | 'SCHEDULER_QUEUE_FULL'
  | 'SCHEDULER_NOT_REACHED'
  | 'EDGE_ENROLMENT'
  | 'EDGE_PLAIN_MQTT'
  | 'EDGE_FILE'
  | 'EDGE_SETTINGS'
  | 'LIMITS_SIGNATURE'
  | 'LIMITS_MALFORMED'
  | 'LIMITS_OTHER_EDGE';

/** The table: what each code means and what to do next. */
export const EDGE_ERRORS: ErrorTable<EdgeErrorCode> = {
  ...READER_ERRORS,
  COMMAND_SIGNATURE: {
    side: 'remote',
    retry: 'never',
    sentence: 'The command is not signed by the key that this concentrator trusts; nothing was done.',
  },
  COMMAND_OTHER_EDGE: {
    side: 'remote',
    retry: 'never',
    sentence: 'The command was signed for another concentrator; nothing was done.',
  },
  COMMAND_OTHER_EPOCH: {
    side: 'remote',
    retry: 'never',
    sentence: 'The command was signed before the store of this concentrator was replaced; issue it again.',
  },
  COMMAND_NO_TIME: {
    side: 'path',
    retry: 'later',
    sentence:
      'The concentrator does not know the time of the collector and cannot tell whether the command is still valid.',
  },
  COMMAND_EXPIRED: {
    side: 'path',
    retry: 'later',
    sentence: 'The time of the command ran out before the concentrator could start it; nothing was done.',
  },
  COMMAND_LIFETIME: {
    side: 'remote',
    retry: 'never',
    sentence: 'The command would be valid for more than 30 days; issue it with an earlier expiry.',
  },
  COMMAND_VALIDITY: {
    side: 'remote',
    retry: 'never',
    sentence:
      'The order to the relay would be valid for longer than this concentrator allows (order.validityS); issue it with an earlier expiry.',
  },
  COMMAND_UNKNOWN_METER: {
    side: 'remote',
    retry: 'never',
    sentence: 'This concentrator does not read that meter; check where the meter is placed.',
  },
  COMMAND_TOO_MANY: {
    side: 'remote',
    retry: 'later',
    sentence: 'Too many commands are open at this concentrator; issue it again when others have ended.',
  },
  COMMAND_TOO_LONG: {
    side: 'remote',
    retry: 'never',
    sentence: 'The command asks for more objects than one result can hold; ask for at most 16 at a time.',
  },
  COMMAND_CAP: {
    side: 'local',
    retry: 'later',
    sentence:
      'This concentrator has disconnected as many meters within an hour as its signed limits allow; nothing was done.',
  },
  COMMAND_NO_RELAY: {
    side: 'remote',
    retry: 'never',
    sentence: 'The profile of this meter has no relay; nothing was done.',
  },
  COMMAND_NO_FIRMWARE: {
    side: 'remote',
    retry: 'never',
    sentence: 'The profile of this meter says nothing of image transfer; nothing was done.',
  },
  COMMAND_IMAGE_GONE: {
    side: 'remote',
    retry: 'never',
    sentence: 'The collector no longer has the image of this command; upload it and issue the command again.',
  },
  COMMAND_IMAGE_DAMAGED: {
    side: 'path',
    retry: 'later',
    sentence: 'The image did not arrive as it was signed, however often it was fetched; nothing was sent to the meter.',
  },
  COMMAND_OUT_OF_TIME: {
    side: 'path',
    retry: 'later',
    sentence: 'The time of the command ran out while the firmware was under way; issue it again and it goes on.',
  },
  COMMAND_NO_MASTER_KEY: {
    side: 'local',
    retry: 'never',
    sentence: 'The key file of this meter has no masterKey under which a new key could travel; nothing was done.',
  },
  COMMAND_KEY_UNPROVABLE: {
    side: 'local',
    retry: 'never',
    sentence:
      'Signing on to this meter does not use this key, so that a new one could not be proven; nothing was done.',
  },
  COMMAND_KEY_UNAGREEABLE: {
    side: 'local',
    retry: 'never',
    sentence:
      'Keys are agreed on in suites 1 and 2, with clientTitle, meterTitle, signingKey and peerSigningKey in the key file (suite 2 with suite2Agreement too); nothing was done.',
  },
  COMMAND_KEY_NEVER_AGREED: {
    side: 'local',
    retry: 'never',
    sentence:
      'The authentication key is not agreed on: it is in every message, in every form, and an answer that is lost would lock everybody out for good. Order it without by: agreement; nothing was done.',
  },
  COMMAND_KEY_NO_WAY_BACK: {
    side: 'local',
    retry: 'never',
    sentence:
      'An answer that is lost would lock everybody out: the encryption key is agreed on only where the key file has recovery, authenticationKey and a mechanism other than hls-gmac. Order it without by: agreement; nothing was done.',
  },
  COMMAND_WAY_BACK_CLOSED: {
    side: 'remote',
    retry: 'never',
    sentence:
      'The meter could not be signed on to without its encryption key, or took no key there, in the form that recovery in its key file names. It was not asked to agree, and its keys are as they were.',
  },
  COMMAND_NO_BROADCAST_KEY: {
    side: 'local',
    retry: 'never',
    sentence:
      'The key file of this meter has no broadcastKey, by which the meters that share one are known; nothing was done.',
  },
  COMMAND_MASTER_UNKNOWN: {
    side: 'path',
    retry: 'later',
    sentence:
      'The meter takes no key under any master key that is known here: it may have agreed on one whose answer was lost. Reading goes on; order an agreement on the master key again.',
  },
  COMMAND_BROADCAST_UNKNOWN: {
    side: 'path',
    retry: 'later',
    sentence:
      'It is not known which broadcast key the meter has, and no sign-on shows it. Reading goes on, messages to all stations may pass this meter by and are made up for alone. Order the key again.',
  },
  COMMAND_KEY_WAITS: {
    side: 'local',
    retry: 'never',
    sentence:
      'A new key of the other kind was given to this meter and is not proven yet; nothing was done. Rotate that one again first.',
  },
  COMMAND_KEY_KEPT: {
    side: 'remote',
    retry: 'later',
    sentence:
      'The meter answers to its old key still. The new one is kept; issue the command again and it is given again.',
  },
  COMMAND_KEY_UNPROVEN: {
    side: 'path',
    retry: 'later',
    sentence:
      'The new key was sent, and the meter could not be signed on to since. Both keys are kept and tried at every sign-on, so reading goes on by itself with the one that it has.',
  },
  COMMAND_PLAIN_RELAY: {
    side: 'local',
    retry: 'never',
    sentence:
      'This meter would get the order in clear, where anyone on its line can repeat it, and the settings refuse that (reading.plainRelay); give the meter keys, or allow it.',
  },
  COMMAND_CONTROL_MODE: {
    side: 'remote',
    retry: 'never',
    sentence: 'The control mode of the meter forbids this order; nothing was done.',
  },
  COMMAND_LOAD_LIVE: {
    side: 'remote',
    retry: 'never',
    sentence:
      'There is voltage behind the open relay: a source of the customer feeds back, or the contacts are welded. Somebody must look at the site.',
  },
  COMMAND_LOAD_UNKNOWN: {
    side: 'remote',
    retry: 'later',
    sentence: 'The voltage behind the relay could not be read, so it is not closed; nothing was done.',
  },
  PING_LINE: {
    side: 'path',
    retry: 'later',
    sentence: 'The line fails. Whoever is at the concentrator can look at cable, adapter, converter or network.',
  },
  PING_METER: {
    side: 'remote',
    retry: 'later',
    sentence: 'The meter is not there. A fitter at the meter can look at its supply, its wiring and its address.',
  },
  PING_NOISE: {
    side: 'path',
    retry: 'later',
    sentence:
      'Something is heard that is no answer. An installer can look at baud rate, parity, termination and shielding.',
  },
  PING_SIGN_ON: {
    side: 'remote',
    retry: 'never',
    sentence: 'The meter answers and does not let us in. Whoever keeps its password and keys can correct them.',
  },
  PING_OBJECT: {
    side: 'remote',
    retry: 'never',
    sentence:
      'The meter lets us in and does not answer as its model should. Whoever keeps the meter profiles can correct its profile.',
  },
  COMMAND_METER_REFUSED: {
    side: 'remote',
    retry: 'later',
    sentence: 'The meter refused.',
  },
  COMMAND_RELAY_UNMOVED: {
    side: 'remote',
    retry: 'later',
    sentence: 'The meter took the order, but its relay did not move in time; look at the meter before trying again.',
  },
  COMMAND_ANSWER_LOST: {
    side: 'path',
    retry: 'later',
    sentence:
      'The order was sent, the answer did not come, and the relay could not be read back; its position is not known.',
  },
  COMMAND_ADOPTION: {
    side: 'local',
    retry: 'never',
    sentence:
      'The concentrator cannot take this meter in; the detail says why. Correct its model or line, and accept it again.',
  },
  COMMAND_INTERRUPTED: {
    side: 'local',
    retry: 'later',
    sentence: 'The concentrator restarted while it carried out the order; the order was not repeated.',
  },
  UPLINK_COLLECTOR_AHEAD: {
    side: 'remote',
    retry: 'never',
    sentence:
      'The collector holds blocks that this journal never made: the end of its log was damaged, it is an old copy, or another concentrator uses this id. A new journal is begun and filled from the meters; if this comes again, look for the other one.',
  },
  SCHEDULER_CRASHED: {
    side: 'local',
    retry: 'later',
    sentence: 'A job ended in a fault of the program; the others go on. Please report it with the log.',
  },
  SCHEDULER_UNKNOWN_METER: {
    side: 'local',
    retry: 'never',
    sentence: 'This concentrator does not read that meter; check its configuration.',
  },
  SCHEDULER_QUEUE_FULL: {
    side: 'local',
    retry: 'later',
    sentence: 'Too many orders wait for this line; try again in a minute.',
  },
  SCHEDULER_NOT_REACHED: {
    side: 'path',
    retry: 'later',
    sentence: 'The meter was not reached in time; nothing was ordered. Look at the state of the meter and of its line.',
  },
  EDGE_ENROLMENT: {
    side: 'local',
    retry: 'never',
    sentence:
      'The enrolment file cannot be used; adopt this concentrator at the collector again and put the new file in place.',
  },
  EDGE_PLAIN_MQTT: {
    side: 'local',
    retry: 'never',
    sentence:
      'Plain MQTT is for a broker on this machine only. Write an address with mqtts:// under uplink.url, with caFile, certFile and keyFile, or adopt this concentrator again at a collector whose broker.edgesUrl is one.',
  },
  EDGE_FILE: {
    side: 'local',
    retry: 'never',
    sentence: 'A file that the settings name is not there; put it in place or correct the settings.',
  },
  EDGE_SETTINGS: {
    side: 'local',
    retry: 'never',
    sentence: 'The settings contradict the files that they name; the detail lists everything.',
  },
  LIMITS_SIGNATURE: {
    side: 'remote',
    retry: 'never',
    sentence: 'The limits document is not signed by the limits key of this concentrator; the built-in limits hold.',
  },
  LIMITS_MALFORMED: {
    side: 'remote',
    retry: 'never',
    sentence: 'The limits document does not have the documented shape; the built-in limits hold.',
  },
  LIMITS_OTHER_EDGE: {
    side: 'remote',
    retry: 'never',
    sentence: 'The limits document was signed for another concentrator; the built-in limits hold.',
  },
};

/** Makes an error of the edge. */
export const edgeError = errorsOf(EDGE_ERRORS);
