/** One meter: what it used, what is missing, what it said, and what can be asked of it. */
import { useNow, useReloadOn, useResource } from '../hooks.ts';
import { MeterBadge } from '../parts/badge.tsx';
import { Await } from '../parts/states.tsx';
import type { Channel, Meter } from '../types.ts';
import { agoText, timeText } from '../words.ts';
import { ChartCard } from './meter-chart.tsx';
import { CommandsCard } from './meter-commands.tsx';
import { AttributesCard, EventsCard, LatestCard, WayCard } from './meter-side.tsx';
import { Title } from './title.tsx';

/** The page. */
export function MeterPage(props: { readonly meterId: string }) {
  const base = `/api/v1/meters/${encodeURIComponent(props.meterId)}`;
  const meter = useResource<Meter>(base);
  const channels = useResource<{ readonly items: readonly Channel[] }>(`${base}/channels`);
  useReloadOn(
    (change) => change.event === 'meter-state' && JSON.stringify(change.data).includes(`"${props.meterId}"`),
    meter.reload,
  );
  return (
    <Await resource={meter} loading="Reading the meter.">
      {(data) => (
        <>
          <Head meter={data} />
          <div class="columns">
            <div class="stack">
              <Await resource={channels} loading="Reading its channels.">
                {(list) => <ChartCard meter={data} channels={list.items} />}
              </Await>
              <CommandsCard meter={data} channels={channels.data?.items ?? []} />
            </div>
            <div class="stack">
              <LatestCard meter={data} />
              <WayCard meter={data} />
              <EventsCard meter={data} />
              <AttributesCard meter={data} />
            </div>
          </div>
        </>
      )}
    </Await>
  );
}

function Head(props: { readonly meter: Meter }) {
  const { meter } = props;
  const nowMs = useNow();
  const place =
    meter.edgeId === undefined
      ? 'It is not placed on a concentrator.'
      : `Read by ${meter.edgeId}${meter.placedFromMs === undefined || meter.placedFromMs === 0 ? '' : ` since ${timeText(meter.placedFromMs, meter.timeZone)}`}.`;
  return (
    <Title
      title={meter.name ?? meter.meterId}
      above={<a href="#/meters">Meters</a>}
      lead={
        <>
          {meter.name !== undefined && (
            <>
              <span class="mono">{meter.meterId}</span> ·{' '}
            </>
          )}
          {meter.profile === undefined ? '' : `${meter.profile} · `}
          {place}
          {meter.timeZone === undefined ? '' : ` Times are those of ${meter.timeZone.replace('_', ' ')}.`}
        </>
      }
    >
      <div class="aside">
        <MeterBadge state={meter.state} />
        <p class="muted small" style={{ marginTop: '6px' }}>
          {meter.stateSentence ?? ''} {`Last heard ${agoText(meter.lastHeardAtMs, nowMs)}.`}
        </p>
      </div>
    </Title>
  );
}
