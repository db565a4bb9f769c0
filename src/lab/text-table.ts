/** Tables as text: columns under each other for people, comma-separated values for programs. */

/** Columns and rows. */
export interface TextTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Columns padded to their widest cell, two spaces between them, no trailing spaces. */
export function alignedText({ columns, rows }: TextTable): string {
  const all = [columns, ...rows];
  const widths = columns.map((_, at) => all.reduce((most, row) => Math.max(most, row[at]?.length ?? 0), 0));
  return all
    .map(
      (row) =>
        `${row
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** RFC 4180: CRLF at line ends, quotes around cells that need them. */
export function csvText({ columns, rows }: TextTable): string {
  return [columns, ...rows].map((row) => `${row.map(csvCell).join(',')}\r\n`).join('');
}

function csvCell(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
