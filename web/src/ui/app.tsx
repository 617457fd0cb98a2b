import { MantineProvider } from '@mantine/core';
import { lazy, useCallback, useEffect, useMemo, useState } from 'react';
import { BrowserRouter, Navigate, Route, Routes } from 'react-router-dom';
import { Api } from '../api/client';
import { forgetToken, loadToken, saveToken } from '../api/token';
import { LiveConnection } from '../live/connection';
import { LiveContext, LiveStore } from '../live/store';
import { EventsPage } from '../pages/events_page';
import { LinksPage } from '../pages/links_page';
import { LoginPage } from '../pages/login_page';
import { NodesPage } from '../pages/nodes_page';
import { NotFoundPage } from '../pages/not_found_page';
import { QuotaPage } from '../pages/quota_page';
import { QuotasPage } from '../pages/quotas_page';
import { StopsPage } from '../pages/stops_page';
import { WiringPage } from '../pages/wiring_page';
import { cspNonce } from './nonce';
import { routerFuture } from './router';
import { SessionContext, type Session } from './session';
import { Shell } from './shell';
import { cssVariablesResolver, theme } from './theme';

// The map's and the charts' libraries are most of the code: the rest does not wait for them.
const MapPage = lazy(() => import('../pages/map_page'));
const LinkPage = lazy(() => import('../pages/link_page'));
const NodePage = lazy(() => import('../pages/node_page'));

export function App() {
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      cssVariablesResolver={cssVariablesResolver}
      getStyleNonce={cspNonce}
    >
      <BrowserRouter future={routerFuture}>
        <Gate />
      </BrowserRouter>
    </MantineProvider>
  );
}

// The login, or the console with a token.
function Gate() {
  const [token, setToken] = useState(loadToken);
  const [ended, setEnded] = useState(false);
  const leave = useCallback((byController: boolean) => {
    forgetToken();
    setEnded(byController);
    setToken(null);
  }, []);
  if (token === null) {
    const enter = (fresh: string) => {
      saveToken(fresh);
      setEnded(false);
      setToken(fresh);
    };
    return <LoginPage ended={ended} onToken={enter} />;
  }
  return <Console key={token} token={token} onLeave={leave} />;
}

function Console({ token, onLeave }: { token: string; onLeave: (byController: boolean) => void }) {
  const session = useMemo<Session>(
    () => ({ api: new Api(token, () => onLeave(true)), logOut: () => onLeave(false) }),
    [token, onLeave],
  );
  const [store] = useState(() => new LiveStore(performance.now()));
  useEffect(() => {
    const now = () => performance.now();
    const connection = new LiveConnection(session.api, store.dispatch, now);
    void connection.run();
    const clock = setInterval(() => store.dispatch({ type: 'tick', now: now() }), 500);
    return () => {
      clearInterval(clock);
      connection.stop();
    };
  }, [session, store]);
  return (
    <SessionContext.Provider value={session}>
      <LiveContext.Provider value={store}>
        <ConsoleRoutes />
      </LiveContext.Provider>
    </SessionContext.Provider>
  );
}

export function ConsoleRoutes() {
  return (
    <Routes>
      <Route element={<Shell />}>
        <Route index element={<MapPage />} />
        <Route path="links" element={<LinksPage />} />
        <Route path="links/:link" element={<LinkPage />} />
        <Route path="nodes" element={<NodesPage />} />
        <Route path="nodes/:node" element={<NodePage />} />
        <Route path="wiring" element={<WiringPage />} />
        <Route path="quotas" element={<QuotasPage />} />
        <Route path="quotas/:scope" element={<QuotaPage />} />
        <Route path="events" element={<EventsPage />} />
        <Route path="stops" element={<StopsPage />} />
        <Route path="login" element={<Navigate to="/" replace />} />
        <Route path="*" element={<NotFoundPage />} />
      </Route>
    </Routes>
  );
}
