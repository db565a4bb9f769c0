/** The frame of every page: where one can go, what needs someone, search, theme. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { dropToken, live } from './api.ts';
import { go, useLiveState, useReloadOn, useResource, useRoute } from './hooks.ts';
import { chooseTheme, chosenTheme, type Theme } from './theme.ts';
import type { Exceptions } from './types.ts';

const LIVE_WORDS = { connecting: 'Connecting', live: 'Live', away: 'Not connected, trying again' } as const;
const THEMES: readonly (readonly [Theme, string])[] = [
  ['system', 'Auto'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];

/** The frame around a page. */
export function Shell(props: { readonly children: ComponentChildren }) {
  const main = useRef<HTMLElement>(null);
  const { path } = useRoute();
  const route = path.join('/');
  const first = useRef(true);
  useEffect(() => {
    // After a click the focus goes to the new page, as a page load would do; not on the first view.
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
    scrollTo(0, 0);
  }, [route]);
  return (
    <div class="frame">
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the page
      </button>
      <Rail section={path[0] ?? 'overview'} />
      <div>
        <main class="page" ref={main} id="main" tabIndex={-1}>
          <div class="topbar">
            <Search />
          </div>
          {props.children}
        </main>
      </div>
    </div>
  );
}

function Rail(props: { readonly section: string }) {
  const exceptions = useResource<Exceptions>('/api/v1/exceptions');
  useReloadOn((change) => ['command', 'meter-state', 'edge'].includes(change.event), exceptions.reload, 3_500);
  const { data } = exceptions;
  const counts: Record<string, number> = {
    meters: data?.meters.troubled.length ?? 0,
    gaps: data?.gaps.meters ?? 0,
    edges: (data?.edges.unheard.length ?? 0) + (data?.edges.inbox.length ?? 0),
    commands: data?.commands.failed ?? 0,
  };
  const link = (section: string, words: string) => (
    <a href={`#/${section}`} aria-current={props.section === section ? 'page' : undefined}>
      {words}
      {(counts[section] ?? 0) > 0 && (
        <span class="count">
          {counts[section]}
          <span class="visually-hidden"> need someone</span>
        </span>
      )}
    </a>
  );
  return (
    <header class="rail">
      <a class="brand" href="#/overview">
        <img src="/icon.svg" alt="" />
        Deltawatt
      </a>
      <nav class="nav" aria-label="Pages">
        {link('overview', 'Overview')}
        {link('meters', 'Meters')}
        {link('gaps', 'Missing data')}
        {link('commands', 'Commands')}
        {link('edges', 'Concentrators')}
      </nav>
      <RailEnd />
    </header>
  );
}

function RailEnd() {
  const state = useLiveState();
  const [theme, setTheme] = useState(chosenTheme());
  return (
    <div class="rail-end">
      <p class="live" data-state={state} role="status">
        {LIVE_WORDS[state]}
      </p>
      <fieldset class="themes">
        <legend class="visually-hidden">Colours</legend>
        {THEMES.map(([value, words]) => (
          <label key={value}>
            <input
              type="radio"
              name="theme"
              value={value}
              checked={theme === value}
              onChange={() => {
                chooseTheme(value);
                setTheme(value);
              }}
            />
            {words}
          </label>
        ))}
      </fieldset>
      <button
        type="button"
        class="plain"
        onClick={() => {
          dropToken();
          live.end();
          dispatchEvent(new Event('deltawatt-signed-out'));
        }}
      >
        Sign out
      </button>
    </div>
  );
}

function Search() {
  const field = useRef<HTMLInputElement>(null);
  const { query } = useRoute();
  useEffect(() => {
    const hear = (event: KeyboardEvent): void => {
      const isTyping =
        event.target instanceof HTMLElement && event.target.closest('input, textarea, select, dialog') !== null;
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      field.current?.focus();
      field.current?.select();
    };
    addEventListener('keydown', hear);
    return () => removeEventListener('keydown', hear);
  }, []);
  return (
    <search>
      <form
        class="search"
        onSubmit={(event) => {
          event.preventDefault();
          go(`/meters?text=${encodeURIComponent(field.current?.value.trim() ?? '')}`);
        }}
      >
        <input
          ref={field}
          type="search"
          aria-label="Search meters by number or name"
          placeholder="Search meters"
          defaultValue={query.get('text') ?? ''}
        />
        <span class="key" aria-hidden="true">
          /
        </span>
      </form>
    </search>
  );
}
