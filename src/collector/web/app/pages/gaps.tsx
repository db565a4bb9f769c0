/** What is missing, and why. */
import { useResource } from '../hooks.ts';
import { RowTable } from '../parts/row-table.tsx';
import { Await, Empty } from '../parts/states.tsx';
import type { Exceptions, Reread } from '../types.ts';
import { GAP_WORDS, obisWords, plural, REREAD_WORDS, timeText } from '../words.ts';
import { Title } from './title.tsx';

/** The page. */
export function GapsPage() {
  const exceptions = useResource<Exceptions>('/api/v1/exceptions');
  return (
    <>
      <Title
        title="Missing data"
        lead="Intervals of the last 24 hours that should be here, are not, and will not come by themselves."
      />
      <Await resource={exceptions} loading="Looking for what is missing.">
        {({ gaps, meters }) => (
          <section class="card" aria-label="Missing data">
            <header>
              <h2>{`${plural(gaps.intervals, 'interval')} of ${plural(gaps.meters, 'meter')}`}</h2>
              <span class="muted">
                {gaps.examined < meters.total
                  ? `${gaps.examined} of ${meters.total} meters were looked at`
                  : `all ${plural(meters.total, 'meter')} were looked at`}
              </span>
            </header>
            {gaps.items.length === 0 ? (
              <Empty>Nothing is missing. What is still on its way is not counted here.</Empty>
            ) : (
              <RowTable
                caption="Missing data"
                head={['Meter', 'What', 'From', 'To', 'Intervals', 'Why']}
                rows={gaps.items.map((gap) => ({
                  key: `${gap.meterId} ${gap.obis} ${gap.fromMs}`,
                  to: `/meters/${gap.meterId}`,
                  cells: [
                    <a key="meter" href={`#/meters/${gap.meterId}`}>
                      {gap.meterId}
                    </a>,
                    obisWords(gap.obis),
                    timeText(gap.fromMs - gap.intervalS * 1_000),
                    timeText(gap.toMs),
                    String(gap.count),
                    <>
                      <strong>{GAP_WORDS[gap.cause] ?? gap.cause}</strong>
                      <br />
                      <span class="muted small">{gap.sentence}</span>
                    </>,
                  ],
                }))}
              />
            )}
          </section>
        )}
      </Await>
      <Rereads />
    </>
  );
}

/** What was lost on the way and is read from the meters again; absent where nothing ever was. */
function Rereads() {
  const rereads = useResource<{ readonly items: readonly Reread[] }>('/api/v1/rereads?limit=100');
  const items = rereads.data?.items ?? [];
  if (items.length === 0) return null;
  const open = items.filter(({ state }) => state === 'waiting' || state === 'ordered').length;
  return (
    <section class="card" aria-label="Read again">
      <header>
        <h2>Read again from the meters</h2>
        <span class="muted">{`${open} of the last ${items.length} under way`}</span>
      </header>
      <RowTable
        caption="Read again from the meters"
        head={['Meter', 'What', 'From', 'To', 'How it goes']}
        rows={items.map(({ id, meterId, edgeId, obis, fromMs, toMs, intervalS, state, sentence }) => ({
          key: `${edgeId} ${id}`,
          to: meterId === undefined ? `/edges/${edgeId}` : `/meters/${meterId}`,
          cells: [
            meterId === undefined ? (
              `All of ${edgeId}`
            ) : (
              <a key="meter" href={`#/meters/${meterId}`}>
                {meterId}
              </a>
            ),
            obis.map(obisWords).join(', '),
            timeText(fromMs - intervalS * 1_000),
            timeText(toMs),
            <>
              <strong>{REREAD_WORDS[state] ?? state}</strong>
              <br />
              <span class="muted small">{sentence}</span>
            </>,
          ],
        }))}
      />
    </section>
  );
}
