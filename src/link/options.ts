/** Options in the address of a link: a table per scheme, read with all problems at once. */

/** One option. */
export type OptionRow =
  | {
      readonly kind: 'number';
      readonly about: string;
      readonly unit: string;
      readonly default: number;
      readonly min: number;
      readonly max: number;
    }
  | { readonly kind: 'hex'; readonly about: string; readonly digits: number; readonly default: '' }
  | { readonly kind: 'choice'; readonly about: string; readonly default: string; readonly of: readonly string[] }
  | { readonly kind: 'flag'; readonly about: string; readonly default: boolean };

/** The options of a scheme by name. */
export type OptionTable = Readonly<Record<string, OptionRow>>;

/** Values of a table's options. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends { kind: 'number' }
    ? number
    : Table[Name] extends { kind: 'flag' }
      ? boolean
      : string;
};

/** Reads the query of an address; problems name the option and the way out. */
export function readOptions<Table extends OptionTable>(
  table: Table,
  query: URLSearchParams,
): { readonly values: OptionValues<Table>; readonly problems: readonly string[] } {
  const problems: string[] = [];
  for (const name of new Set(query.keys())) {
    if (!(name in table))
      problems.push(`unknown option '${name}': ${Object.keys(table).join(', ') || 'none'} may be given`);
    else if (query.getAll(name).length > 1) problems.push(`option '${name}' is given more than once`);
  }
  const values = Object.fromEntries(
    Object.entries(table).map(([name, row]) => {
      const text = query.get(name);
      const value = text === null ? row.default : readOption(row, text);
      if (value === null) problems.push(`option '${name}' is '${text}': ${allowed(row)}`);
      return [name, value ?? row.default];
    }),
  );
  return { values: values as OptionValues<Table>, problems };
}

function readOption(row: OptionRow, text: string): number | string | boolean | null {
  switch (row.kind) {
    case 'number':
      return /^\d{1,9}$/.test(text) && Number(text) >= row.min && Number(text) <= row.max ? Number(text) : null;
    case 'hex':
      return new RegExp(`^[0-9A-Fa-f]{${row.digits}}$`).test(text) ? text.toUpperCase() : null;
    case 'choice':
      return row.of.includes(text) ? text : null;
    case 'flag':
      return text === 'yes' || text === 'no' ? text === 'yes' : null;
  }
}

function allowed(row: OptionRow): string {
  if (row.kind === 'number') return `a whole number from ${row.min} to ${row.max} ${row.unit} is wanted`;
  if (row.kind === 'hex') return `${row.digits} hexadecimal digits are wanted`;
  return row.kind === 'choice' ? `one of ${row.of.join(', ')} is wanted` : 'yes or no is wanted';
}
