/** What a meter said: newest values, events, texts. */
import { bringsReadings, useNow, useReloadOn, useResource } from '../hooks.ts';
import { Await, Empty } from '../parts/states.tsx';
import type { Attribute, Meter, MeterEvent, Page, ReadingRow, Way } from '../types.ts';
import { intervalWords, obisWords, plural, shortTimeText, timeText, valueText } from '../words.ts';

const EVENT_TONES = { info: 'calm', warning: 'warn', alarm: 'bad' } as const;
const EVENT_WORDS = { info: '', warning: 'Warning: ', alarm: 'Alarm: ' } as const;

/** Events, newest first. */
export function EventList(props: {
  readonly events: readonly MeterEvent[];
  readonly withMeter?: boolean;
  readonly timeZone?: string | undefined;
}) {
  if (props.events.length === 0) return <Empty>Nothing was reported in this time.</Empty>;
  return (
    <ol class="timeline">
      {props.events.map((event) => (
        <li key={`${event.atMs} ${event.name} ${event.meterId}`}>
          <span class="dot" data-tone={EVENT_TONES[event.severity]} />
          <div>
            <p>
              <span class="visually-hidden">{EVENT_WORDS[event.severity]}</span>
              {event.sentence}
            </p>
            <p class="muted small">
              {props.withMeter === true && (
                <>
                  {event.meterId === null ? event.edgeId : <a href={`#/meters/${event.meterId}`}>{event.meterId}</a>} ·{' '}
                </>
              )}
              <time dateTime={new Date(event.atMs).toISOString()}>{timeText(event.atMs, props.timeZone)}</time>
            </p>
          </div>
        </li>
      ))}
    </ol>
  );
}

const RUNG_WORDS: Readonly<Record<string, string>> = {
  concentrator: 'Concentrator',
  power: 'Supply',
  line: 'Line',
  link: 'Link to the meter',
  association: 'Association',
  object: 'Objects',
};
const RUNG_TONES = { ok: 'good', failed: 'bad', unknown: 'calm' } as const;
const RUNG_STATES = { ok: 'answers', failed: 'fails', unknown: 'not known' } as const;

/** The way to the meter: which part fails and who can mend it, without an order. */
export function WayCard(props: { readonly meter: Meter }) {
  const { meterId } = props.meter;
  const way = useResource<Way>(`/api/v1/meters/${encodeURIComponent(meterId)}/way`);
  useReloadOn((change) => change.event === 'meter-state', way.reload);
  return (
    <section class="card" aria-labelledby="way-title">
      <header>
        <h2 id="way-title">The way to it</h2>
      </header>
      <div class="body">
        <Await resource={way} loading="Looking how far it goes.">
          {(data) => (
            <>
              <ol class="timeline">
                {data.rungs.map(({ rung, state }) => (
                  <li key={rung}>
                    <span class="dot" data-tone={RUNG_TONES[state]} />
                    <p>
                      {RUNG_WORDS[rung] ?? rung} <span class="muted small">{RUNG_STATES[state]}</span>
                    </p>
                  </li>
                ))}
              </ol>
              <p>{data.sentence}</p>
              {data.who !== null && <p class="muted small">{data.who}</p>}
            </>
          )}
        </Await>
      </div>
    </section>
  );
}

/** Newest reading of each channel. */
export function LatestCard(props: { readonly meter: Meter }) {
  const { meterId, timeZone } = props.meter;
  const latest = useResource<{ readonly items: readonly ReadingRow[] }>(
    `/api/v1/meters/${encodeURIComponent(meterId)}/latest`,
  );
  useReloadOn((change) => bringsReadings(change, props.meter), latest.reload);
  return (
    <section class="card" aria-labelledby="latest-title">
      <header>
        <h2 id="latest-title">Newest readings</h2>
      </header>
      <div class="body">
        <Await resource={latest} loading="Reading the newest values.">
          {(page) =>
            page.items.length === 0 ? (
              <Empty>No readings yet.</Empty>
            ) : (
              <LatestList items={page.items} timeZone={timeZone} />
            )
          }
        </Await>
      </div>
    </section>
  );
}

