/** What a meter used, as bars with its gaps, and the same as a table. */
import { useMemo, useState } from 'preact/hooks';
import { decimalText } from '../../../../model/number.ts';
import { bringsReadings, useReloadOn, useResource } from '../hooks.ts';
import { Chart, type ChartGap, type ChartPoint } from '../parts/chart.tsx';
import { Await, Empty } from '../parts/states.tsx';
import type { Channel, Gap, Meter, ReadingColumns } from '../types.ts';
import { type Bar, joinBars, knownSoFar, type Point, pointsOf, totalOf, usageOf } from '../usage.ts';
import {
  clockText,
  GAP_WORDS,
  intervalWords,
  isCumulative,
  obisWords,
  plural,
  timeText,
  unitWords,
  valueText,
} from '../words.ts';

const DAY_MS = 86_400_000;
/** Causes of what is on its way. */
const COMING = new Set(['not-due', 'buffered-at-edge']);
/** Days shown, its word, and to how many seconds bars are joined. */
const RANGES: readonly (readonly [number, string, number])[] = [
  [1, '24 hours', 0],
  [7, '7 days', 3_600],
  [14, '14 days', 10_800],
];

/** The card; it chooses the channel and the range. */
export function ChartCard(props: { readonly meter: Meter; readonly channels: readonly Channel[] }) {
  // What a person asks for most stands first: short intervals, and of them what is used.
  const choices = props.channels
    .filter((channel) => channel.intervalS > 0)
    .toSorted((a, b) => a.intervalS - b.intervalS || Number(isCumulative(b.obis)) - Number(isCumulative(a.obis)));
  const [chosen, setChosen] = useState('');
  const [days, setDays] = useState(1);
  const channel = choices.find((choice) => keyOf(choice) === chosen) ?? choices[0];
  return (
    <section class="card" aria-labelledby="chart-title">
      <header>
        <h2 id="chart-title">Readings</h2>
        <div class="row">
          {choices.length > 1 && (
            <label>
              <span class="visually-hidden">What is shown</span>
              <select
                value={channel === undefined ? '' : keyOf(channel)}
                onChange={(event) => setChosen(event.currentTarget.value)}
                style={{ height: '34px', width: 'auto' }}
              >
                {choices.map((choice) => (
                  <option key={keyOf(choice)} value={keyOf(choice)}>
                    {choiceWords(choice, choices)}
                  </option>
                ))}
              </select>
            </label>
          )}
          <fieldset class="segments">
            <legend class="visually-hidden">Range</legend>
            {RANGES.map(([value, words]) => (
              <button type="button" key={value} aria-pressed={days === value} onClick={() => setDays(value)}>
                {words}
              </button>
            ))}
          </fieldset>
        </div>
      </header>
      <div class="body" style={{ minHeight: '430px' }}>
        {channel === undefined ? (
          <Empty>
            This meter has no interval readings yet. They appear here as soon as its concentrator has read them.
          </Empty>
        ) : (
          <ChannelChart
            key={`${channel.obis} ${channel.intervalS} ${days}`}
            meter={props.meter}
            channel={channel}
            days={days}
          />
        )}
      </div>
    </section>
  );
}

/** A channel comes and goes with its readings, so what is chosen is kept by name and not by place. */
function keyOf(channel: Channel): string {
  return `${channel.obis} ${channel.intervalS}`;
}

/** The interval length is said only where it tells two choices apart. */
function choiceWords(choice: Channel, choices: readonly Channel[]): string {
  const isOnly = choices.filter((other) => other.obis === choice.obis).length === 1;
  return isOnly ? obisWords(choice.obis) : `${obisWords(choice.obis)}, ${intervalWords(choice.intervalS)}`;
}

