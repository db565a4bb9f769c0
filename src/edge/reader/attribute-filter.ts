/** Texts of meters are sent only when they change: their last ones are kept in the journal. */
import type { MeterAttribute } from '../../model/event.ts';
import type { Entry, Journal } from '../ports.ts';

const PREFIX = 'attribute/';

/** Remembers the last text of each attribute. */
export class AttributeFilter {
  readonly #last = new Map<string, string>();

  constructor(private readonly journal: Pick<Journal, 'kept'>) {}

  /** What has to be stored of these attributes: those whose text is new. Rejects with JOURNAL_* errors, and forgets nothing then. */
  async changed(attributes: readonly MeterAttribute[]): Promise<Pick<Entry, 'records' | 'keep'>> {
    const records: Entry['records'][number][] = [];
    const keep: Entry['keep'][number][] = [];
    const texts = new Map<string, string>();
    for (const attribute of attributes) {
      const key = `${PREFIX}${attribute.meterId}/${attribute.obis}/${attribute.name}`;
      if ((texts.get(key) ?? (await this.#textOf(key))) === attribute.text) continue;
      texts.set(key, attribute.text);
      records.push({ kind: 'attribute', attribute });
      keep.push({ key, value: new TextEncoder().encode(attribute.text) });
    }
    for (const [key, text] of texts) this.#last.set(key, text);
    return { records, keep };
  }

  async #textOf(key: string): Promise<string | undefined> {
    const known = this.#last.get(key);
    if (known !== undefined) return known;
    const kept = await this.journal.kept(key);
    return kept === undefined ? undefined : new TextDecoder().decode(kept);
  }
}
