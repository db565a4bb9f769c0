/**
 * Small mistakes in a source text, one at a time: an operator that is another one, a guard or a call that is missing, a value
 * that is its opposite. Pure.
 *
 * It works on formatted text, where operators have spaces around them and type parameters have not, so that no parser is
 * needed. Known weak point: a mistake that changes nothing one could see (a faster way, a bound that is met elsewhere) counts
 * as survived.
 */

/** One mistake: the octets from `from` to `to` of the text become `text`. */
export interface Mutant {
  readonly from: number;
  readonly to: number;
  readonly text: string;
  /** From 1. */
  readonly line: number;
  /** What it does, in words. */
  readonly words: string;
}

/** What each operator becomes. */
const OPERATORS: Readonly<Record<string, string>> = {
  '===': '!==',
  '!==': '===',
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '+': '-',
  '-': '+',
  '*': '+',
  '%': '*',
  '&&': '||',
  '||': '&&',
  '<<': '>>>',
  '>>>': '<<',
};
/** The star of an import or export is none. */
const OPERATOR = /(?<=(?<!\b(?:import|export)) )(?:===|!==|<=|>=|>>>|<<|&&|\|\||[<>+\-*%])(?= )/g;
const VERDICT = /(?<=(?:return|=) )(?:true|false)(?=;)/g;
/** A line that leaves early, or that does something to something else. */
const GUARD = /^ +if \(.*\) (?:return|throw|break|continue)\b.*;$/gm;
const CALL = /^ +(?:this\.)?#?[a-z][\w.#]*\([^=\n]*\);$/gm;

/** Every mistake that can be made in a text, in its order. */
export function mutantsOf(source: string): readonly Mutant[] {
  const code = masked(source);
  const found = [
    ...matches(code, OPERATOR, (text) => ({
      text: OPERATORS[text] ?? text,
      words: `${text} becomes ${OPERATORS[text]}`,
    })),
    ...matches(code, VERDICT, (text) => {
      const other = text === 'true' ? 'false' : 'true';
      return { text: other, words: `${text} becomes ${other}` };
    }),
    ...matches(code, GUARD, (_, line) => ({ text: '', words: `without: ${line}` }), source),
    ...matches(code, CALL, (_, line) => ({ text: '', words: `without: ${line}` }), source),
  ];
  return found.sort((a, b) => a.from - b.from || a.to - b.to);
}

/** The text with one mistake. */
export function withMutant(source: string, { from, to, text }: Mutant): string {
  return source.slice(0, from) + text + source.slice(to);
}

function matches(
  code: string,
  pattern: RegExp,
  change: (text: string, shown: string) => { readonly text: string; readonly words: string },
  source = code,
): Mutant[] {
  return [...code.matchAll(pattern)].map((match) => {
    const from = match.index;
    const to = from + match[0].length;
    const line = code.slice(0, from).split('\n').length;
    return { from, to, line, ...change(match[0], source.slice(from, to).trim()) };
  });
}

/** Comments, texts and patterns as blanks of the same length, so that only code is left where it was. */
function masked(source: string): string {
  const blank = (text: string) => text.replace(/[^\n]/g, '_');
  const texts = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/.source;
  const pattern =
    /(?<=[(,=:[!&|?{};\n] *)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])*\/[a-z]*/
      .source;
  return source.replace(new RegExp(`${texts}|${pattern}`, 'g'), blank);
}
