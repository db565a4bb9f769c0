/** All commands. */
import { go, useNow, useReloadOn, useResource } from '../hooks.ts';
import { CommandBadge } from '../parts/badge.tsx';
import { RowTable } from '../parts/row-table.tsx';
import { Await, Empty } from '../parts/states.tsx';
import type { Command, Page } from '../types.ts';
import { agoText } from '../words.ts';
import { Title } from './title.tsx';

const NOT_DONE = new Set(['failed', 'refused', 'expired', 'uncertain']);
const SHOWS: readonly (readonly [string, string, (command: Command) => boolean])[] = [
  ['', 'All', () => true],
  ['open', 'Under way', (command) => !command.ended],
  ['failed', 'Not done', (command) => NOT_DONE.has(command.state)],
];

/** The page; the query says which are shown. */
export function CommandsPage(props: { readonly query: URLSearchParams }) {
  const nowMs = useNow();
  const show = props.query.get('show') ?? '';
  const commands = useResource<Page<Command>>('/api/v1/commands?limit=200');
  useReloadOn((change) => change.event === 'command', commands.reload, 300);
  const wanted = SHOWS.find(([value]) => value === show)?.[2] ?? (() => true);
  return (
    <>
      <Title title="Commands" lead="What was asked of meters, by whom, and what became of it.">
        <fieldset class="segments">
          <legend class="visually-hidden">Which commands</legend>
          {SHOWS.map(([value, words]) => (
            <button
              type="button"
              key={value}
              aria-pressed={value === show}
              onClick={() => go(`/commands${value === '' ? '' : `?show=${value}`}`)}
            >
              {words}
            </button>
          ))}
        </fieldset>
      </Title>
      <section class="card" aria-label="Commands">
        <Await resource={commands} loading="Reading the commands.">
          {(page) => {
            const items = page.items.filter(wanted);
            if (items.length === 0)
              return <Empty>No commands here. They are made on the page of a meter, or with the API.</Empty>;
            return (
              <RowTable
                caption="Commands"
                head={['What', 'Meter', 'State', 'In words', 'By', 'Asked']}
                rows={items.map((command) => ({
                  key: command.id,
                  to: `/meters/${command.meterId}`,
                  cells: [
                    command.what,
                    <a key="meter" href={`#/meters/${command.meterId}`}>
                      {command.meterId}
                    </a>,
                    <CommandBadge key="state" state={command.state} />,
                    command.sentence,
                    command.author,
                    agoText(command.createdAtMs, nowMs),
                  ],
                }))}
              />
            );
          }}
        </Await>
      </section>
    </>
  );
}
