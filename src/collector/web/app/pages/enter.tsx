/** The way in: the one-time code of a fresh collector, or a token. */
import { useEffect, useState } from 'preact/hooks';
import { call, dropToken, keepToken } from '../api.ts';
import { useResource, wordsOf } from '../hooks.ts';

/** The page; `onEnter` is called when there is a token that works. */
export function EnterPage(props: { readonly onEnter: () => void }) {
  const setup = useResource<{ readonly open: boolean }>('/api/v1/setup');
  useEffect(() => {
    document.title = 'Welcome · Deltawatt';
  }, []);
  return (
    <main class="enter">
      <section class="card" aria-live="polite">
        <p class="row">
          <img src="/icon.svg" alt="" width={36} height={36} />
          <strong>Deltawatt</strong>
        </p>
        {setup.error !== null && (
          <p class="note bad" role="alert">
            {setup.error}
          </p>
        )}
        {setup.data?.open === true ? <SetupForm onEnter={props.onEnter} /> : <TokenForm onEnter={props.onEnter} />}
      </section>
    </main>
  );
}

function SetupForm(props: { readonly onEnter: () => void }) {
  const [code, setCode] = useState('');
  const [name, setName] = useState('');
  const [error, setError] = useState<string | null>(null);
  const [made, setMade] = useState<string | null>(null);
  if (made !== null) {
    return (
      <div class="stack" style={{ marginTop: '16px' }}>
        <h1>Keep this token</h1>
        <p>It is your way in from other computers, and it is shown only now. This browser keeps it for this tab.</p>
        <pre>{made}</pre>
        <button type="button" class="button main" onClick={props.onEnter}>
          I have it, go on
        </button>
      </div>
    );
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        call<{ readonly token: string }>('/api/v1/setup', { method: 'POST', body: { code, name } }).then(
          ({ token }) => {
            keepToken(token, false);
            setMade(token);
          },
          (failure: unknown) => setError(wordsOf(failure)),
        );
      }}
    >
      <h1>Set up this collector</h1>
      <p class="muted">The collector printed a set-up code when it started. It works once, for one hour.</p>
      <label class="field">
        Set-up code
        <input
          type="text"
          class="mono"
          required
          autocomplete="off"
          spellcheck={false}
          placeholder="XXXXX-XXXXX-XXXXX-XXXXX"
          value={code}
          onInput={(event) => setCode(event.currentTarget.value)}
        />
      </label>
      <label class="field">
        Your name, for the audit trail
        <input
          type="text"
          required
          maxLength={80}
          autocomplete="name"
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      {error !== null && (
        <p class="note bad" role="alert">
          {error}
        </p>
      )}
      <button type="submit" class="button main">
        Become its administrator
      </button>
    </form>
  );
}

function TokenForm(props: { readonly onEnter: () => void }) {
  const [text, setText] = useState('');
  const [forLong, setForLong] = useState(false);
  const [error, setError] = useState<string | null>(null);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        keepToken(text.trim(), forLong);
        call('/api/v1/me').then(props.onEnter, (failure: unknown) => {
          dropToken();
          setError(wordsOf(failure));
        });
      }}
    >
      <h1>Sign in</h1>
      <label class="field">
        Your token
        <input
          type="password"
          class="mono"
          required
          autocomplete="current-password"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <label class="check">
        <input type="checkbox" checked={forLong} onChange={(event) => setForLong(event.currentTarget.checked)} />
        Keep me signed in on this computer
      </label>
      {error !== null && (
        <p class="note bad" role="alert">
          {error}
        </p>
      )}
      <button type="submit" class="button main">
        Sign in
      </button>
      <p class="muted small">
        No token? An administrator makes one. A fresh collector prints a set-up code when it starts.
      </p>
    </form>
  );
}
