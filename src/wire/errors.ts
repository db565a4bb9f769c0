/** Errors of the contract between edge and collector. */
import { type ErrorTable, errorsOf } from '../base/errors.ts';

/** Codes that leave the room `wire`. */
export type WireErrorCode =
  | 'WIRE_MALFORMED'
  | 'WIRE_UNKNOWN_MESSAGE'
  | 'WIRE_AUTHENTICATOR'
  | 'WIRE_TOO_LONG'
  | 'WIRE_VALUE'
  | 'BLOCK_FORMAT'
  | 'BLOCK_CRC'
  | 'BLOCK_MALFORMED'
  | 'BLOCK_STATE'
  | 'BLOCK_DICTIONARY'
  | 'BLOCK_INPUT';

/** The table: what each code means and what to do next. */
export const WIRE_ERRORS: ErrorTable<WireErrorCode> = {
  WIRE_MALFORMED: {
    side: 'remote',
    retry: 'never',
    sentence: 'A message does not have the documented shape; compare the software versions of edge and collector.',
  },
  WIRE_UNKNOWN_MESSAGE: {
    side: 'remote',
    retry: 'never',
    sentence: 'A message is of a kind that this version does not know; upgrade the program that received it.',
  },
  WIRE_AUTHENTICATOR: {
    side: 'remote',
    retry: 'never',
    sentence:
      'The authenticator of a message is wrong: the edge key differs on the two sides, or somebody forges messages.',
  },
  WIRE_TOO_LONG: {
    side: 'remote',
    retry: 'never',
    sentence: 'A message is longer than the format allows and was not looked into.',
  },
  WIRE_VALUE: {
    side: 'local',
    retry: 'never',
    sentence: 'A value cannot be written in the format; this is a fault of the program, report it.',
  },
  BLOCK_FORMAT: {
    side: 'remote',
    retry: 'never',
    sentence: 'The block has a format number that this version does not know; upgrade the program that received it.',
  },
  BLOCK_CRC: {
    side: 'path',
    retry: 'later',
    sentence: 'The checksum of a block does not match its octets; it is fetched again.',
  },
  BLOCK_MALFORMED: {
    side: 'remote',
    retry: 'never',
    sentence: 'The checksum of a block is right but its content is not; it is kept raw and decoded after a fix.',
  },
  BLOCK_STATE: {
    side: 'local',
    retry: 'later',
    sentence: 'A block was decoded without the blocks before it; decoding starts again at its keyframe.',
  },
  BLOCK_DICTIONARY: {
    side: 'remote',
    retry: 'later',
    sentence: 'The dictionary that a block names is not the one at hand; it is asked for.',
  },
  BLOCK_INPUT: {
    side: 'local',
    retry: 'never',
    sentence: 'Rows or records cannot be put into a block; this is a fault of the program, report it.',
  },
};

/** Makes an error of this room. */
export const wireError = errorsOf(WIRE_ERRORS);