/** Each register once, as its shortest series has it; closings of days and the like on demand. */
function LatestList(props: { readonly items: readonly ReadingRow[]; readonly timeZone: string | undefined }) {
  const shortest = new Map<string, number>();
  for (const { obis, intervalS } of props.items) {
    shortest.set(obis, Math.min(intervalS, shortest.get(obis) ?? intervalS));
  }
  const isMain = (reading: ReadingRow): boolean => reading.intervalS === shortest.get(reading.obis);
  const [main, others] = [props.items.filter(isMain), props.items.filter((reading) => !isMain(reading))];
  const facts = (items: readonly ReadingRow[]) => (
    <dl class="latest">
      {items.map((reading) => (
        <LatestFact key={`${reading.obis} ${reading.intervalS}`} reading={reading} timeZone={props.timeZone} />
      ))}
    </dl>
  );
  return (
    <>
      {facts(main)}
      {others.length > 0 && (
        <details>
          <summary>{`${plural(others.length, 'longer interval')} of the same`}</summary>
          {facts(others)}
        </details>
      )}
    </>
  );
}

function LatestFact(props: { readonly reading: ReadingRow; readonly timeZone: string | undefined }) {
  const { reading } = props;
  const nowMs = useNow();
  return (
    <div>
      <dt>{obisWords(reading.obis)}</dt>
      <dd>{valueText(reading.value, reading.exponent, reading.unit)}</dd>
      <dd class="about">
        <span class="mono">{reading.obis}</span>
        {`, ${intervalWords(reading.intervalS)}`}
        {reading.quality === 'good' ? '' : `, ${reading.quality.replaceAll('-', ' ')}`}
      </dd>
      <dd class="about">{shortTimeText(reading.atMs, nowMs, props.timeZone)}</dd>
    </div>
  );
}

/** What it reported in the last 30 days. */
export function EventsCard(props: { readonly meter: Meter }) {
  const { meterId, timeZone } = props.meter;
  const sinceMs = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 30 * 86_400_000;
  const events = useResource<Page<MeterEvent>>(
    `/api/v1/events?meterId=${encodeURIComponent(meterId)}&from=${sinceMs}&limit=30`,
  );
  useReloadOn((change) => change.event === 'event' || bringsReadings(change, props.meter), events.reload, 2_000);
  return (
    <section class="card" aria-labelledby="events-title">
      <header>
        <h2 id="events-title">Events of 30 days</h2>
      </header>
      <div class="body">
        <Await resource={events} loading="Reading its events.">
          {(page) => <EventList events={page.items} timeZone={timeZone} />}
        </Await>
      </div>
    </section>
  );
}

/** Serial number, firmware and the like. */
export function AttributesCard(props: { readonly meter: Meter }) {
  const attributes = useResource<{ readonly items: readonly Attribute[] }>(
    `/api/v1/meters/${encodeURIComponent(props.meter.meterId)}/attributes`,
  );
  return (
    <section class="card" aria-labelledby="attributes-title">
      <header>
        <h2 id="attributes-title">About this meter</h2>
      </header>
      <div class="body">
        <Await resource={attributes} loading="Reading what is known.">
          {(page) =>
            page.items.length === 0 ? (
              <Empty>It has not told anything about itself yet.</Empty>
            ) : (
              <dl class="facts">
                {page.items.map((attribute) => (
                  <>
                    <dt>{sentenceCase(attribute.name)}</dt>
                    <dd class="mono">{attribute.text}</dd>
                  </>
                ))}
              </dl>
            )
          }
        </Await>
      </div>
    </section>
  );
}

function sentenceCase(name: string): string {
  const words = name.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
