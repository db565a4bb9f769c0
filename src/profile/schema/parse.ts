/** From the text of a profile file to a profile, or to everything that is wrong with it. */
import { parseDocument } from 'yaml';
import { reasonOf } from '../../base/errors.ts';
import { profileError } from '../errors.ts';
import { PROFILE_FILE_MAX_OCTETS } from '../limits.ts';
import { type Problem, problemsOf } from './problems.ts';
import type { Profile } from './profile.ts';
import { resolveProfile } from './resolve.ts';
import { PROFILE_SHAPE, type ProfileFile } from './shape.ts';

/** A profile, or the problems of its file. */
export type ParsedProfile =
  | { readonly ok: true; readonly profile: Profile }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads a profile file. Aliases are not expanded beyond what an honest file needs (alias bombs are refused). */
export function parseProfile(text: string): ParsedProfile {
  if (text.length > PROFILE_FILE_MAX_OCTETS) {
    return failed(`The file has ${text.length} characters, ${PROFILE_FILE_MAX_OCTETS} are allowed: split the profile.`);
  }
  let value: unknown;
  try {
    const document = parseDocument(text, { prettyErrors: true });
    const first = document.errors[0];
    if (first !== undefined) return failed(`This is not YAML: ${first.message}`);
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return failed(`This is not YAML: ${reasonOf(error)}`);
  }
  const problems = problemsOf(PROFILE_SHAPE, value);
  if (problems.length > 0) return { ok: false, problems };
  return resolveProfile(value as ProfileFile);
}

/** Reads a profile file or throws `PROFILE_INVALID` with all problems in the detail. */
export function parseProfileOrThrow(text: string, name: string): Profile {
  const parsed = parseProfile(text);
  if (parsed.ok) return parsed.profile;
  throw profileError('PROFILE_INVALID', problemsText(name, parsed.problems));
}

/** All problems of a file in lines. */
export function problemsText(name: string, problems: readonly Problem[]): string {
  return problems
    .map((problem) => `${name}: ${problem.path === '' ? '' : `${problem.path}: `}${problem.sentence}`)
    .join('\n');
}

function failed(sentence: string): ParsedProfile {
  return { ok: false, problems: [{ path: '', sentence }] };
}
