/** What is said of changed keys, in the answer to an order and in the event of a late proof alike. */
import type { KeyName } from '../model/command.ts';

/** That a key was proven, in a sentence. */
export function provenWords(key: KeyName): string {
  const shown = {
    encryption: 'answers to its new encryption key',
    authentication: 'answers to its new authentication key',
    master: 'takes keys under its new master key',
    broadcast: 'says that it has its new broadcast key',
  };
  return `The meter ${shown[key]}; the old one is forgotten.`;
}
