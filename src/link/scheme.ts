/** What the file of one kind of link gives to the registry. */
import type { ByteDuplex, Env } from '../base/env.ts';
import type { Link, LinkFraming } from './link.ts';
import type { OptionTable } from './options.ts';

/** An address after parsing: what every scheme gets to read. */
export interface LinkAddress {
  /** As written. */
  readonly url: string;
  /** Empty where the scheme has none. */
  readonly host: string;
  /** Null when not given. */
  readonly port: number | null;
  /** `/dev/ttyS1`, or a name. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Where memory links find their lines; `MemoryLines` is one. */
export interface LineSource {
  find(name: string):
    | {
        readonly shape: {
          readonly octetsPerS?: number;
          readonly framing?: LinkFraming;
          readonly purpose?: 'ask' | 'push';
        };
        open(): ByteDuplex;
      }
    | undefined;
}

/** What links reach the outside through; `lines` only where memory links are used. */
export interface LinkEnv extends Pick<Env, 'net' | 'serial' | 'timers' | 'clock'> {
  readonly lines?: LineSource;
}

/** One scheme: `make` gives the link, or everything that is wrong with the address. */
export interface LinkScheme {
  readonly scheme: string;
  /** An example that works, for help texts. */
  readonly example: string;
  readonly options: OptionTable;
  /** Such lines are networks that tell who joins; absent = no. */
  readonly tellsJoins?: true;
  make(address: LinkAddress, env: LinkEnv): Link | { readonly problems: readonly string[] };
}
