/** Calls of the collector's API from the page it serves, and the stream of changes. */

const TOKEN_KEY = 'deltawatt.token';

/** A refusal or a failure, in the API's own sentence. */
export class ApiFailure extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** The token of this browser, or null. */
export function token(): string | null {
  return sessionStorage.getItem(TOKEN_KEY) ?? localStorage.getItem(TOKEN_KEY);
}

/** Keeps the token for this tab, or for this computer. */
export function keepToken(text: string, forLong: boolean): void {
  dropToken();
  (forLong ? localStorage : sessionStorage).setItem(TOKEN_KEY, text);
}

/** Forgets the token. */
export function dropToken(): void {
  sessionStorage.removeItem(TOKEN_KEY);
  localStorage.removeItem(TOKEN_KEY);
}

/** Asks the API; throws {@link ApiFailure} with a sentence for people. */
export async function call<Answer>(
  path: string,
  options: {
    readonly method?: string;
    readonly body?: unknown;
    /** A file in the place of a body of JSON, with its media type. */
    readonly file?: { readonly content: Blob; readonly mediaType: string };
    readonly headers?: Record<string, string>;
    readonly signal?: AbortSignal;
  } = {},
): Promise<Answer> {
  const own = token();
  const { body: json, file } = options;
  const mediaType = file?.mediaType ?? (json === undefined ? undefined : 'application/json');
  const sent = file?.content ?? (json === undefined ? undefined : JSON.stringify(json));
  const answer = await fetch(path, {
    method: options.method ?? 'GET',
    headers: {
      accept: 'application/json',
      ...(own === null ? {} : { authorization: `Bearer ${own}` }),
      ...(mediaType === undefined ? {} : { 'content-type': mediaType }),
      ...options.headers,
    },
    ...(sent === undefined ? {} : { body: sent }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  }).catch((error: unknown) => {
    if (options.signal?.aborted) throw error;
    throw new ApiFailure(0, 'The collector does not answer. Is it running, and is this computer connected to it?');
  });
  if (answer.status === 204) return undefined as Answer;
  const body = (await answer.json().catch(() => ({}))) as Record<string, unknown>;
  if (answer.ok) return body as Answer;
  if (answer.status === 401 && own !== null) {
    dropToken();
    dispatchEvent(new Event('deltawatt-signed-out'));
  }
  throw new ApiFailure(answer.status, sentenceOf(body) ?? `The collector answered ${answer.status}.`);
}

function sentenceOf(problem: Record<string, unknown>): string | undefined {
  const { title, detail } = problem;
  if (typeof title !== 'string') return undefined;
  return typeof detail === 'string' && detail !== title ? `${title} (${detail})` : title;
}

/** A change as it came. */
export interface Change {
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** State of the stream. */
export type LiveState = 'connecting' | 'live' | 'away';

type Listener = (change: Change) => void;

const RETRY_MS = 2_000;

/** One stream for the whole page; `EventSource` cannot send a token, so it is read with fetch. */
class Live {
  readonly #listeners = new Set<Listener>();
  readonly #stateListeners = new Set<(state: LiveState) => void>();
  #state: LiveState = 'connecting';
  #lastId: string | null = null;
  #stop: AbortController | null = null;

  get state(): LiveState {
    return this.#state;
  }

  /** Hears changes until the returned function is called. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Hears of the stream itself. */
  listenState(listener: (state: LiveState) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  /** Opens the stream and keeps it open. */
  start(): void {
    if (this.#stop !== null) return;
    const stop = new AbortController();
    this.#stop = stop;
    void this.#run(stop.signal);
  }

  /** Ends the stream. */
  end(): void {
    this.#stop?.abort();
    this.#stop = null;
    this.#lastId = null;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#read(signal).catch(() => {});
      if (signal.aborted) return;
      this.#show('away');
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const headers: Record<string, string> = { authorization: `Bearer ${token() ?? ''}` };
    if (this.#lastId !== null) headers['last-event-id'] = this.#lastId;
    const answer = await fetch('/api/v1/stream', { headers, signal });
    if (!answer.ok || answer.body === null) return;
    this.#show('live');
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += value;
      const messages = text.split('\n\n');
      text = messages.pop() ?? '';
      for (const message of messages) this.#hear(message);
    }
  }

  #hear(message: string): void {
    const fields = new Map(
      message.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
    );
    const id = fields.get('id');
    if (id !== undefined) this.#lastId = id;
    const event = fields.get('event');
    if (event === undefined) return;
    const data = JSON.parse(fields.get('data') ?? '{}') as Record<string, unknown>;
    for (const listener of this.#listeners) listener({ event, data });
  }

  #show(state: LiveState): void {
    this.#state = state;
    for (const listener of this.#stateListeners) listener(state);
  }
}

/** The page's stream. */
export const live = new Live();
