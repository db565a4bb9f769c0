/** What somebody probably meant. */

/** Longest word that is compared; a longer one is no typing mistake. */
const WORD_MAX = 64;

/**
 * The candidate nearest to `word`, or undefined when none is near: at most one change (an octet put in, left out,
 * replaced, or two swapped) in each three letters, and at least one allowed. Case does not count.
 */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  const given = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = changes(given, candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Optimal string alignment distance, row by row. */
function changes(a: string, b: string): number {
  if (a.length > WORD_MAX || b.length > WORD_MAX) return Number.POSITIVE_INFINITY;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const next = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a.charAt(row - 1) === b.charAt(column - 1);
      const replaced = at(last, column - 1) + (same ? 0 : 1);
      const swapped =
        row > 1 &&
        column > 1 &&
        a.charAt(row - 1) === b.charAt(column - 2) &&
        a.charAt(row - 2) === b.charAt(column - 1);
      const options = [replaced, at(last, column) + 1, at(next, column - 1) + 1];
      next.push(Math.min(...options, swapped ? at(before, column - 2) + 1 : WORD_MAX));
    }
    before = last;
    last = next;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? WORD_MAX;
}
