/**
 * Octets to a tree, and whole messages to what they say: the pure half of `deltawatt explain`.
 *
 * The layer is found by what the octets begin with and, when they begin with noise, by frames with right checksums inside
 * them. Segments and general-block-transfer blocks are joined by the same machine that listens on a line.
 */

import { ByteReader, toHex } from '../../base/bytes.ts';
import { reasonOf } from '../../base/errors.ts';
import { dataFromOctets, decodeData } from '../axdr/decode.ts';
import { dlmsError, isDlmsError } from '../errors.ts';
import { HDLC_RULE } from '../frame/hdlc-frame.ts';
import { LLC_BYTES } from '../frame/limits.ts';
import { startsWithLlc } from '../frame/llc.ts';
import { MBUS_RULE } from '../frame/mbus-frame.ts';
import { PushMachine } from '../frame/push.machine.ts';
import type { Discarded, FrameRule } from '../frame/scanner.ts';
import { FrameScanner } from '../frame/scanner.ts';
import { wrapperRule } from '../frame/wrapper-frame.ts';
import { decodeApdu } from '../xdlms/codec.ts';
import { explainApdu } from './apdu-node.ts';
import { TracingWalk } from './data-node.ts';
import { shapeOfData } from './data-shape.ts';
import type { AnyFrame } from './frame-node.ts';
import { nodeOfFrame, octetsOfFrame, shapeOfFrame } from './frame-node.ts';
import type { JsonObject } from './json.ts';
import type { Opener } from './message.ts';
import { decipheredNodes, shapeOfMessage } from './message.ts';
import type { ExplainNode } from './node.ts';
import { leaf, Place } from './node.ts';

/** Layers that `explain` knows. */
export const EXPLAIN_LAYERS = ['hdlc', 'wrapper', 'llc', 'mbus', 'apdu', 'data'] as const;

/** One of {@link EXPLAIN_LAYERS}. */
export type ExplainLayer = (typeof EXPLAIN_LAYERS)[number];

/** What to assume. */
export interface ExplainOptions {
  /** The outermost layer; `auto` (the default) finds it. */
  readonly layer?: ExplainLayer | 'auto';
  /** Opens ciphered APDUs, when keys are at hand. */
  readonly open?: Opener;
}

/** What the octets are. */
export interface Explanation {
  readonly layer: ExplainLayer;
  /** Frames and noise in the order of the octets, then each joined message; or the one APDU or value. */
  readonly tree: readonly ExplainNode[];
  /** Frames in the form of the vectors' `link`. */
  readonly link: readonly JsonObject[];
  /** Whole messages in the form of the vectors' `messages`. */
  readonly messages: readonly JsonObject[];
}

const SILENCE_MS = 60_000;

/**
 * Explains octets. Throws an error of `DLMS_ERRORS` when a bare APDU or value is malformed; broken frames and malformed
 * messages inside frames are nodes that say so.
 */
export function explain(octets: Uint8Array, options: ExplainOptions = {}): Explanation {
  const layer = options.layer === undefined || options.layer === 'auto' ? layerOf(octets) : options.layer;
  const open = options.open ?? (() => null);
  if (layer === 'apdu') return explainMessage(layer, octets, 0, open);
  if (layer === 'llc') return explainLlc(octets, open);
  return layer === 'data' ? explainData(octets) : explainFrames(layer, octets, open);
}

/** The outermost layer of octets: by their beginning, else by frames found inside, else by what decodes or was begun. */
export function layerOf(octets: Uint8Array): ExplainLayer {
  if (startsWithLlc(octets)) return 'llc';
  for (const layer of FRAME_LAYERS) {
    if (octets.at(0) === RULES[layer].start && framesOf(layer, octets).some(isFrame)) return layer;
  }
  if (decodes(() => decodeApdu(octets))) return 'apdu';
  for (const layer of ['hdlc', 'mbus'] as const) if (framesOf(layer, octets).some(isFrame)) return layer;
  if (decodes(() => dataFromOctets(octets))) return 'data';
  // Nothing is whole: a flag or start octet says which frame was broken.
  return FRAME_LAYERS.find((layer) => octets.at(0) === RULES[layer].start) ?? 'apdu';
}

const FRAME_LAYERS = ['hdlc', 'mbus', 'wrapper'] as const;

function decodes(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (isDlmsError(error)) return false;
    throw error;
  }
}

function explainMessage(layer: ExplainLayer, octets: Uint8Array, base: number, open: Opener): Explanation {
  const { apdu, node } = explainApdu(octets, base);
  const tree = [node, ...decipheredNodes(apdu, open)];
  return { layer, tree, link: [], messages: [shapeOfMessage(octets, apdu, open)] };
}

