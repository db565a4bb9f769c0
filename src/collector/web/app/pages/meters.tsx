/** Meters: search and list. */
import { useEffect, useState } from 'preact/hooks';
import { call } from '../api.ts';
import { go, useNow, useReloadOn, useResource, wordsOf } from '../hooks.ts';
import { MeterBadge } from '../parts/badge.tsx';
import { RowTable } from '../parts/row-table.tsx';
import { Await, Empty } from '../parts/states.tsx';
import type { Exceptions, Meter, Page } from '../types.ts';
import { agoText, METER_STATE_WORDS, plural } from '../words.ts';
import { ImportMetersCard } from './import-meters.tsx';
import { Title } from './title.tsx';

const FILTERS: readonly (readonly [string, string])[] = [
  ['', 'All'],
  ['troubled', 'Not read'],
  ['silent', 'Not answering'],
  ['garbled', 'Unreadable'],
  ['reachable', 'Answering'],
  ['unknown', 'Not tried yet'],
];

/** The page; the query says text and state. */
export function MetersPage(props: { readonly query: URLSearchParams }) {
  const text = props.query.get('text') ?? '';
  const state = props.query.get('state') ?? '';
  const edge = props.query.get('edge') ?? '';
  const isTroubled = state === 'troubled';
  const search = new URLSearchParams({
    limit: '100',
    ...(text === '' ? {} : { text }),
    ...(edge === '' ? {} : { edgeId: edge }),
    ...(state === '' || isTroubled ? {} : { state }),
  });
  const list = useResource<Page<Meter>>(isTroubled ? null : `/api/v1/meters?${search}`);
  const exceptions = useResource<Exceptions>(isTroubled ? '/api/v1/exceptions' : null);
  const troubled = {
    ...exceptions,
    data: exceptions.data === null ? null : { items: exceptions.data.meters.troubled },
  };
  const shown = isTroubled ? troubled : list;
  const [isImporting, setIsImporting] = useState(false);
  useReloadOn((change) => change.event === 'meter-state', shown.reload, 3_500);
  const choose = (value: string): void =>
    go(
      `/meters?${new URLSearchParams({ ...(text === '' ? {} : { text }), ...(edge === '' ? {} : { edge }), ...(value === '' ? {} : { state: value }) })}`,
    );
  return (
    <>
      <Title
        title={text !== '' ? `Meters with “${text}”` : edge !== '' ? `Meters of ${edge}` : 'Meters'}
        lead={METER_STATE_WORDS[state]?.words}
      >
        <fieldset class="segments">
          <legend class="visually-hidden">Which meters</legend>
          {FILTERS.map(([value, words]) => (
            <button type="button" key={value} aria-pressed={value === state} onClick={() => choose(value)}>
              {words}
            </button>
          ))}
        </fieldset>
        <button type="button" class="button" disabled={isImporting} onClick={() => setIsImporting(true)}>
          Import a list…
        </button>
      </Title>
      {isImporting && <ImportMetersCard onImported={shown.reload} onClose={() => setIsImporting(false)} />}
      <section class="card" aria-label="Meters">
        <Await resource={shown} loading="Looking for meters.">
          {(page) => <MeterList first={page} search={search.toString()} />}
        </Await>
      </section>
    </>
  );
}

function MeterList(props: { readonly first: Page<Meter>; readonly search: string }) {
  const nowMs = useNow();
  const [more, setMore] = useState<Page<Meter>>({ items: [] });
  const [error, setError] = useState<string | null>(null);
  useEffect(() => setMore({ items: [] }), [props.first]);
  const items = [...props.first.items, ...more.items];
  const cursor = more.items.length > 0 ? more.cursor : props.first.cursor;
  const load = (): void => {
    call<Page<Meter>>(`/api/v1/meters?${props.search}&cursor=${encodeURIComponent(cursor ?? '')}`).then(
      (page) => setMore((before) => ({ ...page, items: [...before.items, ...page.items] })),
      (failure: unknown) => setError(wordsOf(failure)),
    );
  };
  if (items.length === 0) return <Empty>No meter fits. Search for part of its number or name, or show all.</Empty>;
  return (
    <>
      <RowTable
        caption="Meters"
        head={['Meter', 'State', 'Concentrator', 'Newest reading', 'Last heard']}
        rows={items.map((meter) => ({
          key: meter.meterId,
          to: `/meters/${meter.meterId}`,
          cells: [
            <>
              <a href={`#/meters/${meter.meterId}`}>{meter.name ?? meter.meterId}</a>
              {meter.name !== undefined && (
                <>
                  <br />
                  <span class="muted small">{meter.meterId}</span>
                </>
              )}
            </>,
            <MeterBadge key="state" state={meter.state} />,
            meter.edgeId ?? 'not placed',
            agoText(meter.lastReadingAtMs, nowMs),
            agoText(meter.lastHeardAtMs, nowMs),
          ],
        }))}
      />
      <div class="body row" style={{ padding: '12px 16px' }}>
        <span class="muted">{`${plural(items.length, 'meter')} shown`}</span>
        {cursor !== undefined && (
          <button type="button" class="button" onClick={load}>
            Show more
          </button>
        )}
        {error !== null && <span role="alert">{error}</span>}
      </div>
    </>
  );
}
