/** What can be asked of a meter, and what became of what was asked; states move as they happen. */
import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import { useLive, useNow, useResource, wordsOf } from '../hooks.ts';
import { CommandBadge } from '../parts/badge.tsx';
import { Confirm } from '../parts/confirm.tsx';
import { Await, Empty } from '../parts/states.tsx';
import type { Channel, Command, CommandValue, Meter, Page } from '../types.ts';
import { agoText, isElectricity, obisWords, timeText, valueText } from '../words.ts';

/** Class of plain registers, and its attribute `value` (Blue Book, class 3). */
const REGISTER = { classId: 3, attribute: 2 } as const;

/** The card. */
export function CommandsCard(props: { readonly meter: Meter; readonly channels: readonly Channel[] }) {
  const { meter } = props;
  const commands = useResource<Page<Command>>(`/api/v1/commands?meterId=${encodeURIComponent(meter.meterId)}&limit=20`);
  const [changed, setChanged] = useState<ReadonlyMap<string, Command>>(new Map());
  const [error, setError] = useState<string | null>(null);
  const keep = (command: Command): void => setChanged((before) => new Map(before).set(command.id, command));
  useLive((change) => {
    const command = change.data['command'] as Command | undefined;
    if (change.event === 'command' && command?.meterId === meter.meterId) keep(command);
    if (change.event === 'resync') commands.reload();
  });
  const ask = (body: object): void => {
    setError(null);
    call<Command>('/api/v1/commands', {
      method: 'POST',
      body: { meterId: meter.meterId, body },
      headers: { 'idempotency-key': crypto.randomUUID() },
    }).then(keep, (failure: unknown) => setError(wordsOf(failure)));
  };
  return (
    <section class="card" aria-labelledby="commands-title">
      <header>
        <h2 id="commands-title">Ask this meter</h2>
        <AskButtons meter={meter} channels={props.channels} onAsk={ask} />
      </header>
      {error !== null && (
        <p class="note bad" role="alert" style={{ margin: '16px' }}>
          {error}
        </p>
      )}
      <div class="body" aria-live="polite" style={{ minHeight: '200px' }}>
        <Await resource={commands} loading="Reading its commands.">
          {(page) => <CommandList commands={merged(page.items, changed)} timeZone={meter.timeZone} />}
        </Await>
      </div>
    </section>
  );
}

/** The list with what came since, newest first. */
function merged(items: readonly Command[], changed: ReadonlyMap<string, Command>): Command[] {
  const all = new Map(items.map((command) => [command.id, command]));
  for (const [id, command] of changed) all.set(id, command);
  return [...all.values()].sort((a, b) => b.createdAtMs - a.createdAtMs);
}

function AskButtons(props: {
  readonly meter: Meter;
  readonly channels: readonly Channel[];
  readonly onAsk: (body: object) => void;
}) {
  const registers = [...new Set(props.channels.map((channel) => channel.obis))];
  const [obis, setObis] = useState<string | null>(null);
  const [isAsking, setIsAsking] = useState(false);
  const chosen = obis ?? registers[0] ?? '1-0:1.8.0*255';
  const shown = registers.length === 0 ? [chosen] : registers;
  // Gas and water meters have no relay; of a meter that never gave a reading nobody knows.
  const mayHaveRelay = registers.length === 0 || registers.some(isElectricity);
  return (
    <div class="row">
      <label>
        <span class="visually-hidden">What to read</span>
        <select value={chosen} onChange={(event) => setObis(event.currentTarget.value)} style={{ width: '200px' }}>
          {shown.map((code) => (
            <option key={code} value={code}>
              {obisWords(code)}
            </option>
          ))}
        </select>
      </label>
      <button
        type="button"
        class="button main"
        onClick={() => props.onAsk({ kind: 'read', objects: [{ ...REGISTER, obis: chosen }] })}
      >
        Read now
      </button>
      <button type="button" class="button" onClick={() => props.onAsk({ kind: 'ping' })}>
        Check the way
      </button>
      {mayHaveRelay && (
        <>
          <button type="button" class="button" onClick={() => props.onAsk({ kind: 'relay', action: 'reconnect' })}>
            Reconnect
          </button>
          <button type="button" class="button danger" onClick={() => setIsAsking(true)}>
            Disconnect…
          </button>
        </>
      )}
      {isAsking && (
        <Confirm
          title="Cut the supply?"
          text={`The people behind ${props.meter.name ?? props.meter.meterId} lose their supply as soon as the meter gets this.`}
          typed={props.meter.meterId}
          yes="Disconnect"
          onNo={() => setIsAsking(false)}
          onYes={() => {
            setIsAsking(false);
            props.onAsk({ kind: 'relay', action: 'disconnect' });
          }}
        />
      )}
    </div>
  );
}

function CommandList(props: { readonly commands: readonly Command[]; readonly timeZone: string | undefined }) {
  const nowMs = useNow();
  if (props.commands.length === 0)
    return <Empty>Nothing was asked yet. “Read now” asks the meter at once, ahead of its schedule.</Empty>;
  return (
    <ol class="timeline">
      {props.commands.map((command) => (
        <li key={command.id} data-command={command.id} data-state={command.state}>
          <span class="dot" data-tone={command.ended ? (command.state === 'done' ? 'good' : 'bad') : undefined} />
          <div>
            <p class="row" style={{ justifyContent: 'space-between' }}>
              <strong>{command.what}</strong>
              <CommandBadge state={command.state} />
            </p>
            <p>{command.sentence}</p>
            {command.values.map((value) => (
              <p key={`${value.obis} ${value.attribute}`}>
                {`${obisWords(value.obis)}: `}
                <strong>{answerText(value)}</strong>
              </p>
            ))}
            {command.relay !== undefined && <p>{command.relay.sentence}</p>}
            <p class="muted small">{`${command.author}, ${agoText(command.createdAtMs, nowMs)} (${timeText(command.createdAtMs, props.timeZone, true)})`}</p>
          </div>
        </li>
      ))}
    </ol>
  );
}

function answerText(value: CommandValue): string {
  if (value.result !== 0) return `the meter answered with result ${value.result}`;
  if (value.value !== undefined) return valueText(value.value, value.exponent ?? 0, value.unit ?? '');
  return value.text ?? 'an answer without a value';
}
