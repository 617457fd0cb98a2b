import { createContext, useContext } from 'react';
import type { Api } from '../api/client';

export interface Session {
  api: Api;
  logOut: () => void;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('no session around this component');
  return session;
}

export const useApi = (): Api => useSession().api;
