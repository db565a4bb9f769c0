/** What goes in and out of an image transfer: settings, steps, answers, and what is kept of it. */
import type { Data } from '../axdr/data.ts';
import type { ObisCode } from '../cosem/obis.ts';
import type { AttributeDescriptor, GetDataResult, MethodDescriptor } from '../xdlms/service.ts';
import type { ImageErrorCode } from './errors.ts';

/** How far we went, as far as we asked for it; what the meter did with it only the meter knows. */
export const IMAGE_PHASES = ['new', 'initiating', 'transferring', 'verifying', 'activating'] as const;

/** One of {@link IMAGE_PHASES}. */
export type ImagePhase = (typeof IMAGE_PHASES)[number];

/** What must survive a restart, written before the step that it announces: kept by whoever drives the transfer. */
export interface ImageRecord {
  /** SHA-256 of the image, hex. */
  readonly sha256: string;
  /** Identifier, hex. */
  readonly identifier: string;
  readonly phase: ImagePhase;
  /** Number of the next block to send, for people and for the first look. */
  readonly nextBlock: number;
  /** Blocks of the image; 0 = not known yet. */
  readonly blocks: number;
  /** What the meter said of its firmware before the activation; null = not read. */
  readonly versionBefore: string | null;
}

/** The image and what is known of it. */
export interface ImageSource {
  readonly octets: Uint8Array;
  /** Hex. */
  readonly sha256: string;
  /** Names the image to the meter (Blue Book: image_identifier), 1 to 64 octets. */
  readonly identifier: Uint8Array;
  /** Signature that the meter must show in attribute 7; null = whatever it shows. */
  readonly signature: Uint8Array | null;
}

/** Settings of a transfer. */
export interface ImageTransferOptions {
  readonly image: ImageSource;
  /** The image transfer object. */
  readonly obis: ObisCode;
  /** Attribute that names the active firmware; null = there is none, the status alone tells. */
  readonly version: AttributeDescriptor | null;
  /** Whether attribute 7 must name the image before it is activated; `optional` = also when the meter does not tell. */
  readonly info: 'required' | 'optional';
  /** UTC ms before which the image is not activated; null = at once. */
  readonly activateAtMs: number | null;
  /** From where to go on. */
  readonly record: ImageRecord | null;
  /** Whether the blocks are sent to all meters of the line first; absent = to this one alone. */
  readonly broadcast?: boolean;
  readonly verifyMaxMs?: number;
  readonly activateMaxMs?: number;
}

/** What the association in use takes. */
export interface ImageRoom {
  /** Longest message to the meter, what ciphering takes already taken off; 0 = no limit. */
  readonly pduMaxBytes: number;
  /** A longer one may be split (block transfer with ACTION). */
  readonly canSplit: boolean;
}

/** What to do next. */
export type ImageStep =
  | { readonly kind: 'get'; readonly items: readonly AttributeDescriptor[] }
  | { readonly kind: 'set'; readonly item: AttributeDescriptor; readonly value: Data }
  | { readonly kind: 'invoke'; readonly method: MethodDescriptor; readonly parameters: Data }
  /**
   * The meter waits for the blocks that go to all: answer with result 0 once they were sent, with `lost` when they will not be.
   * The meter is then asked which ones it has, and gets the others alone. `numbers` are the blocks that it needs: all of them,
   * or what a broadcast that a restart broke off left over.
   */
  | { readonly kind: 'broadcast'; readonly blockOctets: number; readonly numbers: readonly number[] }
  /** Nothing to ask for so long; then call `waited` of the transfer. */
  | { readonly kind: 'wait'; readonly delayMs: number }
  | { readonly kind: 'end'; readonly outcome: ImageOutcome };

/** How the step before was answered. `lost` = whether the meter did it is not known. */
export type ImageAnswer =
  | { readonly kind: 'values'; readonly results: readonly GetDataResult[] }
  /** Result code of a write or a method. */
  | { readonly kind: 'result'; readonly code: number }
  | { readonly kind: 'lost' };

/** How it ended. */
export type ImageOutcome =
  | { readonly kind: 'activated'; readonly version: string | null; readonly versionBefore: string | null }
  | { readonly kind: 'failed'; readonly code: ImageErrorCode; readonly detail: string };
