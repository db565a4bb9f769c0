/**
 * Which test files run a line: what c8 counted of each test file alone, as a map from lines of sources. Pure.
 *
 * A mistake in a line is shown to the test files that run the line and to no other, the quickest first. Known weak point: a line
 * that runs in one file only when another file ran before it in the same process does not exist here, since each runs alone.
 */

/** A test file and what it takes while nothing is wrong. */
export interface TestFile {
  readonly path: string;
  readonly tookMs: number;
}

/** c8's `coverage-final.json`, the part that is read: by path, where each statement is and how often it ran. */
export type RunCounts = Readonly<
  Record<
    string,
    {
      readonly statementMap: Readonly<Record<string, { readonly start: { readonly line: number } }>>;
      readonly s: Readonly<Record<string, number>>;
    }
  >
>;

/** Test files by line of a source. */
export class Reach {
  readonly #byLine = new Map<string, TestFile[]>();

  /** Notes what one test file ran; paths of `counts` begin with `root`, those asked for do not. */
  add(test: TestFile, counts: RunCounts, root: string): void {
    for (const [path, { statementMap, s }] of Object.entries(counts)) {
      if (!path.startsWith(`${root}/`)) continue;
      for (const [statement, times] of Object.entries(s)) {
        const line = statementMap[statement]?.start.line;
        if (times === 0 || line === undefined) continue;
        const key = keyOf(path.slice(root.length + 1), line);
        this.#byLine.set(key, [...(this.#byLine.get(key) ?? []), test]);
      }
    }
  }

  /** The test files that run a line (from 1), the quickest first. */
  of(path: string, line: number): readonly TestFile[] {
    return [...(this.#byLine.get(keyOf(path, line)) ?? [])].sort((a, b) => a.tookMs - b.tookMs);
  }
}

function keyOf(path: string, line: number): string {
  return `${path}:${line}`;
}
