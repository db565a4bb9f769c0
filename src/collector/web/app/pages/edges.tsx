/** Concentrators: the inbox first, then the silent, then the rest; and meters that nobody placed. */
import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import { useNow, useReloadOn, useResource, wordsOf } from '../hooks.ts';
import { Badge } from '../parts/badge.tsx';
import { Await, Empty } from '../parts/states.tsx';
import type { Edge, Page, Quarantined } from '../types.ts';
import { agoText, plural, type StateWords } from '../words.ts';
import { FoundMetersCard } from './found-meters.tsx';
import { PlaceMeterCard, type PlaceRequest } from './place-meter.tsx';
import { Title } from './title.tsx';

const SILENT_MS = 3_600_000;

/** The page. */
export function EdgesPage() {
  const edges = useResource<Page<Edge>>('/api/v1/edges');
  const quarantine = useResource<Page<Quarantined>>('/api/v1/quarantine');
  const [enrolment, setEnrolment] = useState<Record<string, string> | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [placing, setPlacing] = useState<PlaceRequest | null>(null);
  const active = (edges.data?.items ?? []).filter((edge) => edge.state === 'active');
  useReloadOn((change) => change.event === 'edge', edges.reload);
  const adopt = (edgeId: string): void => {
    setError(null);
    call<Record<string, string>>(`/api/v1/edges/${edgeId}/adopt`, { method: 'POST' }).then(
      (made) => {
        setEnrolment(made);
        edges.reload();
      },
      (failure: unknown) => setError(wordsOf(failure)),
    );
  };
  return (
    <>
      <Title
        title="Concentrators"
        lead="The boxes in the field that read the meters and keep the readings until this collector has them."
      >
        <button
          type="button"
          class="button"
          disabled={active.length === 0}
          onClick={() => setPlacing({ meterId: '', edgeId: active[0]?.edgeId ?? '', isWaiting: false })}
        >
          Place a meter…
        </button>
      </Title>
      <div class="stack">
        {error !== null && (
          <p class="note bad" role="alert">
            {error}
          </p>
        )}
        {placing !== null && (
          <PlaceMeterCard
            key={`${placing.edgeId} ${placing.meterId}`}
            edges={active}
            request={placing}
            onPlaced={quarantine.reload}
            onClose={() => setPlacing(null)}
          />
        )}
        {enrolment !== null && <EnrolmentCard enrolment={enrolment} onDone={() => setEnrolment(null)} />}
        <FoundMetersCard />
        <Await resource={edges} loading="Reading the concentrators.">
          {(page) => (
            <>
              <Inbox edges={page.items.filter((edge) => edge.state === 'inbox')} onAdopt={adopt} />
              <EdgeTable edges={page.items.filter((edge) => edge.state !== 'inbox')} />
            </>
          )}
        </Await>
        <Await resource={quarantine} loading="Looking for meters without a place.">
          {(page) => (
            <QuarantineCard
              items={page.items}
              onPlace={({ meterId, edgeId }) => setPlacing({ meterId, edgeId, isWaiting: true })}
            />
          )}
        </Await>
      </div>
    </>
  );
}

