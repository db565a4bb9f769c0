/** What was found on lines, in a map. */
import type { Finding, FindingStore, ToldMeter } from '../collector/commissioning-ports.ts';

/** The findings of the memory models. */
export class MemoryFindings implements FindingStore {
  readonly #findings = new Map<string, Finding>();
  readonly #told = new Map<string, ToldMeter>();

  /** A concentrator told of a meter. */
  tell(told: ToldMeter): void {
    const key = keyOfTold(told);
    if ((this.#told.get(key)?.found.atMs ?? Number.NEGATIVE_INFINITY) <= told.found.atMs) this.#told.set(key, told);
  }

  async toldMeters(limit: number): Promise<readonly ToldMeter[]> {
    const sortOf = (told: ToldMeter) => `${String(told.found.atMs).padStart(16, '0')} ${keyOfTold(told)}`;
    return [...this.#told.values()].sort((a, b) => (sortOf(a) < sortOf(b) ? -1 : 1)).slice(0, limit);
  }

  async forgetTold(told: readonly ToldMeter[]): Promise<void> {
    for (const each of told) {
      const key = keyOfTold(each);
      if (this.#told.get(key)?.found.atMs === each.found.atMs) this.#told.delete(key);
    }
  }

  async saveFindings(findings: readonly Finding[]): Promise<void> {
    for (const finding of findings) this.#findings.set(finding.findingId, finding);
  }

  async finding(findingId: string): Promise<Finding | undefined> {
    return this.#findings.get(findingId);
  }

  async findings(query: Parameters<FindingStore['findings']>[0]): Promise<readonly Finding[]> {
    const keyOf = ({ edgeId, line, found }: Finding) =>
      `${edgeId} ${line} ${String(found.address ?? 99_999).padStart(5, '0')} ${found.node?.eui48 ?? ''}`;
    return [...this.#findings.values()]
      .filter(({ edgeId }) => query.edgeId === undefined || edgeId === query.edgeId)
      .filter(({ state }) => query.state === undefined || state === query.state)
      .filter(({ meterId }) => query.meterId === undefined || meterId === query.meterId)
      .filter(({ found }) => query.eui48 === undefined || found.node?.eui48 === query.eui48)
      .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
      .slice(0, query.limit);
  }
}

function keyOfTold({ edgeId, found }: ToldMeter): string {
  return `${edgeId} ${found.line} ${found.node.eui48}`;
}
