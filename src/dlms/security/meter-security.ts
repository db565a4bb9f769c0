/** What a program holds of one meter to speak with it under keys; `key-file.ts` reads it from a file. */
import type { CertificateTrust } from './certificate-trust.ts';
import type { CipherKeys } from './ciphering.ts';
import type { DialectSwitches } from './dialect.ts';
import type { HlsMechanism } from './hls.ts';
import type { MessageForm, RecoveryForm } from './message-form.ts';
import type { SecretKey } from './secret-key.ts';
import type { SecurityPolicy } from './secure-channel.ts';
import type { SuiteId } from './suite.ts';

/** What a key file says. */
export interface MeterSecurity {
  readonly suite: SuiteId;
  /** Our system title; null when the meter only pushes. */
  readonly clientTitle: Uint8Array | null;
  /** The meter's; null = the one it tells. */
  readonly meterTitle: Uint8Array | null;
  readonly keys: CipherKeys;
  /** Whose certificates are believed, and out of which the keys of the other side came; absent = keys were given as keys. */
  readonly trust?: CertificateTrust;
  /** Secret of the mechanisms 2, 3, 4 and 6. */
  readonly secret: SecretKey | null;
  /** How to prove oneself; absent = as the profile says. */
  readonly mechanism?: HlsMechanism;
  /** Form of mechanism 6. */
  readonly hls6?: 'titles' | 'short';
  /** How the meter reads the standard, until its messages show another way; absent = the defaults. */
  readonly dialect?: Partial<DialectSwitches>;
  readonly policy: SecurityPolicy;
  readonly form?: MessageForm;
  /** How the initiate is wrapped; absent = its glo- form. */
  readonly initiateForm?: MessageForm;
  /** In which form the meter can be asked without its encryption key; absent = in none. */
  readonly recovery?: RecoveryForm;
  /** What becomes of a push whose tag cannot be checked for want of an authentication key; absent = its readings are marked. */
  readonly unverified?: 'mark' | 'refuse';
  /** Invocation counter to begin with when the journal knows none. */
  readonly firstCounter: number;
  /** Tells this encryption key from another one, without being of use to find it. */
  readonly keyPrint: Uint8Array;
  /** The same of every key that no second meter may have: encryption, authentication and master key. */
  readonly keyPrints: readonly Uint8Array[];
}
