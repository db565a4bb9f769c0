/** What became of a list of meters, for people. */
import type { ImportReport } from '../collector/ports.ts';

/** Faults first, a line each as compilers write them, then the figures. */
export function importText(file: string, report: ImportReport): string {
  const faults = report.faults.map(({ line, column, meterId, problem, wayOut }) => {
    const where = [`line ${line}`, ...(column === '' ? [] : [column]), ...(meterId === undefined ? [] : [meterId])];
    return `${file}: ${where.join(', ')}: ${problem} ${wayOut}\n`;
  });
  const more = report.faultsTotal - report.faults.length;
  return [...faults, ...(more > 0 ? [`${file}: and ${more} faults more.\n`] : []), `${summary(report)}\n`].join('');
}

function summary({ rows, created, changed, unchanged, refused, isApplied, isDryRun, tookMs }: ImportReport): string {
  const counts = `${created} new, ${changed} changed, ${unchanged} as they were, ${refused} with faults`;
  const end = isApplied ? 'Imported' : isDryRun ? 'Only checked, nothing was changed' : 'Nothing was changed';
  return `${rows} meters: ${counts}. ${end}; ${(tookMs / 1_000).toFixed(1)} s.`;
}
