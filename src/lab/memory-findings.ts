/** What was found on lines, in a map. */
import type { Finding, FindingStore } from '../collector/commissioning-ports.ts';

/** The findings of the memory models. */
export class MemoryFindings implements FindingStore {
  readonly #findings = new Map<string, Finding>();

  async saveFindings(findings: readonly Finding[]): Promise<void> {
    for (const finding of findings) this.#findings.set(finding.findingId, finding);
  }

  async finding(findingId: string): Promise<Finding | undefined> {
    return this.#findings.get(findingId);
  }

  async findings(query: Parameters<FindingStore['findings']>[0]): Promise<readonly Finding[]> {
    const keyOf = ({ edgeId, line, found }: Finding) => `${edgeId} ${line} ${String(found.address).padStart(5, '0')}`;
    return [...this.#findings.values()]
      .filter(({ edgeId }) => query.edgeId === undefined || edgeId === query.edgeId)
      .filter(({ state }) => query.state === undefined || state === query.state)
      .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
      .slice(0, query.limit);
  }
}
