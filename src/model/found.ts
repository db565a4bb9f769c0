/** Meters that were found and that nobody has named to their concentrator yet. */

/** What answered: `other` = another meter than a list says, `garbled` = octets and no frame. Wire numbers are the index: append only. */
export const FOUND_STATES = ['found', 'other', 'refused', 'garbled', 'silent'] as const;

/** One of {@link FOUND_STATES}. */
export type FoundState = (typeof FOUND_STATES)[number];

/** How a network over the power line knows a meter. */
export interface NetworkNode {
  /** DLMS id. */
  readonly name: string;
  /** EUI-48 of its modem, 12 hex digits in upper case. */
  readonly eui48: string;
}

/** A meter that joined a network of a concentrator which does not read it. */
export interface FoundNode {
  /** Id of the line. */
  readonly line: string;
  readonly node: NetworkNode;
  readonly state: FoundState;
  /** Serial number as the meter tells it. */
  readonly serial?: string;
  /** COSEM logical device name. */
  readonly deviceName?: string;
  readonly firmware?: string;
  /** What was found, for people. */
  readonly sentence: string;
  readonly atMs: number;
}
