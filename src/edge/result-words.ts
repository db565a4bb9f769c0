/** Result codes of meters in words (data-access-result and action-result share them). Some say 3 where 4 is meant. */
const RESULT_WORDS: Readonly<Record<number, string>> = {
  1: 'hardware fault',
  2: 'temporary failure, try again later',
  3: 'not there or not allowed',
  4: 'not there or not allowed',
  9: 'the object is of another class',
  11: 'the object is not available',
  12: 'the type does not match',
  13: 'out of the permitted scope',
  14: 'the data block is not available',
  15: 'a long transfer was broken off',
  16: 'no long transfer is going on',
  17: 'a long transfer was broken off',
  18: 'no long transfer is going on',
  19: 'a block number is wrong',
  250: 'another reason, which the meter does not tell',
};

/** What a result code other than 0 means. */
export function resultWords(result: number): string {
  return RESULT_WORDS[result] ?? `result code ${result}`;
}
