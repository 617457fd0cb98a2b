import { Button, Group, Loader, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useCallback, useEffect, useState } from 'react';
import { ApiError, paths } from '../api/client';
import type { RevokeDryRun } from '../api/types';
import { summary, touched } from '../model/dry_run';
import { parseScope, scopeWords } from '../model/scope';
import { plural } from '../model/words';
import { ChangesTable } from './changes_table';
import { useApi } from './session';
import { SilenceWatch } from './silence_watch';
import { Trouble } from './trouble';
import { useTask } from './use_task';

// Names what will fall silent, asks, revokes, and then shows how long each end took.
export function StopDialog({ scope, onClose }: { scope: string; onClose: () => void }) {
  const [revocation, setRevocation] = useState<number | null>(null);
  return (
    <Modal
      opened
      onClose={onClose}
      size="xl"
      title={revocation === null ? `Stop ${scopeWords(scope)}?` : `Stopping ${scopeWords(scope)}`}
      closeOnClickOutside={false}
    >
      {revocation === null ? (
        <Ask scope={scope} onClose={onClose} onRevoked={setRevocation} />
      ) : (
        <Stack>
          <SilenceWatch id={revocation} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose} data-autofocus>
              Close
            </Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}

// What must be typed before a large scope is stopped; null where a click is enough.
function wordToType(scope: string): string | null {
  const parsed = parseScope(scope);
  if (parsed?.kind === 'fleet') return 'fleet';
  return parsed?.kind === 'enclosure' ? parsed.name : null;
}

function useRevokeDryRun(scope: string) {
  const api = useApi();
  const dryRun = useTask(
    useCallback(() => api.post<RevokeDryRun>(paths.revoke(scope, true), {}), [api, scope]),
  );
  const [result, setResult] = useState<RevokeDryRun | null>(null);
  const { run } = dryRun;
  useEffect(() => {
    let here = true;
    void run().then((found) => {
      if (here) setResult(found);
    });
    return () => {
      here = false;
    };
  }, [run]);
  return { result, error: dryRun.error };
}

function Ask(props: { scope: string; onClose: () => void; onRevoked: (id: number) => void }) {
  const { scope, onClose, onRevoked } = props;
  const api = useApi();
  const dryRun = useRevokeDryRun(scope);
  const [reason, setReason] = useState('');
  const [typed, setTyped] = useState('');
  const word = wordToType(scope);
  const revoke = useTask(
    useCallback(
      (why: string) =>
        api.post<{ revocation: number }>(paths.revoke(scope), why === '' ? {} : { reason: why }),
      [api, scope],
    ),
  );
  const fieldError =
    revoke.error instanceof ApiError && revoke.error.field === 'reason' ? revoke.error : null;
  // A stop must be possible even when the dry run is not.
  const ready = (dryRun.result !== null || dryRun.error !== null) && (!word || typed === word);
  const go = async () => {
    const answer = await revoke.run(reason.trim());
    if (answer) onRevoked(answer.revocation);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) void go();
      }}
    >
      <Stack>
        <WillFallSilent result={dryRun.result} error={dryRun.error} />
        <TextInput
          label="Reason"
          description="Kept with the event; one line"
          value={reason}
          maxLength={200}
          onChange={(event) => setReason(event.currentTarget.value)}
          error={fieldError?.message}
          data-autofocus
        />
        {word && (
          <TextInput
            label={`Type “${word}” to confirm`}
            value={typed}
            autoComplete="off"
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
        )}
        <Trouble error={fieldError ? null : revoke.error} what="Not stopped" />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" color="red" loading={revoke.busy} disabled={!ready}>
            Stop {scopeWords(scope)}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function WillFallSilent({ result, error }: { result: RevokeDryRun | null; error: Error | null }) {
  if (error) return <Trouble error={error} what="What falls silent is not known" />;
  if (!result) return <Loader size="sm" aria-label="Asking what will fall silent" />;
  const links = touched(result.links);
  return (
    <>
      <Text>
        {links.length === 0
          ? 'No link that is open falls silent. It stays shut until it is restored.'
          : `${plural(links.length, 'link')} will fall silent at both ends, and stay so until restored.`}
      </Text>
      {result.notes.map((note) => (
        <Text key={note} size="sm">
          {note}
        </Text>
      ))}
      {result.links.length > 0 && <ChangesTable links={result.links} label={summary(links)} />}
    </>
  );
}