function ChannelChart(props: { readonly meter: Meter; readonly channel: Channel; readonly days: number }) {
  const { meter, channel, days } = props;
  const stepMs = channel.intervalS * 1_000;
  const [toMs, setToMs] = useState(() => Math.floor(Date.now() / stepMs) * stepMs);
  const fromMs = toMs - days * DAY_MS;
  const base = `/api/v1/meters/${encodeURIComponent(meter.meterId)}`;
  const where = `from=${fromMs - stepMs - 1}&to=${toMs}`;
  const query = `obis=${encodeURIComponent(channel.obis)}&intervalS=${channel.intervalS}&limit=10000`;
  const readings = useResource<ReadingColumns>(`${base}/readings?${query}&${where}`);
  const gaps = useResource<{ readonly items: readonly Gap[] }>(`${base}/gaps?from=${fromMs}&to=${toMs}`);
  const reload = (): void => {
    const nowMs = Math.floor(Date.now() / stepMs) * stepMs;
    if (nowMs !== toMs) setToMs(nowMs);
    else readings.reload();
  };
  useReloadOn((change) => bringsReadings(change, meter), reload, 2_000);
  const own = (gaps.data?.items ?? []).filter(
    (gap) => gap.obis === channel.obis && gap.intervalS === channel.intervalS,
  );
  return (
    <Await resource={readings} loading="Reading the values.">
      {(page) => (
        <Drawn
          meter={meter}
          channel={channel}
          days={days}
          fromMs={fromMs}
          toMs={toMs}
          points={pointsOf(page)}
          gaps={own}
        />
      )}
    </Await>
  );
}

interface DrawnProps {
  readonly meter: Meter;
  readonly channel: Channel;
  readonly days: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly points: readonly Point[];
  readonly gaps: readonly Gap[];
}

function Drawn(props: DrawnProps) {
  const { channel, points, gaps, fromMs, toMs, meter } = props;
  const isUse = isCumulative(channel.obis);
  const groupS = RANGES.find(([days]) => days === props.days)?.[2] ?? 0;
  const view = useMemo(() => {
    const bars = isUse ? usageOf(points, channel.intervalS, fromMs, toMs) : [];
    const joined = groupS > channel.intervalS ? joinBars(bars, groupS) : bars;
    const isPower = /^(W|var|VA)h?$/.test(channel.unit);
    const isLarge = isUse && isPower && joined.some((bar) => Number(bar.value ?? 0) * 10 ** bar.exponent >= 1_000);
    const chart = isUse
      ? joined.map((bar) => barPoint(bar, channel.unit, isLarge))
      : points.map((point) => linePoint(point, channel));
    const bands: ChartGap[] = gaps.map((gap) => ({
      fromMs: gap.fromMs - channel.intervalS * 1_000,
      toMs: gap.toMs,
      words: GAP_WORDS[gap.cause] ?? gap.cause,
      isLost: !COMING.has(gap.cause),
    }));
    return { bars, chart, bands, unit: `${isLarge ? 'k' : ''}${unitWords(channel.unit)}` };
  }, [points, gaps, fromMs, toMs]);
  const known = knownSoFar(view.bars);
  const total = totalOf(known);
  const untilMs = known.at(-1)?.toMs;
  const missing = countOf(gaps.filter((gap) => !COMING.has(gap.cause)));
  const coming = countOf(gaps.filter((gap) => gap.cause === 'buffered-at-edge'));
  const sum = isUse
    ? `${valueText(String(total.value), total.exponent, channel.unit)} in ${props.days === 1 ? '24 hours' : `${props.days} days`}`
    : '';
  const label = `${obisWords(channel.obis)} of ${meter.name ?? meter.meterId}. ${sum}. ${missing === 0 ? 'Nothing is missing.' : `${plural(missing, 'interval')} missing.`} The table below has the values.`;
  if (points.length === 0) return <Empty>There are no readings in this range.</Empty>;
  return (
    <>
      <div class="chart-figures">
        {isUse && (
          <div>
            <p class="figure">{valueText(String(total.value), total.exponent, channel.unit)}</p>
            <p class="muted small">
              {total.unknown === 0
                ? `until ${untilMs === undefined ? 'now' : clockText(untilMs, meter.timeZone)}`
                : `known; ${plural(total.unknown, 'interval')} ${total.unknown === 1 ? 'is' : 'are'} not`}
            </p>
          </div>
        )}
        <div>
          <p class="figure">{`${points.filter((point) => point.atMs > fromMs).length}`}</p>
          <p class="muted small">{`readings, ${intervalWords(channel.intervalS)}`}</p>
        </div>
        <div>
          <p class="figure">{missing}</p>
          <p class="muted small">{missing === 0 ? 'missing' : 'missing, hatched below'}</p>
        </div>
        {coming > 0 && (
          <div>
            <p class="figure">{coming}</p>
            <p class="muted small">on their way</p>
          </div>
        )}
      </div>
      <Chart
        points={view.chart}
        gaps={view.bands}
        kind={isUse ? 'bars' : 'line'}
        unit={view.unit}
        fromMs={fromMs}
        toMs={toMs}
        timeZone={meter.timeZone}
        label={label}
      />
      <GapNotes gaps={gaps.filter((gap) => gap.cause !== 'not-due')} meter={meter} />
      <ReadingTable {...props} bars={view.bars} />
    </>
  );
}

