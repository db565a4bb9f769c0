/** What pages share: asking the API and hearing of changes. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiFailure, type Change, call, type LiveState, live } from './api.ts';

/** An answer that may be on its way. What was shown before stays until the new answer is there, so nothing jumps. */
export interface Resource<Answer> {
  readonly data: Answer | null;
  readonly error: string | null;
  readonly loading: boolean;
  readonly reload: () => void;
}

/** Asks `path` whenever it changes; null asks nothing. */
export function useResource<Answer>(path: string | null): Resource<Answer> {
  const [state, setState] = useState<{
    path: string | null;
    data: Answer | null;
    error: string | null;
    loading: boolean;
  }>({
    path,
    data: null,
    error: null,
    loading: path !== null,
  });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (path === null) return;
    const stop = new AbortController();
    setState((before) => ({ path, data: before.path === path ? before.data : null, error: null, loading: true }));
    call<Answer>(path, { signal: stop.signal }).then(
      (data) => setState({ path, data, error: null, loading: false }),
      (error: unknown) => {
        if (!stop.signal.aborted) setState((before) => ({ ...before, error: wordsOf(error), loading: false }));
      },
    );
    return () => stop.abort();
  }, [path, turn]);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  return { data: state.data, error: state.error, loading: state.loading, reload };
}

/** Words of anything that was thrown. */
export function wordsOf(error: unknown): string {
  if (error instanceof ApiFailure) return error.message;
  return error instanceof Error ? `Something in this page broke: ${error.message}` : 'Something in this page broke.';
}

/** Hears changes while the component is shown. */
export function useLive(listener: (change: Change) => void): void {
  const newest = useRef(listener);
  newest.current = listener;
  useEffect(() => live.listen((change) => newest.current(change)), []);
}

/** State of the stream. */
export function useLiveState(): LiveState {
  const [state, setState] = useState(live.state);
  useEffect(() => live.listenState(setState), []);
  return state;
}

/**
 * Whether a change can bring new readings of the meter: blocks of its concentrator have been stored (their readings are
 * visible at once), or readings were moved by a fold or a new placement.
 */
export function bringsReadings(change: Change, meter: { readonly meterId: string; readonly edgeId?: string }): boolean {
  const data = JSON.stringify(change.data);
  if (change.event === 'readings') return data.includes(`"${meter.meterId}"`);
  return change.event === 'blocks' && data.includes(`"edgeId":"${meter.edgeId ?? ''}"`);
}

/** Reloads at most once in `pauseMs` after changes for which `wanted` says yes. */
export function useReloadOn(wanted: (change: Change) => boolean, reload: () => void, pauseMs = 800): void {
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  useLive((change) => {
    if (timer.current !== null || !(change.event === 'resync' || wanted(change))) return;
    timer.current = setTimeout(() => {
      timer.current = null;
      reload();
    }, pauseMs);
  });
  useEffect(() => () => clearTimeout(timer.current ?? undefined), []);
}

/** The time now, renewed every half minute: "3 min ago" stays true. */
export function useNow(): number {
  const [nowMs, setNowMs] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}

/** The part of the address after `#`, taken apart. */
export interface Route {
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

/** The route, renewed when it changes. */
export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const hear = (): void => setHash(location.hash);
    addEventListener('hashchange', hear);
    return () => removeEventListener('hashchange', hear);
  }, []);
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  return {
    path: path
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent),
    query: new URLSearchParams(query),
  };
}

/** Goes to a route. */
export function go(route: string): void {
  location.hash = route;
}
