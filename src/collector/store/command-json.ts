/** Command bodies and results as JSON of the database: exact integers as text, octets as hex. */
import { fromHex, toHex } from '../../base/bytes.ts';
import type { CommandReport, ObjectValue, RelayState } from '../../model/command.ts';
import { exact } from '../../model/number.ts';

/** The values of a report as kept. */
export interface ResultJson {
  readonly values: readonly (Omit<ObjectValue, 'value' | 'raw'> & { readonly value?: string; readonly raw: string })[];
  readonly relay?: RelayState;
  /** The report is not whole: how far it came. */
  readonly part?: NonNullable<CommandReport['part']>;
}

/** A report's values, to be kept. */
export function resultToJson(report: CommandReport): ResultJson {
  const values = report.values.map(({ value, raw, ...rest }) => ({
    ...rest,
    ...(value === undefined ? {} : { value: String(value) }),
    raw: toHex(raw),
  }));
  const { relay, part } = report;
  return { values, ...(relay === undefined ? {} : { relay }), ...(part === undefined ? {} : { part }) };
}

/** A report's values as they were. */
export function resultFromJson(json: ResultJson): Pick<CommandReport, 'values' | 'relay' | 'part'> {
  const values = json.values.map(({ value, raw, ...rest }) => ({
    ...rest,
    ...(value === undefined ? {} : { value: exact(BigInt(value)) }),
    raw: fromHex(raw),
  }));
  const { relay, part } = json;
  return { values, ...(relay === undefined ? {} : { relay }), ...(part === undefined ? {} : { part }) };
}