function Inbox(props: { readonly edges: readonly Edge[]; readonly onAdopt: (edgeId: string) => void }) {
  const nowMs = useNow();
  if (props.edges.length === 0) return null;
  return (
    <section class="card" aria-labelledby="inbox-title">
      <header>
        <h2 id="inbox-title">{`Inbox: ${plural(props.edges.length, 'concentrator')} waiting`}</h2>
        <span class="muted">Nothing of theirs is taken in until someone adopts them.</span>
      </header>
      <div class="table-wrap">
        <table>
          <thead>
            <tr>
              <th scope="col">Concentrator</th>
              <th scope="col">Called</th>
              <th scope="col">What is known</th>
              <th scope="col">
                <span class="visually-hidden">Adopt</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {props.edges.map((edge) => (
              <tr key={edge.edgeId}>
                <td>
                  <strong>{edge.edgeId}</strong>
                </td>
                <td>{agoText(edge.lastHelloMs, nowMs)}</td>
                <td class="muted">{edge.note ?? 'Nothing yet.'}</td>
                <td class="number">
                  <button type="button" class="button main" onClick={() => props.onAdopt(edge.edgeId)}>
                    {`Adopt ${edge.edgeId}`}
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function EnrolmentCard(props: { readonly enrolment: Record<string, string>; readonly onDone: () => void }) {
  const text = JSON.stringify(props.enrolment, null, 2);
  const name = `${props.enrolment['edgeId']}.enrolment.json`;
  return (
    <section class="card" aria-labelledby="enrolment-title" role="status">
      <header>
        <h2 id="enrolment-title">{`Enrolment of ${props.enrolment['edgeId']}`}</h2>
        <span class="row">
          <button
            type="button"
            class="button main"
            onClick={() => {
              const link = document.createElement('a');
              link.href = URL.createObjectURL(new Blob([`${text}\n`], { type: 'application/json' }));
              link.download = name;
              link.click();
              URL.revokeObjectURL(link.href);
            }}
          >
            Save the file
          </button>
          <button type="button" class="button" onClick={props.onDone}>
            I have it
          </button>
        </span>
      </header>
      <div class="body stack">
        <p class="note">
          Bring this file to the concentrator by a way you trust. It holds its password and key, and is shown only now.
        </p>
        <pre>{text}</pre>
      </div>
    </section>
  );
}

function stateOf(edge: Edge, nowMs: number): StateWords {
  if (edge.state === 'deactivated') return { words: 'Put out', tone: 'calm' };
  const heardAtMs = Math.max(edge.lastHeardMs ?? 0, edge.lastHelloMs ?? 0, edge.lastBlockMs ?? 0);
  if (heardAtMs === 0) return { words: 'Has not called yet', tone: 'warn' };
  return nowMs - heardAtMs > SILENT_MS ? { words: 'Silent', tone: 'bad' } : { words: 'At work', tone: 'good' };
}

const TONE_ORDER = ['bad', 'warn', 'good', 'calm'];

function EdgeTable(props: { readonly edges: readonly Edge[] }) {
  const nowMs = useNow();
  const rows = props.edges
    .map((edge) => ({ edge, state: stateOf(edge, nowMs) }))
    .sort(
      (a, b) =>
        TONE_ORDER.indexOf(a.state.tone) - TONE_ORDER.indexOf(b.state.tone) ||
        a.edge.edgeId.localeCompare(b.edge.edgeId),
    );
  return (
    <section class="card" aria-labelledby="edges-title">
      <header>
        <h2 id="edges-title">{plural(rows.length, 'concentrator')}</h2>
      </header>
      {rows.length === 0 ? (
        <Empty>No concentrator yet. Start one with the address of this collector, and it appears in the inbox.</Empty>
      ) : (
        <div class="table-wrap">
          <table>
            <thead>
              <tr>
                {['Concentrator', 'State', 'Heard', 'Last data', 'What it says of itself', 'Meters'].map((title) => (
                  <th key={title} scope="col">
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map(({ edge, state }) => (
                <tr key={edge.edgeId}>
                  <td>
                    <strong>{edge.edgeId}</strong>
                  </td>
                  <td>
                    <Badge state={state} />
                  </td>
                  <td>{agoText(edge.lastHeardMs ?? edge.lastHelloMs, nowMs)}</td>
                  <td>{agoText(edge.lastBlockMs, nowMs)}</td>
                  <td>
                    <OwnWords edge={edge} />
                  </td>
                  <td>
                    <a href={`#/meters?edge=${edge.edgeId}`}>Its meters</a>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

/** Its troubles first; else how much waits and for how long it could go on alone. */
function OwnWords(props: { readonly edge: Edge }) {
  const { status, software } = props.edge;
  if (status === undefined) return <span class="muted">{software ?? 'Nothing yet.'}</span>;
  const troubles = status.facts.filter((fact) => fact.state !== 'ok');
  // It speaks of itself only now and then, so this is what it was, not what it is.
  const waits =
    status.backlogBlocks === 0
      ? 'Nothing waited to be sent when it last reported.'
      : `${plural(status.backlogBlocks, 'block')} waited to be sent when it last reported.`;
  const keeps =
    status.autonomyHours === 0
      ? ''
      : ` It can keep ${plural(Math.round(status.autonomyHours / 24), 'day')} of readings.`;
  return (
    <>
      {troubles.map((fact) => (
        <p key={fact.name}>
          <strong>{`${fact.name}: `}</strong>
          {fact.sentence}
        </p>
      ))}
      <p class="muted small">{`${waits}${keeps} ${software ?? ''}`}</p>
    </>
  );
}

function QuarantineCard(props: {
  readonly items: readonly Quarantined[];
  readonly onPlace: (entry: Quarantined) => void;
}) {
  const nowMs = useNow();
  if (props.items.length === 0) return null;
  return (
    <section class="card" aria-labelledby="quarantine-title">
      <header>
        <h2 id="quarantine-title">Meters without a place</h2>
        <span class="muted">Their readings are held back until someone says where they belong.</span>
      </header>
      <div class="table-wrap">
        <table>
          <thead>
            <tr>
              <th scope="col">Meter</th>
              <th scope="col">Heard by</th>
              <th scope="col">Readings held back</th>
              <th scope="col">Since</th>
              <th scope="col">
                <span class="visually-hidden">Place</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {props.items.map((entry) => (
              <tr key={`${entry.edgeId} ${entry.meterId}`}>
                <td>
                  <strong>{entry.meterId}</strong>
                </td>
                <td>{entry.edgeId}</td>
                <td>{entry.rows}</td>
                <td>{agoText(entry.sinceMs, nowMs)}</td>
                <td class="number">
                  <button type="button" class="button" onClick={() => props.onPlace(entry)}>
                    {`Place ${entry.meterId}…`}
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
