/** The first page: what needs someone before any total; every number leads to its list. */
import { useNow, useReloadOn, useResource } from '../hooks.ts';
import { MeterBadge } from '../parts/badge.tsx';
import { RowTable, type TableRow } from '../parts/row-table.tsx';
import { Await, Empty } from '../parts/states.tsx';
import type { Exceptions, MeterEvent, Page } from '../types.ts';
import { agoText, COMMODITY_WORDS, countText, METER_STATE_WORDS, plural, shareText } from '../words.ts';
import { EventList } from './meter-side.tsx';
import { Title } from './title.tsx';

const HOUR_MS = 3_600_000;
/** Meters that were never read and are named. */
const NEVER_READ_SHOWN = 5;

/** The page. */
export function OverviewPage() {
  const exceptions = useResource<Exceptions>('/api/v1/exceptions');
  const sinceMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 7 * 24 * HOUR_MS;
  const events = useResource<Page<MeterEvent>>(`/api/v1/events?from=${sinceMs}&limit=12`);
  useReloadOn((change) => change.event !== 'hello', exceptions.reload, 3_500);
  // Events of meters come in blocks, those of the collector by themselves.
  useReloadOn((change) => ['event', 'blocks', 'readings'].includes(change.event), events.reload, 3_500);
  return (
    <>
      <Title
        title={exceptions.data === null ? 'Overview' : headline(exceptions.data)}
        lead="What needs someone comes first. Every number leads to its list."
      />
      <Await resource={exceptions} loading="Counting what needs someone.">
        {(data) => (
          <div class="stack">
            <Tiles data={data} />
            <div class="columns">
              <div class="stack">
                <Troubled data={data} />
                <Completeness data={data} />
                <Fleet data={data} />
              </div>
              <section class="card" aria-labelledby="events-title">
                <header>
                  <h2 id="events-title">What happened in the last week</h2>
                </header>
                <div class="body">
                  <Await resource={events} loading="Reading the events.">
                    {(page) => <EventList events={page.items} withMeter />}
                  </Await>
                </div>
              </section>
            </div>
          </div>
        )}
      </Await>
    </>
  );
}

/** How much of the last day is here; growing while a new fleet is read for the first time. */
function Completeness(props: { readonly data: Exceptions }) {
  const { commodities, neverRead } = props.data;
  const nowMs = useNow();
  const [expected, present] = [sumOf(commodities, 'expected'), sumOf(commodities, 'present')];
  return (
    <section class="card" aria-labelledby="completeness-title">
      <header>
        <h2 id="completeness-title">Readings of the last 24 hours</h2>
        {expected > 0 && (
          <span class="muted">{`${countText(present)} of ${plural(expected, 'interval')} are here: ${shareText(present, expected)}`}</span>
        )}
      </header>
      {commodities.length === 0 ? (
        <Empty>No readings yet. A new fleet takes about half a minute until its first ones come in.</Empty>
      ) : (
        <ul class="meterings">
          {commodities.map((state) => (
            <li key={state.commodity}>
              <p>
                <strong>{COMMODITY_WORDS[state.commodity] ?? state.commodity}</strong>
                <span class="muted small">{plural(state.meters, 'meter')}</span>
              </p>
              <progress
                max={Math.max(1, state.expected)}
                value={state.expected === 0 ? 1 : state.present}
                aria-label={`${COMMODITY_WORDS[state.commodity] ?? state.commodity}, share of intervals that are here`}
              />
              <p>
                <strong>{shareText(state.present, state.expected)}</strong>
                <span class="muted small">{`newest ${agoText(state.newestAtMs, nowMs)}`}</span>
              </p>
            </li>
          ))}
        </ul>
      )}
      {neverRead.meters > 0 && (
        <p class="muted small">
          {`${plural(neverRead.meters, 'meter')} not read yet, and not counted above: `}
          {neverRead.items.slice(0, NEVER_READ_SHOWN).map(({ meterId }, at) => (
            <span key={meterId}>
              {at > 0 && ', '}
              <a href={`#/meters/${meterId}`}>{meterId}</a>
            </span>
          ))}
          {neverRead.meters > NEVER_READ_SHOWN && ' …'}
        </p>
      )}
    </section>
  );
}

function sumOf(states: Exceptions['commodities'], field: 'expected' | 'present'): number {
  return states.reduce((sum, state) => sum + state[field], 0);
}

interface Tile {
  readonly count: number;
  readonly what: string;
  readonly more: string;
  readonly to: string;
  readonly tone: 'bad' | 'warn';
  /** Said at the top when nothing else is wrong: of one, and of several. */
  readonly alone: readonly [string, string];
}

