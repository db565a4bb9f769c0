/** YAML text to plain values, with bounds: the text may come from anywhere. */
import { LineCounter, parseDocument } from 'yaml';
import { reasonOf } from './errors.ts';
import { PROBLEMS_MAX, type Problem } from './problems.ts';

/** Aliases that one file may expand; an honest one repeats a few blocks, an alias bomb repeats its own repetitions. */
const ALIASES_MAX = 100;

/** The value of a file, or everything that keeps it from being YAML. */
export type ParsedYaml =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads one YAML 1.2 document of at most `charactersMax` characters. A key written twice is a problem. */
export function parseYaml(text: string, charactersMax: number): ParsedYaml {
  if (text.length > charactersMax) {
    return failed([`The file has ${text.length} characters, ${charactersMax} are allowed: split it.`]);
  }
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    if (document.errors.length > 0) {
      return failed(
        document.errors.slice(0, PROBLEMS_MAX).map((error) => {
          const { line, col } = lines.linePos(error.pos[0]);
          return `Line ${line}, column ${col}: this is not YAML: ${error.message}.`;
        }),
      );
    }
    return { ok: true, value: document.toJS({ maxAliasCount: ALIASES_MAX }) };
  } catch (error) {
    return failed([`This is not YAML: ${reasonOf(error)}.`]);
  }
}

function failed(sentences: readonly string[]): ParsedYaml {
  return { ok: false, problems: sentences.map((sentence) => ({ path: '', sentence })) };
}
