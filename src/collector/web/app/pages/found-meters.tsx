/** The inbox of meters: found on a line, named by no list; a person takes them in or refuses them. */
import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import { useNow, useResource, wordsOf } from '../hooks.ts';
import type { Finding, Page } from '../types.ts';
import { agoText, plural } from '../words.ts';

/** The card; nothing while nobody waits. */
export function FoundMetersCard() {
  const nowMs = useNow();
  const inbox = useResource<Page<Finding>>('/api/v1/findings?state=waiting');
  const [error, setError] = useState<string | null>(null);
  const items = inbox.data?.items ?? [];
  const [profiles, setProfiles] = useState<Readonly<Record<string, string>>>({});
  const decide = (finding: Finding, what: 'accept' | 'refuse'): void => {
    setError(null);
    const profile = profiles[finding.findingId]?.trim() ?? '';
    const body = what === 'accept' ? { body: profile === '' ? {} : { profile } } : {};
    call(`/api/v1/findings/${finding.findingId}/${what}`, { method: 'POST', ...body }).then(
      () => inbox.reload(),
      (failure: unknown) => setError(wordsOf(failure)),
    );
  };
  if (items.length === 0) return null;
  return (
    <section class="card" aria-labelledby="found-title">
      <header>
        <h2 id="found-title">{`Found on lines: ${plural(items.length, 'meter')} waiting`}</h2>
        <span class="muted">
          No list names them. Accept makes a meter that is called by its serial number; one of a network needs its model
          too.
        </span>
      </header>
      {error !== null && (
        <p class="note bad" role="alert">
          {error}
        </p>
      )}
      <div class="table-wrap">
        <table>
          <thead>
            <tr>
              {['Meter', 'Where', 'Found', 'What is known'].map((title) => (
                <th key={title} scope="col">
                  {title}
                </th>
              ))}
              <th scope="col">
                <span class="visually-hidden">Accept or refuse</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {items.map((finding) => {
              const { node, address } = finding;
              const place = node === undefined ? `address ${address}` : `${node.name}, modem ${node.eui48}`;
              const name = finding.serial ?? finding.deviceName ?? node?.name ?? `address ${address}`;
              return (
                <tr key={finding.findingId}>
                  <td>
                    <strong>{name}</strong>
                  </td>
                  <td>{`${finding.edgeId}, ${finding.line}, ${place}`}</td>
                  <td>{agoText(finding.foundAtMs, nowMs)}</td>
                  <td class="muted">{finding.sentence}</td>
                  <td class="number">
                    {node !== undefined && (
                      <input
                        aria-label={`Model of ${name}`}
                        placeholder="vendor/model"
                        value={profiles[finding.findingId] ?? ''}
                        onInput={(event) =>
                          setProfiles({ ...profiles, [finding.findingId]: event.currentTarget.value })
                        }
                      />
                    )}
                    <button type="button" class="button main" onClick={() => decide(finding, 'accept')}>
                      {`Accept ${name}`}
                    </button>
                    <button type="button" class="button" onClick={() => decide(finding, 'refuse')}>
                      {`Refuse ${name}`}
                    </button>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}
