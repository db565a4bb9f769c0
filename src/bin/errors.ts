/** What the command line answers with exit codes. */

/** Exit codes of every command: done, failed, wrong usage. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const;

/** The command line was not understood: exit 2, the sentence, and where help is. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A failure that is told in one sentence, without a stack: exit 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
