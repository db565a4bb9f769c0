/** PEM (RFC 7468): octets as text between two lines that say what they are. */
import { concat } from './bytes.ts';

const LINE_CHARACTERS = 64;

/** One PEM text; `label` is what stands after BEGIN: CERTIFICATE, CERTIFICATE REQUEST. */
export function pemOf(label: string, octets: Uint8Array): string {
  const text = base64(concat([octets]));
  const lines = text.match(new RegExp(`.{1,${LINE_CHARACTERS}}`, 'g')) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

function base64(octets: Uint8Array): string {
  return btoa(String.fromCharCode(...octets));
}

/**
 * The octets of every block with this label, in their order; text around them and blocks of other labels are stepped over.
 * Null when one of them is no base64 or does not end.
 */
export function pemBlocks(text: string, label: string): Uint8Array[] | null {
  const blocks: Uint8Array[] = [];
  const [, ...begun] = text.split(`-----BEGIN ${label}-----`);
  for (const each of begun) {
    const end = each.indexOf(`-----END ${label}-----`);
    const body = each.slice(0, Math.max(end, 0)).replaceAll(/\s/g, '');
    if (end === -1 || !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(body)) return null;
    blocks.push(Uint8Array.from(atob(body), (character) => character.charCodeAt(0)));
  }
  return blocks;
}
