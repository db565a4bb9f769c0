/** What a client knows of the short names of one meter; shared by its sessions with that meter, so the list is read once. */
import { BaseNames, type NamedObject } from '../cosem/short-names.ts';

/** How methods are called: by reading their name with the argument as parameter, or by writing the argument to it. */
export type ShortMethodForm = 'read' | 'write';

/** Ways in which meters differ here. */
export interface ShortNameRules {
  /** Null (the default) = by reading when parameterised access was agreed on, else by writing. */
  readonly snMethod?: ShortMethodForm | null;
  /** Lets a meter in that takes our proof and gives none back, as happens when methods are written. Default no. */
  readonly oneSidedProof?: boolean;
}

/** Short names of one meter as one client sees them. */
export class ShortNames {
  #known: BaseNames | null = null;

  constructor(
    readonly rules: ShortNameRules = {},
    /** Hears what is known from now on, null = nothing. */
    private readonly told: (objects: readonly NamedObject[] | null) => void = () => undefined,
  ) {}

  /** The names, or null before the list was read. */
  get known(): BaseNames | null {
    return this.#known;
  }

  /** The meter told its list. */
  learn(objects: readonly NamedObject[]): void {
    this.#known = new BaseNames(objects);
    this.told(objects);
  }

  /** What is known is wrong: the next association reads the list anew. */
  forget(): void {
    this.#known = null;
    this.told(null);
  }
}
