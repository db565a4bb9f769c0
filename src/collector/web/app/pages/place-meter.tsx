/** Says which concentrator reads a meter: a form, filled in for a meter that was heard and has no place. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ApiFailure, call } from '../api.ts';
import { wordsOf } from '../hooks.ts';
import type { Edge, Meter } from '../types.ts';

/** What the form is opened with. */
export interface PlaceRequest {
  readonly meterId: string;
  readonly edgeId: string;
  /** Its readings wait already: they count from the first one on. */
  readonly isWaiting: boolean;
}

interface Placement {
  readonly meterId: string;
  readonly name: string;
  readonly profile: string;
  readonly edgeId: string;
  readonly fromStart: boolean;
}

/** Makes the meter known when it is new, keeps what is known of it otherwise, and places it. */
async function place(placement: Placement): Promise<Meter> {
  const path = `/api/v1/meters/${encodeURIComponent(placement.meterId)}`;
  const known = await call<Meter>(path).catch((failure: unknown) => {
    if (failure instanceof ApiFailure && failure.status === 404) return null;
    throw failure;
  });
  const name = placement.name === '' ? known?.name : placement.name;
  const profile = placement.profile === '' ? known?.profile : placement.profile;
  if (known === null || name !== known.name || profile !== known.profile) {
    const body = {
      ...(name === undefined ? {} : { name }),
      ...(profile === undefined ? {} : { profile }),
      ...(known?.timeZone === undefined ? {} : { timeZone: known.timeZone }),
    };
    await call(path, { method: 'PUT', body });
  }
  const body = { edgeId: placement.edgeId, ...(placement.fromStart ? { from: 0 } : {}) };
  return call<Meter>(`${path}/placements`, { method: 'POST', body });
}

/** The form; `onPlaced` hears of every placement. */
export function PlaceMeterCard(props: {
  readonly edges: readonly Edge[];
  readonly request: PlaceRequest;
  readonly onPlaced: () => void;
  readonly onClose: () => void;
}) {
  const { request } = props;
  const [meterId, setMeterId] = useState(request.meterId);
  const [name, setName] = useState('');
  const [profile, setProfile] = useState('');
  const [edgeId, setEdgeId] = useState(request.edgeId);
  const [fromStart, setFromStart] = useState(request.isWaiting);
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const [placed, setPlaced] = useState<Meter | null>(null);
  const first = useRef<HTMLInputElement>(null);
  const second = useRef<HTMLInputElement>(null);
  // Before the browser paints: a letter that is typed at once is in the field already.
  useLayoutEffect(() => (request.isWaiting ? second : first).current?.focus(), []);
  const submit = (): void => {
    setError(null);
    setIsBusy(true);
    place({ meterId: meterId.trim(), name: name.trim(), profile: profile.trim(), edgeId, fromStart })
      .then(
        (meter) => {
          setPlaced(meter);
          props.onPlaced();
        },
        (failure: unknown) => setError(wordsOf(failure)),
      )
      .finally(() => setIsBusy(false));
  };
  if (placed !== null) return <Placed meter={placed} onClose={props.onClose} />;
  return (
    <section class="card" aria-labelledby="place-title">
      <header>
        <h2 id="place-title">Place a meter</h2>
      </header>
      <form
        class="body form"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <label class="field">
          Meter number
          <input
            ref={first}
            type="text"
            class="mono"
            required
            maxLength={64}
            autocomplete="off"
            spellcheck={false}
            value={meterId}
            onInput={(event) => setMeterId(event.currentTarget.value)}
          />
        </label>
        <label class="field">
          Name or address, if wanted
          <input
            ref={second}
            type="text"
            maxLength={200}
            autocomplete="off"
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <label class="field">
          Model, if known
          <input
            type="text"
            class="mono"
            pattern="[a-z0-9._\-]{1,64}/[a-z0-9._\-]{1,64}"
            title="vendor/model, as in generic/idis"
            placeholder="vendor/model"
            autocomplete="off"
            spellcheck={false}
            value={profile}
            onInput={(event) => setProfile(event.currentTarget.value)}
          />
        </label>
        <label class="field">
          Read by
          <select required value={edgeId} onChange={(event) => setEdgeId(event.currentTarget.value)}>
            {props.edges.map((edge) => (
              <option key={edge.edgeId} value={edge.edgeId}>
                {edge.edgeId}
              </option>
            ))}
          </select>
        </label>
        <label class="check">
          <input type="checkbox" checked={fromStart} onChange={(event) => setFromStart(event.currentTarget.checked)} />
          Take in what this concentrator has read of it already
        </label>
        {error !== null && (
          <p class="note bad" role="alert">
            {error}
          </p>
        )}
        <p class="row">
          <button type="submit" class="button main" disabled={isBusy}>
            Place it
          </button>
          <button type="button" class="button" onClick={props.onClose}>
            Cancel
          </button>
        </p>
      </form>
    </section>
  );
}

function Placed(props: { readonly meter: Meter; readonly onClose: () => void }) {
  const { meterId, name, edgeId } = props.meter;
  return (
    <p class="note good row" role="status">
      <span>
        <a href={`#/meters/${encodeURIComponent(meterId)}`}>{name ?? meterId}</a>
        {` is now read by ${edgeId ?? 'nobody'}.`}
      </span>
      <button type="button" class="button" onClick={props.onClose}>
        Done
      </button>
    </p>
  );
}
