/** A client of the collector's REST API, over its socket like any other program. */
import type { Collector } from '../collector/collector.ts';

/** An answer: status, and the body as JSON. */
export interface RestAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** See the head of the file. */
export class RestClient {
  private constructor(
    private readonly url: string,
    private readonly token: string,
  ) {}

  /** Uses the one-time code of a fresh collector. */
  static async signIn(collector: Pick<Collector, 'url' | 'setup'>, name: string): Promise<RestClient> {
    const { url, setup } = collector;
    if (url === null || setup === null) throw new Error('the collector has no set-up code any more');
    const answer = await ask(`${url}/api/v1/setup`, { method: 'POST', body: { code: setup.code, name } });
    const token = (answer.body as { readonly token?: string }).token;
    if (answer.status !== 201 || token === undefined) throw new Error(`the set-up code was refused: ${answer.status}`);
    return new RestClient(url, token);
  }

  /** The body of a page; rejects unless the status is 200. `path` begins behind `/api/v1/`. */
  async get<Body>(path: string): Promise<Body> {
    const answer = await ask(`${this.url}/api/v1/${path}`, { method: 'GET', token: this.token });
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as Body;
  }

  /** Sends a body; every status is an answer. */
  post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<RestAnswer> {
    return ask(`${this.url}/api/v1/${path}`, { method: 'POST', token: this.token, body, headers });
  }
}

interface Question {
  readonly method: 'GET' | 'POST';
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

async function ask(url: string, { method, token, body, headers }: Question): Promise<RestAnswer> {
  const answer = await fetch(url, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
}
