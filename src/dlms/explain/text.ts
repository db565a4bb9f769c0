/** An explanation as JSON and as text. */

import type { Explanation } from './explain.ts';
import type { Json, JsonObject } from './json.ts';
import { isJsonList, isJsonObject } from './json.ts';
import type { ExplainNode } from './node.ts';

const HEX_SHOWN = 48;

/** One JSON document: layer, link, messages, tree. */
export function explanationJson(explanation: Explanation): JsonObject {
  const { layer, link, messages, tree } = explanation;
  return { layer, ...(link.length === 0 ? {} : { link }), messages, tree: tree.map(nodeJson) };
}

function nodeJson(node: ExplainNode): JsonObject {
  const { name, offset, hex, value, section, children } = node;
  return {
    name,
    ...(offset === null ? {} : { offset, hex }),
    ...(value === undefined ? {} : { value }),
    ...(section === undefined ? {} : { section }),
    ...(children.length === 0 ? {} : { children: children.map(nodeJson) }),
  };
}

/** Indented lines of name, value, section, offset and octets (long ones cut short); below them the readings of pushes. */
export function explanationText(explanation: Explanation): string {
  const tree = explanation.tree.map((node) => nodeText(node, 0)).join('');
  return tree + explanation.messages.map(readingsText).join('');
}

function readingsText({ layout, readings }: JsonObject): string {
  if (!isJsonList(readings)) return '';
  const lines = readings.map((reading) => (isJsonObject(reading) ? `  ${readingText(reading)}\n` : ''));
  return `readings (${String(layout)})\n${lines.join('')}`;
}

function readingText({ obis, position, scaler, unitName, ...value }: JsonObject): string {
  const name = obis === undefined ? `at ${String(position)}` : String(obis);
  const said = value['value'] ?? value['text'] ?? value['hex'] ?? valueText(value);
  const scale = scaler === undefined || scaler === 0 ? '' : ` x 10^${String(scaler)}`;
  return `${name}  ${String(said)}${scale}${unitName === undefined ? '' : ` ${String(unitName)}`}`;
}

/** A node and what is below it, one line each, indented by `depth`. */
export function nodeText(node: ExplainNode, depth: number): string {
  const { name, offset, hex, value, section, children } = node;
  const shownHex = hex.length > HEX_SHOWN ? `${hex.slice(0, HEX_SHOWN)}… (${hex.length / 2} octets)` : hex;
  const words = [
    `${'  '.repeat(depth)}${name}`,
    value === undefined || value === null ? '' : `= ${valueText(value)}`,
    section === undefined ? '' : `[${section}]`,
    offset === null ? '' : `@${offset} ${shownHex}`,
  ];
  const line = `${words.filter((word) => word !== '').join('  ')}\n`;
  return line + children.map((child) => nodeText(child, depth + 1)).join('');
}

function valueText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
