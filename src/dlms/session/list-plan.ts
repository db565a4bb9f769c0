/**
 * How many attributes go into one GET: as many as fit the server's PDU as a question, and the PDUs of both sides as an
 * answer.
 *
 * The answer's length is not known beforehand, so it is guessed from class and attribute, generously. The guess only binds
 * where a long answer cannot come in blocks: then a list that is too long would be refused whole. A meter that refuses a
 * list all the same is asked with half as many, down to one, and the session remembers the number that it took: what a
 * meter bears is learned once an association, not paid for at every list. Only GET is treated so; a refused SET or ACTION
 * may have been done in part, and is never sent again in another form.
 */
import type { AttributeAccess } from '../xdlms/service.ts';
import { type Association, agreed } from './association.ts';

/** Tag, form, invocation and count of a list, with margin. */
const LIST_HEAD_BYTES = 8;
/** The choice in front of each result. */
const RESULT_BYTES = 1;
const LONG = Number.POSITIVE_INFINITY;
/** Any attribute that is in no table: identifiers and short structures. */
const OTHER_BYTES = 64;
const LOGICAL_NAME_BYTES = 8;

/** Octets of answers by `class/attribute`; {@link LONG} = as long as a meter likes. */
const ANSWER_BYTES: Readonly<Record<string, number>> = {
  '3/2': 9,
  '3/3': 6,
  '4/2': 9,
  '4/3': 6,
  '4/5': 14,
  '5/2': 9,
  '5/3': 9,
  '5/4': 6,
  '7/2': LONG,
  '7/3': 512,
  '7/4': 5,
  '7/7': 5,
  '7/8': 5,
  '8/2': 14,
  '12/2': LONG,
  '15/2': LONG,
  '70/2': 2,
  '70/3': 2,
  '70/4': 2,
};

/** Octets that the answer to this attribute takes at most, as a guess; infinite for buffers and object lists. */
export function answerBytesOf({ classId, attributeId }: AttributeAccess): number {
  return attributeId === 1 ? LOGICAL_NAME_BYTES : (ANSWER_BYTES[`${classId}/${attributeId}`] ?? OTHER_BYTES);
}

/** How many of `items`, from the first, should be asked in one list of at most `itemsMax`; at least 1. */
export function listLength(items: readonly AttributeAccess[], association: Association, itemsMax: number): number {
  if (!agreed(association, 'multiple-references')) return 1;
  const most = Math.min(items.length, itemsMax);
  const inBlocks =
    agreed(association, 'block-transfer-with-get-or-read') || agreed(association, 'general-block-transfer');
  if (inBlocks) return Math.max(1, most);
  const room = Math.min(pduOf(association.clientPduMaxBytes), pduOf(association.serverPduMaxBytes));
  let bytes = LIST_HEAD_BYTES;
  for (let count = 0; count < most; count++) {
    bytes += RESULT_BYTES + answerBytesOf(items[count] as AttributeAccess);
    if (bytes > room) return Math.max(1, count);
  }
  return Math.max(1, most);
}

function pduOf(maxBytes: number): number {
  return maxBytes === 0 ? LONG : maxBytes;
}

/** The longest list that this meter is known to take. */
export class ListSize {
  #itemsMax: number;

  constructor(itemsMax: number) {
    this.#itemsMax = Math.max(1, itemsMax);
  }

  /** Items in one list at most. */
  get itemsMax(): number {
    return this.#itemsMax;
  }

  /** A list of `count` items was refused whole; gives how many to try next, or null when it was one item. */
  refused(count: number): number | null {
    if (count <= 1) return null;
    this.#itemsMax = Math.min(this.#itemsMax, Math.ceil(count / 2));
    return this.#itemsMax;
  }
}
