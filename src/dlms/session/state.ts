/**
 * The life of an association as one table that knows no role: client and server walk it with the same events, one when it
 * sends what the other receives (Green Book clause 9.3, association control).
 *
 * `authenticating` is where passes 3 and 4 of the high-level mechanisms belong: an accepted AARE that still asks for proof.
 */

/** Where an association is. */
export type AssociationState = 'closed' | 'linked' | 'associating' | 'authenticating' | 'associated' | 'releasing';

/** What moves it. */
export type AssociationEvent =
  | 'link-up'
  | 'link-down'
  /** AARQ sent or received. */
  | 'request'
  /** AARE: accepted. */
  | 'accept'
  /** AARE: accepted so far, proof is wanted. */
  | 'challenge'
  /** AARE: refused; or the proof was wrong. */
  | 'refuse'
  /** The proof was right. */
  | 'proof'
  /** A service request or its answer. */
  | 'service'
  /** RLRQ sent or received. */
  | 'release'
  /** RLRE sent or received, or no longer waited for. */
  | 'released';

type Row = Readonly<Partial<Record<AssociationEvent, AssociationState>>>;

/** Every lawful step. A second AARQ on an open association begins a new one, as meters do. */
export const ASSOCIATION_TABLE: Readonly<Record<AssociationState, Row>> = {
  closed: { 'link-up': 'linked', 'link-down': 'closed' },
  linked: { 'link-up': 'linked', 'link-down': 'closed', request: 'associating', release: 'releasing' },
  associating: {
    'link-up': 'linked',
    'link-down': 'closed',
    request: 'associating',
    accept: 'associated',
    challenge: 'authenticating',
    refuse: 'linked',
    release: 'releasing',
  },
  authenticating: {
    'link-up': 'linked',
    'link-down': 'closed',
    request: 'associating',
    proof: 'associated',
    refuse: 'linked',
    release: 'releasing',
  },
  associated: {
    'link-up': 'linked',
    'link-down': 'closed',
    request: 'associating',
    service: 'associated',
    release: 'releasing',
  },
  releasing: { 'link-up': 'linked', 'link-down': 'closed', service: 'releasing', released: 'linked' },
};

/** Where the event leads, or null when it has no place in this state. */
export function nextState(state: AssociationState, event: AssociationEvent): AssociationState | null {
  return ASSOCIATION_TABLE[state][event] ?? null;
}
