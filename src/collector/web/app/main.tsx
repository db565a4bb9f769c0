/** The operator console: which page is shown, and whether anyone is signed in. */
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import './style.css';
import { keepToken, live, token } from './api.ts';
import { type Route, useRoute } from './hooks.ts';
import { CommandsPage } from './pages/commands.tsx';
import { EdgesPage } from './pages/edges.tsx';
import { EnterPage } from './pages/enter.tsx';
import { GapsPage } from './pages/gaps.tsx';
import { MeterPage } from './pages/meter.tsx';
import { MetersPage } from './pages/meters.tsx';
import { OverviewPage } from './pages/overview.tsx';
import { Shell } from './shell.tsx';
import './theme.ts';

/** A link of the demo carries a token behind `#`, which no server ever sees; it is taken out of the address at once. */
function takeToken(): void {
  const offered = /^#\/enter\?token=(dw_[\w-]+)$/.exec(location.hash)?.[1];
  if (offered === undefined) return;
  keepToken(offered, false);
  history.replaceState(null, '', '#/overview');
}

function App() {
  const [isIn, setIsIn] = useState(token() !== null);
  const route = useRoute();
  useEffect(() => {
    const out = (): void => setIsIn(false);
    addEventListener('deltawatt-signed-out', out);
    return () => removeEventListener('deltawatt-signed-out', out);
  }, []);
  useEffect(() => {
    if (isIn) live.start();
    else live.end();
  }, [isIn]);
  if (!isIn) return <EnterPage onEnter={() => setIsIn(true)} />;
  return (
    <Shell>
      <CurrentPage route={route} />
    </Shell>
  );
}

function CurrentPage(props: { readonly route: Route }) {
  const [section = 'overview', id] = props.route.path;
  if (section === 'meters')
    return id === undefined ? <MetersPage query={props.route.query} /> : <MeterPage key={id} meterId={id} />;
  if (section === 'gaps') return <GapsPage />;
  if (section === 'commands') return <CommandsPage query={props.route.query} />;
  if (section === 'edges') return <EdgesPage />;
  return <OverviewPage />;
}

takeToken();
const root = document.querySelector('#app');
if (root !== null) render(<App />, root);
