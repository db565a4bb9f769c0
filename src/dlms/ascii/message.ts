/**
 * Messages of IEC 62056-21 in seven-bit ASCII. Data `STX text ETX BCC`, or `STX text EOT BCC` where another part follows; a
 * command `SOH C D [STX text] ETX BCC` (6.3.6 to 6.3.14); one octet each for an acknowledgement and for "say it again". The
 * BCC is the exclusive or of everything behind the first SOH or STX up to ETX or EOT, both bounds of the text included.
 */
import { ByteWriter } from '../../base/bytes.ts';
import { xor8 } from '../../base/crc.ts';
import { frameError } from '../frame/errors.ts';
import { ASCII_MESSAGE_MAX_BYTES } from '../frame/limits.ts';

/** A message. */
export type AsciiMessage =
  | { readonly kind: 'acknowledge' }
  /** The other side heard a wrong BCC: it wants to hear it again. */
  | { readonly kind: 'repeat' }
  | {
      readonly kind: 'data';
      /** Lines with their CR LF; of a read-out with its `!`. */
      readonly text: string;
      /** Another part follows once this one is acknowledged. */
      readonly isPart: boolean;
    }
  | {
      readonly kind: 'command';
      /** `P0` to `P2`, `W0` to `W6`, `R0` to `R6`, `E0` to `E6`, `B0`. */
      readonly name: string;
      /** Null = it has no data, as the break. */
      readonly text: string | null;
    };

/** Octets that say what they are. */
export const ASCII_CONTROL = { soh: 0x01, stx: 0x02, etx: 0x03, eot: 0x04, acknowledge: 0x06, repeat: 0x15 } as const;

const { soh, stx, etx, eot, acknowledge, repeat } = ASCII_CONTROL;
const NAME_OCTETS = 2;

/** Octets of a message. */
export function encodeAsciiMessage(message: AsciiMessage): Uint8Array {
  switch (message.kind) {
    case 'acknowledge':
      return Uint8Array.of(acknowledge);
    case 'repeat':
      return Uint8Array.of(repeat);
    case 'data':
      return checked(stx, [...asciiOctets(message.text), message.isPart ? eot : etx]);
    case 'command': {
      const text = message.text === null ? [] : [stx, ...asciiOctets(message.text)];
      return checked(soh, [...asciiOctets(message.name), ...text, etx]);
    }
  }
}

function checked(start: number, rest: readonly number[]): Uint8Array {
  return new ByteWriter().u8(start).bytes(Uint8Array.from(rest)).u8(xor8(rest)).finish();
}

/** Characters as octets; those above seven bits have no place here and lose their upper bit. */
export function asciiOctets(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0) & 0x7f);
}

/** A message found in octets. */
export interface FoundMessage {
  readonly message: AsciiMessage;
  /** Octets up to its end, those in front of it that belong to none included. */
  readonly used: number;
}

/**
 * The first message in octets of seven bits; octets in front of it are passed over. Null = it goes on behind them, or there is
 * none yet. Throws IEC_CHECK when its BCC is wrong, or when it is no command; IEC_TOO_LONG above
 * {@link ASCII_MESSAGE_MAX_BYTES} octets.
 */
export function decodeAsciiMessage(octets: Uint8Array): FoundMessage | null {
  const from = octets.findIndex((octet) => octet === soh || octet === stx || octet === acknowledge || octet === repeat);
  const start = octets[from];
  if (start === undefined) return null;
  if (start === acknowledge) return { message: { kind: 'acknowledge' }, used: from + 1 };
  if (start === repeat) return { message: { kind: 'repeat' }, used: from + 1 };
  const ends = [octets.indexOf(etx, from), octets.indexOf(eot, from)].filter((at) => at >= 0);
  const end = ends.length === 0 ? -1 : Math.min(...ends);
  if (end < 0 || end + 1 >= octets.length) {
    if (octets.length - from > ASCII_MESSAGE_MAX_BYTES)
      throw frameError('IEC_TOO_LONG', `offset ${from}: no end within ${ASCII_MESSAGE_MAX_BYTES} octets`);
    return null;
  }
  const body = octets.subarray(from + 1, end);
  const check = xor8(octets.subarray(from + 1, end + 1));
  if (octets[end + 1] !== check)
    throw frameError('IEC_CHECK', `offset ${end + 1}: ${octets[end + 1]} stands where ${check} was counted`);
  const isPart = octets[end] === eot;
  if (isPart && start === soh) throw frameError('IEC_CHECK', `offset ${end}: a command ends with ETX`);
  const message = start === stx ? { kind: 'data' as const, text: textOf(body), isPart } : commandIn(body, from);
  return { message, used: end + 2 };
}

function commandIn(body: Uint8Array, from: number): AsciiMessage {
  const name = textOf(body.subarray(0, NAME_OCTETS));
  const hasText = body.length > NAME_OCTETS;
  if (!/^[A-Z]\d$/.test(name) || (hasText && body[NAME_OCTETS] !== stx))
    throw frameError('IEC_CHECK', `offset ${from + 1}: no command begins like this`);
  return { kind: 'command', name, text: hasText ? textOf(body.subarray(NAME_OCTETS + 1)) : null };
}

function textOf(octets: Uint8Array): string {
  let text = '';
  for (const octet of octets) text += String.fromCharCode(octet);
  return text;
}
