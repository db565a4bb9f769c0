/** Imports a list of meters: check first, see each line that is wrong and how to mend it, then import. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { call } from '../api.ts';
import { wordsOf } from '../hooks.ts';
import type { ImportReport } from '../types.ts';
import { plural } from '../words.ts';

/** Faults that are listed here; the file is mended and checked again anyway. */
const SHOWN_FAULTS = 50;

/** The form; `onImported` hears when the registry changed. */
export function ImportMetersCard(props: { readonly onImported: () => void; readonly onClose: () => void }) {
  const [file, setFile] = useState<File | null>(null);
  const [onlyValid, setOnlyValid] = useState(false);
  const [report, setReport] = useState<ImportReport | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => first.current?.focus(), []);
  const run = (dryRun: boolean): void => {
    if (file === null) return;
    setError(null);
    setIsBusy(true);
    const query = new URLSearchParams({ dryRun: dryRun ? 'yes' : 'no', take: onlyValid ? 'valid' : 'all' });
    call<ImportReport>(`/api/v1/meters/import?${query}`, {
      method: 'POST',
      file: { content: file, mediaType: 'text/csv' },
    })
      .then(
        (made) => {
          setReport(made);
          if (made.isApplied) props.onImported();
        },
        (failure: unknown) => setError(wordsOf(failure)),
      )
      .finally(() => setIsBusy(false));
  };
  const isImportable = report?.isDryRun === true && (report.faultsTotal === 0 || onlyValid);
  return (
    <section class="card" aria-labelledby="import-title">
      <header>
        <h2 id="import-title">Import a list of meters</h2>
        <button type="button" class="button" onClick={props.onClose}>
          Close
        </button>
      </header>
      <form
        class="body form"
        onSubmit={(event) => {
          event.preventDefault();
          run(true);
        }}
      >
        <label class="field">
          List, CSV with a first line that names the columns
          <input
            ref={first}
            type="file"
            accept=".csv,text/csv"
            required
            onChange={(event) => {
              setFile(event.currentTarget.files?.[0] ?? null);
              setReport(null);
            }}
          />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={onlyValid}
            onChange={(event) => {
              setOnlyValid(event.currentTarget.checked);
              setReport(null);
            }}
          />
          Take the good lines even if others are wrong
        </label>
        <div class="row">
          <button type="submit" class="button main" disabled={isBusy || file === null}>
            Check the list
          </button>
          <button type="button" class="button" disabled={isBusy || !isImportable} onClick={() => run(false)}>
            {onlyValid && report !== null && report.refused > 0 ? 'Import the good lines' : 'Import the list'}
          </button>
        </div>
        {error !== null && (
          <p class="note bad" role="alert">
            {error}
          </p>
        )}
        {report !== null && <ReportView report={report} />}
      </form>
    </section>
  );
}

function ReportView(props: { readonly report: ImportReport }) {
  const { report } = props;
  const { created, changed, unchanged, refused, isApplied, isDryRun } = report;
  const end = isApplied
    ? 'The list is imported.'
    : isDryRun
      ? 'Nothing was changed yet.'
      : 'Nothing was changed, because of the lines below.';
  return (
    <>
      <p class={refused > 0 ? 'note bad' : 'note'} role="status">
        {`${plural(report.rows, 'line')}: ${created} new, ${changed} changed, ${unchanged} as they were, ${refused} wrong. ${end}`}
      </p>
      {report.faults.length > 0 && (
        <div class="table-wrap">
          <table>
            <thead>
              <tr>
                {['Line', 'Column', 'Meter', 'What is wrong', 'What to do'].map((title) => (
                  <th key={title} scope="col">
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {report.faults.slice(0, SHOWN_FAULTS).map((fault) => (
                <tr key={`${fault.line} ${fault.column} ${fault.code}`}>
                  <td class="number">{fault.line}</td>
                  <td>{fault.column}</td>
                  <td>{fault.meterId ?? ''}</td>
                  <td>{fault.problem}</td>
                  <td>{fault.wayOut}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {report.faultsTotal > SHOWN_FAULTS && (
        <p class="muted">{`${report.faultsTotal - SHOWN_FAULTS} more. deltawatt import lists them all.`}</p>
      )}
    </>
  );
}
