import { Button } from '@mantine/core';
import { paths } from '../api/client';
import type { Stop } from '../api/types';
import { selectFleet, useLive } from '../live/store';
import { scopeWords } from '../model/scope';
import { stopsAround } from '../model/stops';
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

// For a revoked link: what must be restored so that it may open again.
export function RestoreLinkButtons(props: {
  link: string;
  stops: readonly Stop[] | undefined;
  onDone: () => void;
}) {
  const { link, onDone } = props;
  const fleet = useLive(selectFleet);
  const around = stopsAround(link, props.stops, fleet);
  const scopes = around.length > 0 ? around.map((stop) => stop.scope) : [link];
  return scopes.map((scope) => <RestoreButton key={scope} scope={scope} onDone={onDone} />);
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
