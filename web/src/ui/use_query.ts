import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'react-router-dom';

// Filters live in the URL, so that what is seen can be linked to.
export function useQueryText(name: string): [string, (text: string) => void] {
  const [params, setParams] = useSearchParams();
  const set = useCallback(
    (text: string) =>
      setParams(
        (old) => {
          const next = new URLSearchParams(old);
          if (text === '') next.delete(name);
          else next.set(name, text);
          return next;
        },
        { replace: true },
      ),
    [name, setParams],
  );
  return [params.get(name) ?? '', set];
}

export function useQueryList(name: string): [string[], (list: string[]) => void] {
  const [text, setText] = useQueryText(name);
  const list = useMemo(() => (text === '' ? [] : text.split(',')), [text]);
  const set = useCallback((next: string[]) => setText(next.join(',')), [setText]);
  return [list, set];
}