function countOf(gaps: readonly Gap[]): number {
  return gaps.reduce((sum, gap) => sum + gap.count, 0);
}

function barPoint(bar: Bar, unit: string, isLarge: boolean): ChartPoint {
  const value = bar.value === null ? null : Number(decimalText(bar.value, bar.exponent - (isLarge ? 3 : 0)));
  const text = bar.value === null ? 'not known' : valueText(String(bar.value), bar.exponent, unit);
  return { fromMs: bar.fromMs, toMs: bar.toMs, value, text };
}

function linePoint(point: Point, channel: Channel): ChartPoint {
  return {
    fromMs: point.atMs - channel.intervalS * 1_000,
    toMs: point.atMs,
    value: Number(decimalText(point.value, point.exponent)),
    text: valueText(String(point.value), point.exponent, point.unit),
  };
}

function GapNotes(props: { readonly gaps: readonly Gap[]; readonly meter: Meter }) {
  if (props.gaps.length === 0) return null;
  return (
    <ul class="timeline" aria-label="What is missing">
      {props.gaps.map((gap) => (
        <li key={`${gap.fromMs} ${gap.cause}`}>
          <span class="dot" data-tone={COMING.has(gap.cause) ? undefined : 'warn'} />
          <div>
            <p>
              <strong>{GAP_WORDS[gap.cause] ?? gap.cause}</strong>
              {`: ${plural(gap.count, 'interval')}, ${timeText(gap.fromMs - gap.intervalS * 1_000, props.meter.timeZone)} to ${timeText(gap.toMs, props.meter.timeZone)}`}
            </p>
            <p class="muted small">
              {gap.sentence}
              {gap.etaMs === undefined ? '' : ` Expected by ${timeText(gap.etaMs, props.meter.timeZone)}.`}
            </p>
          </div>
        </li>
      ))}
    </ul>
  );
}

function ReadingTable(props: DrawnProps & { readonly bars: readonly Bar[] }) {
  const { channel, meter } = props;
  const used = new Map(props.bars.map((bar) => [bar.toMs, bar]));
  const rows = props.points.filter((point) => point.atMs > props.fromMs).toReversed();
  const isUse = isCumulative(channel.obis);
  return (
    <details>
      <summary>The same as a table</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable to scroll it with keys. */}
      <section class="scroll" tabIndex={0} aria-label="Readings as a table">
        <table class="tight">
          <thead>
            <tr>
              <th scope="col">Interval end</th>
              <th scope="col" class="number">
                Register
              </th>
              {isUse && (
                <th scope="col" class="number">
                  Used
                </th>
              )}
              <th scope="col">Quality</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((point) => {
              const bar = used.get(point.atMs);
              return (
                <tr key={point.atMs}>
                  <td>{timeText(point.atMs, meter.timeZone)}</td>
                  <td class="number">{`${decimalText(point.value, point.exponent)} ${point.unit}`}</td>
                  {isUse && (
                    <td class="number">
                      {bar === undefined || bar.value === null
                        ? 'not known'
                        : `${decimalText(bar.value, bar.exponent)} ${point.unit}`}
                    </td>
                  )}
                  <td>{point.quality.replaceAll('-', ' ')}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
    </details>
  );
}