function tilesOf(data: Exceptions): Tile[] {
  const { meters, gaps, commands, edges, quarantine } = data;
  const troubled = Object.entries(METER_STATE_WORDS).reduce(
    (sum, [state, { tone }]) => sum + (tone === 'bad' || tone === 'warn' ? (meters.byState[state] ?? 0) : 0),
    0,
  );
  const foreignRows = quarantine.reduce((sum, entry) => sum + entry.rows, 0);
  return [
    {
      count: troubled,
      what: 'Meters not read',
      more: troubled === 0 ? 'all that were tried answer' : 'silent, unreadable or refusing',
      to: '#/meters?state=troubled',
      tone: 'bad',
      alone: ['meter is not read', 'meters are not read'],
    },
    {
      count: gaps.meters,
      what: 'Meters with missing data',
      more:
        gaps.intervals === 0
          ? 'nothing is missing in the last 24 h'
          : `${plural(gaps.intervals, 'interval')} in the last 24 h`,
      to: '#/gaps',
      tone: 'bad',
      alone: ['meter has missing data', 'meters have missing data'],
    },
    {
      count: commands.failed,
      what: 'Commands not done',
      more: commands.open === 0 ? 'none is under way' : `${countText(commands.open)} still under way`,
      to: '#/commands?show=failed',
      tone: 'bad',
      alone: ['command was not done', 'commands were not done'],
    },
    {
      count: edges.unheard.length,
      what: 'Concentrators silent',
      more: edges.unheard.length === 0 ? 'all were heard within the hour' : 'not heard for an hour or more',
      to: '#/edges',
      tone: 'bad',
      alone: ['concentrator is silent', 'concentrators are silent'],
    },
    {
      count: edges.inbox.length,
      what: 'Waiting to be adopted',
      more: edges.inbox.length === 0 ? 'no concentrator in the inbox' : 'concentrators in the inbox',
      to: '#/edges',
      tone: 'warn',
      alone: ['concentrator waits to be adopted', 'concentrators wait to be adopted'],
    },
    {
      count: quarantine.length,
      what: 'Meters without a place',
      more: foreignRows === 0 ? 'no readings are held back' : `${plural(foreignRows, 'reading')} held back`,
      to: '#/edges',
      tone: 'warn',
      alone: ['meter has no place', 'meters have no place'],
    },
  ];
}

function headline(data: Exceptions): string {
  const tiles = tilesOf(data).filter((tile) => tile.count > 0);
  const [only] = tiles;
  const { total, byState } = data.meters;
  if (only === undefined && total > 0 && byState['unknown'] === total)
    return 'The meters are being read for the first time';
  if (only === undefined) return 'Nothing needs you';
  return tiles.length === 1 ? plural(only.count, ...only.alone) : `${tiles.length} things need you`;
}

function Tiles(props: { readonly data: Exceptions }) {
  return (
    <ul class="exceptions" aria-label="What needs someone">
      {tilesOf(props.data).map((tile) => (
        <li key={tile.what}>
          <a class="tile" href={tile.to} data-tone={tile.count === 0 ? 'good' : tile.tone}>
            <span class="figure">{countText(tile.count)}</span>
            <span class="what">{tile.what}</span>
            <span class="more">{tile.more}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}

function Troubled(props: { readonly data: Exceptions }) {
  const nowMs = useNow();
  const rows: TableRow[] = props.data.meters.troubled.slice(0, 8).map((meter) => ({
    key: meter.meterId,
    to: `/meters/${meter.meterId}`,
    cells: [
      <>
        <a href={`#/meters/${meter.meterId}`}>{meter.name ?? meter.meterId}</a>
        <br />
        <span class="muted small">{meter.meterId}</span>
      </>,
      <div key="why" class="why">
        <MeterBadge state={meter.state} />
        <p>{meter.stateSentence}</p>
      </div>,
      <span key="heard" class="muted">
        {agoText(meter.lastHeardAtMs, nowMs)}
      </span>,
    ],
  }));
  return (
    <section class="card" aria-labelledby="troubled-title">
      <header>
        <h2 id="troubled-title">Meters that are not read</h2>
        {rows.length > 0 && <a href="#/meters?state=troubled">All of them</a>}
      </header>
      {rows.length === 0 ? (
        <Empty>
          {(props.data.meters.byState['unknown'] ?? 0) > 0
            ? 'Every meter that was tried answers.'
            : 'Every meter answers.'}
        </Empty>
      ) : (
        <RowTable caption="Meters that are not read" head={['Meter', 'Why', 'Last heard']} rows={rows} />
      )}
    </section>
  );
}

function Fleet(props: { readonly data: Exceptions }) {
  const { meters, edges } = props.data;
  const states = Object.entries(meters.byState).sort((a, b) => b[1] - a[1]);
  const good = (meters.byState['reachable'] ?? 0) + (meters.byState['listening'] ?? 0);
  return (
    <section class="card" aria-labelledby="fleet-title">
      <header>
        <h2 id="fleet-title">The fleet</h2>
        <span class="muted">{`${countText(good)} of ${plural(meters.total, 'meter')} read, by ${plural(edges.total, 'concentrator')}`}</span>
      </header>
      <div class="body">
        {meters.total === 0 ? (
          <Empty>There are no meters yet. Place some on a concentrator, and their readings appear here.</Empty>
        ) : (
          <>
            <div class="share" aria-hidden="true">
              {states.map(([state, count]) => (
                <i key={state} data-tone={METER_STATE_WORDS[state]?.tone ?? 'calm'} style={{ flexGrow: count }} />
              ))}
            </div>
            <p class="legend">
              {states.map(([state, count]) => (
                <a key={state} href={`#/meters?state=${state}`}>
                  {`${METER_STATE_WORDS[state]?.words ?? state}: ${countText(count)}`}
                </a>
              ))}
            </p>
          </>
        )}
        {!meters.counted && <p class="muted small">Only the first meters were counted: there are more.</p>}
      </div>
    </section>
  );
}
