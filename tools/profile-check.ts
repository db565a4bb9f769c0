/**
 * Walks every profile under `config/profiles`: shape, names, units, and each vector against the readings it must become.
 * Run it with `npm run profile-check [vendor/model]`; exit 1 when anything is wrong.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reasonOf } from '../src/base/errors.ts';
import { checkProfile, type ProfileVector } from '../src/profile/check.ts';
import { parseProfile } from '../src/profile/schema/parse.ts';

const FOLDER = fileURLToPath(new URL('../config/profiles', import.meta.url));

/** What the walk found in one profile. */
export interface ProfileReport {
  /** `vendor/model`. */
  readonly key: string;
  readonly vectors: number;
  /** Sentences; empty = sound. */
  readonly wrong: readonly string[];
}

/** Checks all profiles, or those whose key is in `only`. */
export async function checkAllProfiles(only: readonly string[] = []): Promise<ProfileReport[]> {
  const reports: ProfileReport[] = [];
  for (const vendor of (await readdir(FOLDER)).sort()) {
    const files = (await readdir(join(FOLDER, vendor))).sort();
    for (const file of files.filter((name) => name.endsWith('.yaml'))) {
      const key = `${vendor}/${file.slice(0, -'.yaml'.length)}`;
      if (only.length === 0 || only.includes(key)) reports.push(await checkOne(key));
    }
    for (const file of files.filter((name) => !/\.(yaml|vectors\.json)$/.test(name))) {
      reports.push({
        key: `${vendor}/${file}`,
        vectors: 0,
        wrong: ['This is neither a profile nor its vectors: move it away.'],
      });
    }
  }
  return reports;
}

async function checkOne(key: string): Promise<ProfileReport> {
  const parsed = parseProfile(await readFile(join(FOLDER, `${key}.yaml`), 'utf8'));
  if (!parsed.ok) {
    return { key, vectors: 0, wrong: parsed.problems.map((problem) => `${problem.path}: ${problem.sentence}`) };
  }
  let vectors: readonly ProfileVector[] = [];
  const wrong: string[] = [];
  try {
    vectors = JSON.parse(await readFile(join(FOLDER, `${key}.vectors.json`), 'utf8')) as ProfileVector[];
  } catch (error) {
    wrong.push(`${key}.vectors.json cannot be read: ${reasonOf(error)}`);
  }
  if (parsed.profile.key !== key) wrong.push(`The file says ${parsed.profile.key}: file and keys must agree.`);
  return { key, vectors: vectors.length, wrong: [...wrong, ...checkProfile(parsed.profile, vectors)] };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const reports = await checkAllProfiles(process.argv.slice(2));
  for (const report of reports) {
    console.log(`${report.wrong.length === 0 ? 'ok  ' : 'WRONG'} ${report.key}: ${report.vectors} vectors`);
    for (const sentence of report.wrong) console.log(`     ${sentence}`);
  }
  if (reports.length === 0 || reports.some((report) => report.wrong.length > 0)) process.exitCode = 1;
}
