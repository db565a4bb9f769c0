/** A table whose rows are links: one row takes part in the tab order, arrows move, Enter opens. */
import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { go } from '../hooks.ts';

/** A row. */
export interface TableRow {
  readonly key: string;
  /** Where it leads. */
  readonly to: string;
  readonly cells: readonly ComponentChildren[];
}

/** Cells as short as this stay on one line. */
const KEEP_CHARS = 24;

const MOVES: Readonly<Record<string, (at: number, count: number) => number>> = {
  ArrowDown: (at, count) => Math.min(at + 1, count - 1),
  ArrowUp: (at) => Math.max(at - 1, 0),
  Home: () => 0,
  End: (_at, count) => count - 1,
  PageDown: (at, count) => Math.min(at + 10, count - 1),
  PageUp: (at) => Math.max(at - 10, 0),
};

/** The table; `caption` is read to those who do not see it. */
export function RowTable(props: {
  readonly caption: string;
  readonly head: readonly string[];
  readonly rows: readonly TableRow[];
}) {
  const [chosen, setChosen] = useState(0);
  const body = useRef<HTMLTableSectionElement>(null);
  const at = Math.min(chosen, Math.max(0, props.rows.length - 1));
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.target instanceof HTMLAnchorElement) return;
    if (event.key === 'Enter') go(props.rows[at]?.to ?? '');
    const move = MOVES[event.key];
    if (move === undefined) return;
    event.preventDefault();
    const next = move(at, props.rows.length);
    setChosen(next);
    const row = body.current?.rows[next];
    row?.focus();
  };
  return (
    <div class="table-wrap">
      <table>
        <caption class="visually-hidden">{`${props.caption}. Arrow keys move, Enter opens.`}</caption>
        <thead>
          <tr>
            {props.head.map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody ref={body} onKeyDown={onKeyDown}>
          {props.rows.map((row, index) => (
            <tr
              key={row.key}
              tabIndex={index === at ? 0 : -1}
              onFocus={() => setChosen(index)}
              onClick={(event) => {
                if (!(event.target instanceof HTMLAnchorElement)) go(row.to);
              }}
            >
              {row.cells.map((cell, column) => (
                <td
                  key={props.head[column]}
                  class={typeof cell === 'string' && cell.length > KEEP_CHARS ? undefined : 'keep'}
                >
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
