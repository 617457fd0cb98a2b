import { Button } from '@mantine/core';
import { paths } from '../api/client';
import { scopeWords } from '../model/scope';
import { useDialogs } from './dialogs';
import { useApi } from './session';

export function StopButton({ scope, words }: { scope: string; words?: string }) {
  const dialogs = useDialogs();
  return (
    <Button size="compact-sm" color="red" onClick={() => dialogs.stop(scope)}>
      {words ?? `Stop ${scopeWords(scope)}…`}
    </Button>
  );
}

export function RestoreButton(props: { scope: string; words?: string; onDone?: () => void }) {
  const { scope } = props;
  const api = useApi();
  const dialogs = useDialogs();
  const ask = () =>
    dialogs.confirm({
      title: `Restore ${scopeWords(scope)}?`,
      text: 'Its links open again as far as their quotas allow and nothing around them is shut.',
      action: 'Restore',
      work: () => api.post(paths.restore(scope), {}),
      ...(props.onDone ? { done: props.onDone } : {}),
    });
  return (
    <Button size="compact-sm" variant="default" onClick={ask}>
      {props.words ?? `Restore ${scopeWords(scope)}…`}
    </Button>
  );
}

export function ReadmitButton({ node, onDone }: { node: string; onDone: () => void }) {
  const api = useApi();
  const dialogs = useDialogs();
  const ask = () =>
    dialogs.confirm({
      title: `Readmit node ${node}?`,
      text: 'Do so only when you know what happened to it. Its links open again by new leases.',
      action: 'Readmit',
      work: () => api.post(paths.readmit(node), {}),
      done: onDone,
    });
  return (
    <Button size="compact-sm" onClick={ask}>
      Readmit…
    </Button>
  );
}
