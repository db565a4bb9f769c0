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

  /** A client with a token that somebody has; `url` is that of the collector, with or without a slash at its end. */
  static withToken(url: string, token: string): RestClient {
    return new RestClient(url.replace(/\/+$/, ''), token);
  }

  /** The body of a page; rejects unless the status is 200. `path` begins behind `/api/v1/`. */
  async get<Body>(path: string): Promise<Body> {
    const answer = await ask(`${this.url}/api/v1/${path}`, { method: 'GET', token: this.token });
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as Body;
  }

  /** Asks for a page; every status is an answer. */
  ask(path: string): Promise<RestAnswer> {
    return ask(`${this.url}/api/v1/${path}`, { method: 'GET', token: this.token });
  }

  /** Sends a body; every status is an answer. */
  post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<RestAnswer> {
    return ask(`${this.url}/api/v1/${path}`, { method: 'POST', token: this.token, body, headers });
  }

  /** Sends octets of a media type; every status is an answer. */
  postOctets(path: string, octets: Uint8Array, mediaType: string): Promise<RestAnswer> {
    return ask(`${this.url}/api/v1/${path}`, { method: 'POST', token: this.token, octets, mediaType });
  }
}

interface Question {
  readonly method: 'GET' | 'POST';
  readonly token?: string;
  readonly body?: unknown;
  /** In the place of a body of JSON. */
  readonly octets?: Uint8Array;
  readonly mediaType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function ask(url: string, question: Question): Promise<RestAnswer> {
  const { method, token, body, octets, mediaType = 'application/json', headers } = question;
  const sent = octets ?? (body === undefined ? undefined : JSON.stringify(body));
  const answer = await fetch(url, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(sent === undefined ? {} : { 'content-type': mediaType }),
      ...headers,
    },
    ...(sent === undefined ? {} : { body: sent }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
}
