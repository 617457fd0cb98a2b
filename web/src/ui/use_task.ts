import { useCallback, useState } from 'react';

export interface Task<A extends unknown[], T> {
  run: (...args: A) => Promise<T | null>;
  busy: boolean;
  error: Error | null;
  clear: () => void;
}

// One request at a time, with what went wrong in it.
export function useTask<A extends unknown[], T>(work: (...args: A) => Promise<T>): Task<A, T> {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const run = useCallback(
    async (...args: A) => {
      setBusy(true);
      setError(null);
      try {
        return await work(...args);
      } catch (thrown) {
        setError(thrown instanceof Error ? thrown : new Error(String(thrown)));
        return null;
      } finally {
        setBusy(false);
      }
    },
    [work],
  );
  const clear = useCallback(() => setError(null), []);
  return { run, busy, error, clear };
}
