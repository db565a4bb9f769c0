/** Answers of a meter as text: a line a value, a table where there are rows, or comma-separated values. */

import type { ShownAnswer } from './read-answer.ts';
import { alignedText, csvText } from './text-table.ts';

/** For people: values under each other, tables below the line that names them. */
export function answersText(answers: readonly ShownAnswer[]): string {
  return answers
    .map((shown) => {
      const { answer, table } = shown;
      const name = answer.attributeName ?? `attribute ${answer.attribute}`;
      const line = `${referenceOf(shown)}  ${answer.className}  ${name}  ${answer.words ?? answer.result}\n`;
      return table === null ? line : `${line}${indented(alignedText(table))}`;
    })
    .join('');
}

/** For programs: each table with its heading, and all single values as one more table; an empty line between tables. */
export function answersCsv(answers: readonly ShownAnswer[]): string {
  const tables = answers.flatMap(({ table }) => (table === null ? [] : [table]));
  const single = answers.filter(({ table }) => table === null);
  const values = {
    columns: ['class', 'obis', 'attribute', 'name', 'value', 'unit', 'result'],
    rows: single.map(({ answer }) => [
      String(answer.classId),
      answer.obis,
      String(answer.attribute),
      answer.attributeName ?? '',
      answer.value ?? answer.words ?? '',
      answer.unit ?? '',
      answer.result,
    ]),
  };
  return [...tables, ...(single.length === 0 ? [] : [values])].map(csvText).join('\r\n');
}

function referenceOf({ answer }: ShownAnswer): string {
  return `${answer.classId}/${answer.obis}/${answer.attribute}`;
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}
