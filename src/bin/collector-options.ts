/** Options of the commands that ask a collector over REST. */
import type { Env } from '../base/env.ts';
import { reasonOf } from '../base/errors.ts';
import { ownersFile } from '../edge/meter-keys.ts';
import { type RestAnswer, RestClient } from '../lab/rest-client.ts';
import type { OptionTable } from './command.ts';
import { CommandError, UsageError } from './errors.ts';

const URL_DEFAULT = 'http://127.0.0.1:8080';

/** Which collector, and who asks. */
export const COLLECTOR_OPTIONS = {
  collector: { kind: 'text', value: 'URL', what: `address of the collector; default ${URL_DEFAULT}` },
  'token-file': { kind: 'text', value: 'FILE', what: 'file with a token of an operator, mode 600' },
} as const satisfies OptionTable;

/** A client of the collector. Errors: {@link UsageError}. */
export async function collectorClient(
  values: { readonly collector: string | undefined; readonly 'token-file': string | undefined },
  env: Pick<Env, 'disk'>,
): Promise<RestClient> {
  const { collector: url = URL_DEFAULT, 'token-file': path } = values;
  if (!/^https?:\/\/[^\s/]/.test(url))
    throw new UsageError(`--collector takes an address like ${URL_DEFAULT}, not ${url}.`);
  if (path === undefined) throw new UsageError('--token-file FILE is missing: the console makes tokens of operators.');
  try {
    return RestClient.withToken(url, new TextDecoder().decode(await ownersFile(path, env)).trim());
  } catch (error) {
    throw new UsageError(`--token-file: ${reasonOf(error)}.`);
  }
}

/** Asks; a collector that is not there and a refusal become one sentence each. Errors: {@link CommandError}. */
export async function answered<Body>(asking: Promise<RestAnswer>): Promise<Body> {
  const answer = await asking.catch((error: unknown) => {
    throw new CommandError(`The collector does not answer: ${reasonOf((error as Error).cause ?? error)}.`);
  });
  if (answer.status < 400) return answer.body as Body;
  const { title = `The collector answered ${answer.status}.`, detail = '' } = (answer.body ?? {}) as {
    readonly title?: string;
    readonly detail?: string;
  };
  throw new CommandError(detail === '' || detail === title ? title : `${title} (${detail})`);
}
