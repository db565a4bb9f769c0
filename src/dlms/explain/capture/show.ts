/** Events of a capture as JSON and as lines of text. */
import { isoText } from '../../../base/time.ts';
import { explainApdu, sectionOf } from '../apdu-node.ts';
import type { Json, JsonObject } from '../json.ts';
import { decipheredNodes } from '../message.ts';
import { nodeText } from '../text.ts';
import type { CaptureEvent } from './capture.ts';

/** One JSON document of one line for each event. */
export function captureEventJson(event: CaptureEvent): JsonObject {
  const { kind, at, speaker, connection } = event;
  const head = {
    kind,
    offset: at.offset,
    ...(at.atMs === null ? {} : { time: isoText(at.atMs) }),
    connection,
    speaker,
  };
  if (event.kind === 'link') return { ...head, frame: event.frame };
  if (event.kind === 'problem') return { ...head, code: event.code, octets: event.octets };
  const { client, server, followed } = event;
  const { association, name, message, joined } = followed;
  const section = sectionOf(name);
  return { ...head, client, server, association, name, section, ...message, ...(joined === null ? {} : { joined }) };
}

/** A line for each event; with `tree` the APDU below it, field by field. */
export function captureEventText(event: CaptureEvent, tree: boolean): string {
  const { at, speaker, connection } = event;
  const time = at.atMs === null ? '' : `${isoText(at.atMs)} `;
  const arrow = speaker === 'client' ? '->' : '<-';
  const head = `${time}@${at.offset} ${connection} ${arrow} `;
  if (event.kind === 'link') return `${head}${event.frame}\n`;
  if (event.kind === 'problem') return `${head}${event.code}: ${event.octets} octets\n`;
  const { client, server, octets, followed } = event;
  const { association, name, message, joined, open } = followed;
  const error = message['error'] === undefined ? '' : ` (${String(message['error'])})`;
  const whole = joined === null ? '' : `\n  joined: ${shortened(joined)}`;
  const line = `${head}${client}/${server} ${association}: ${name}, ${octets.length} octets [${sectionOf(name)}]${error}${whole}\n`;
  if (!tree || name === 'malformed') return line;
  const { apdu, node } = explainApdu(octets, 0);
  return line + [node, ...decipheredNodes(apdu, open)].map((each) => nodeText(each, 1)).join('');
}

function shortened(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > JOINED_SHOWN_CHARACTERS ? `${text.slice(0, JOINED_SHOWN_CHARACTERS)}…` : text;
}

const JOINED_SHOWN_CHARACTERS = 200;