function explainLlc(octets: Uint8Array, open: Opener): Explanation {
  if (!startsWithLlc(octets)) throw dlmsError('DLMS_APDU_TAG', 'offset 0: E6 E6 00 or E6 E7 00 wanted');
  const direction = octets.at(1) === 0xe6 ? 'client to server' : 'server to client';
  const inner = explainMessage('llc', octets.subarray(LLC_BYTES), LLC_BYTES, open);
  return { ...inner, tree: [leaf('LLC', 0, toHex(octets.subarray(0, LLC_BYTES)), direction), ...inner.tree] };
}

function explainData(octets: Uint8Array): Explanation {
  const walk = new TracingWalk(octets, 0);
  const reader = new ByteReader(octets);
  const data = decodeData(reader, walk);
  if (reader.remaining > 0) throw dlmsError('DLMS_TRAILING', `offset ${reader.offset}: ${reader.remaining} octets`);
  return { layer: 'data', tree: walk.nodes, link: [], messages: [{ data: shapeOfData(data) }] };
}

type FrameLayer = AnyFrame['link'];

const RULES: { readonly [Layer in FrameLayer]: FrameRule<AnyFrame> } = {
  hdlc: marked(HDLC_RULE, (frame) => ({ link: 'hdlc', frame })),
  mbus: marked(MBUS_RULE, (frame) => ({ link: 'mbus', frame })),
  wrapper: marked(wrapperRule(), (frame) => ({ link: 'wrapper', frame })),
};

function marked<Frame>(rule: FrameRule<Frame>, mark: (frame: Frame) => AnyFrame): FrameRule<AnyFrame> {
  return {
    start: rule.start,
    examine(view) {
      const verdict = rule.examine(view);
      return verdict.kind === 'accept' ? { ...verdict, frame: mark(verdict.frame) } : verdict;
    },
  };
}

type Scanned = ReturnType<FrameScanner<AnyFrame>['receive']>[number];

function isFrame(event: Scanned): event is Exclude<Scanned, Discarded> {
  return event.kind === 'frame';
}

function framesOf(layer: FrameLayer, octets: Uint8Array): Scanned[] {
  const scanner = new FrameScanner([RULES[layer]], SILENCE_MS);
  return [...scanner.receive(octets, 0), ...scanner.tick(SILENCE_MS)];
}

function explainFrames(layer: FrameLayer, octets: Uint8Array, open: Opener): Explanation {
  const place = new Place(toHex(octets), 0);
  const events = framesOf(layer, octets);
  const nodes = events.map((event) => {
    if (isFrame(event)) return nodeOfFrame(event.frame, offsetOf(event.frame, place));
    const hex = toHex(event.octets);
    return leaf('discarded', place.find(hex), hex, event.code);
  });
  const messages = messagesOf(layer, events, octets).map((apdu) => joined(apdu, open));
  return {
    layer,
    tree: [...nodes, ...messages.flatMap(({ nodes: inside }) => inside)],
    link: events.filter(isFrame).map(({ frame }) => shapeOfFrame(frame)),
    messages: messages.map(({ shape }) => shape),
  };
}

/** Where a frame begins. The next one may begin on its last flag, so the search goes on there. */
function offsetOf(frame: AnyFrame, place: Place): number {
  const octets = octetsOfFrame(frame);
  const offset = place.find(toHex(octets)) ?? 0;
  if (frame.link === 'hdlc') place.moveTo(offset + octets.length - 1);
  return offset;
}

/** Whole APDUs: those that the listener joins, or what each wrapper message carries. */
function messagesOf(layer: FrameLayer, events: readonly Scanned[], octets: Uint8Array): Uint8Array[] {
  if (layer === 'wrapper') return events.flatMap((event) => (isFrame(event) ? [apduIn(event.frame)] : []));
  const machine = new PushMachine({ framing: layer, gapMs: SILENCE_MS, reassemblyMs: SILENCE_MS });
  const found = [...machine.receive(octets, 0), ...machine.tick(SILENCE_MS)];
  return found.flatMap((event) => (event.kind === 'unsolicited' ? [event.apdu] : []));
}

function apduIn(any: AnyFrame): Uint8Array {
  return any.link === 'wrapper' ? any.frame.apdu : new Uint8Array(0);
}

/** A joined message as a node of its own: its octets may come from several frames, so offsets count from its own start. */
function joined(octets: Uint8Array, open: Opener): { readonly nodes: ExplainNode[]; readonly shape: JsonObject } {
  try {
    const { apdu, node } = explainApdu(octets, 0);
    const nodes = [{ ...node, name: `message: ${node.name}` }, ...decipheredNodes(apdu, open)];
    return { nodes, shape: shapeOfMessage(octets, apdu, open) };
  } catch (error) {
    if (!isDlmsError(error)) throw error;
    const hex = toHex(octets);
    return { nodes: [leaf('message', 0, hex, reasonOf(error))], shape: { apduHex: hex, error: reasonOf(error) } };
  }
}
