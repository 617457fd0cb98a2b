import { Loader, Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import { paths } from '../api/client';
import type { Revocation, Revocations, Silence } from '../api/types';
import { durationText } from '../model/format';
import { plural } from '../model/words';
import { DataTable, type Column } from './data_table';
import { useApi } from './session';
import { LinkName, NodeName, StateBadge } from './state_badge';
import { Trouble } from './trouble';

const kPollMs = 250;

// Reads the revocation until all ends are silent.
function useRevocation(id: number): { found: Revocation | null; error: Error | null } {
  const api = useApi();
  const [found, setFound] = useState<Revocation | null>(null);
  const [error, setError] = useState<Error | null>(null);
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      let silent = false;
      try {
        const all = await api.get<Revocations>(paths.revocations, signal);
        const mine = all.revocations.find((one) => one.id === id) ?? null;
        setFound(mine);
        setError(null);
        silent = mine?.silent === true;
      } catch (thrown) {
        if (!signal.aborted) setError(thrown instanceof Error ? thrown : new Error(String(thrown)));
      }
      if (!silent && !signal.aborted) timer = setTimeout(() => void read(), kPollMs);
    };
    void read();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [api, id]);
  return { found, error };
}

const kRoles = { send: 'sender', receive: 'receiver' } as const;

const kColumns: Column<Silence>[] = [
  { key: 'link', title: 'Link', render: (e) => <LinkName name={e.link} />, sort: (e) => e.link },
  { key: 'role', title: 'End', render: (e) => kRoles[e.role] },
  { key: 'node', title: 'Node', render: (e) => <NodeName name={e.node} />, sort: (e) => e.node },
  {
    key: 'silent',
    title: 'Silent',
    render: (e) =>
      e.silent_after_s === null ? (
        <StateBadge look={{ words: 'not yet', mark: '…', tone: 'warn' }} />
      ) : (
        <StateBadge look={{ words: 'silent', mark: '●', tone: 'good' }} />
      ),
    sort: (e) => e.silent_after_s,
  },
  {
    key: 'after',
    title: 'Time to silence',
    number: true,
    render: (e) => durationText(e.silent_after_s),
    sort: (e) => e.silent_after_s,
  },
  {
    key: 'how',
    title: 'How it is known',
    wraps: true,
    render: (e) => {
      if (e.silent_after_s === null)
        return `at the latest in ${durationText(e.silent_within_s)}, whatever the node does`;
      return e.by_expiry ? 'its lease is surely dead' : 'the node said so';
    },
  },
];

function sentence(found: Revocation): string {
  const left = found.ends.filter((end) => end.silent_after_s === null).length;
  if (found.ends.length === 0) return 'No end had a lease: nothing had to fall silent.';
  if (left > 0) return `Waiting for ${plural(left, 'end')} of ${found.ends.length}.`;
  return `All ${plural(found.ends.length, 'end')} silent after ${durationText(found.silent_after_s)}.`;
}

export function SilenceWatch({ id }: { id: number }) {
  const { found, error } = useRevocation(id);
  return (
    <>
      <Trouble error={error} what="The time to silence cannot be read" />
      {!found && !error && <Loader size="sm" aria-label="Waiting for silence" />}
      {found && (
        <>
          <Text role="status" fw={600} data-testid="silence">
            {sentence(found)}
          </Text>
          {found.ends.length > 0 && (
            <DataTable
              short
              label="Ends of the links that were stopped"
              columns={kColumns}
              rows={found.ends}
              rowKey={(e) => `${e.link} ${e.role}`}
              empty=""
            />
          )}
        </>
      )}
    </>
  );
}
