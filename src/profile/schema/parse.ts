/** From the text of a profile file to a profile, or to everything that is wrong with it. */
import { problemsOf, problemsText } from '../../base/problems.ts';
import { parseYaml } from '../../base/yaml.ts';
import { profileError } from '../errors.ts';
import { PROFILE_FILE_MAX_OCTETS } from '../limits.ts';
import type { Profile } from './profile.ts';
import { type ParsedProfile, resolveProfile } from './resolve.ts';
import { PROFILE_SHAPE, type ProfileFile } from './shape.ts';

/** Reads a profile file. Aliases are not expanded beyond what an honest file needs (alias bombs are refused). */
export function parseProfile(text: string): ParsedProfile {
  const yaml = parseYaml(text, PROFILE_FILE_MAX_OCTETS);
  if (!yaml.ok) return yaml;
  const problems = problemsOf(PROFILE_SHAPE, yaml.value);
  if (problems.length > 0) return { ok: false, problems };
  return resolveProfile(yaml.value as ProfileFile);
}

/** Reads a profile file or throws `PROFILE_INVALID` with all problems in the detail. */
export function parseProfileOrThrow(text: string, name: string): Profile {
  const parsed = parseProfile(text);
  if (parsed.ok) return parsed.profile;
  throw profileError('PROFILE_INVALID', problemsText(name, parsed.problems));
}
