import { Autocomplete, Button, Group, Stack, Text } from '@mantine/core';
import { useMemo, useState } from 'react';
import { paths } from '../api/client';
import type { Revocation, Revocations, Stop } from '../api/types';
import type { LiveLink } from '../live/figures';
import { selectFigures, selectFleet, useLive } from '../live/store';
import { durationText } from '../model/format';
import { parseScope } from '../model/scope';
import { scopesOf } from '../model/search';
import { plural } from '../model/words';
import { DataTable, type Column } from '../ui/data_table';
import { useDialogs } from '../ui/dialogs';
import { Page, Section } from '../ui/page';
import { RestoreButton, RestoreLinkButtons } from '../ui/scope_actions';
import { LinkName, ScopeName, StateBadge } from '../ui/state_badge';
import { Trouble } from '../ui/trouble';
import { useFollow } from '../ui/use_follow';

const kRevocationColumns: Column<Revocation>[] = [
  { key: 'id', title: 'No.', number: true, render: (r) => r.id, sort: (r) => r.id },
  { key: 'scope', title: 'Scope', render: (r) => <ScopeName scope={r.scope} /> },
  { key: 'reason', title: 'Reason', wraps: true, render: (r) => r.reason },
  {
    key: 'age',
    title: 'Ago',
    number: true,
    render: (r) => durationText(r.age_s),
    sort: (r) => r.age_s,
  },
  { key: 'ends', title: 'Ends', number: true, render: (r) => r.ends.length },
  {
    key: 'silent',
    title: 'Silence',
    render: (r) =>
      r.silent ? (
        <StateBadge look={{ words: 'silent', mark: '●', tone: 'good' }} />
      ) : (
        <StateBadge look={{ words: 'not yet', mark: '…', tone: 'warn' }} />
      ),
  },
  {
    key: 'after',
    title: 'Time to silence',
    number: true,
    render: (r) => durationText(r.silent_after_s),
    sort: (r) => r.silent_after_s,
  },
];

const linkColumns = (stops: Stop[] | undefined, onDone: () => void): Column<LiveLink>[] => [
  { key: 'link', title: 'Link', render: (l) => <LinkName name={l.name} />, sort: (l) => l.name },
  {
    key: 'restore',
    title: 'Restore',
    render: (l) => <RestoreLinkButtons link={l.name} stops={stops} onDone={onDone} />,
  },
];

export function StopsPage() {
  const { data, error, reload } = useFollow<Revocations>(paths.revocations, 1);
  const figures = useLive(selectFigures);
  const revoked = useMemo(
    () => figures?.links.filter((link) => link.state === 'revoked') ?? [],
    [figures],
  );
  const columns = useMemo(() => linkColumns(data?.stops, reload), [data, reload]);
  return (
    <Page title="Stops">
      <Trouble error={error} what="The stops cannot be read" />
      <Section title="Stop a scope">
        <StopForm />
      </Section>
      <div className="columns">
        <Section title="Stops in force">
          <StopsInForce stops={data?.stops ?? null} onRestored={reload} />
        </Section>
        <Section title="Revoked links">
          <Text size="sm" mb="xs">
            {figures
              ? `${plural(revoked.length, 'link is', 'links are')} revoked: by name, by a stop around them or by tampering. The link’s page says why.`
              : 'The links’ states are unknown.'}
          </Text>
          {revoked.length > 0 && (
            <DataTable
              short
              label="Links that are revoked"
              columns={columns}
              rows={revoked}
              rowKey={(l) => l.name}
              empty=""
            />
          )}
        </Section>
      </div>
      <Section title="The last revocations">
        {data ? (
          <DataTable
            short
            label="Revocations, newest first"
            columns={kRevocationColumns}
            rows={data.revocations}
            rowKey={(r) => r.id}
            empty="Nothing was revoked since the controller started."
          />
        ) : (
          <Text>Not read yet.</Text>
        )}
      </Section>
    </Page>
  );
}

function StopForm() {
  const fleet = useLive(selectFleet);
  const dialogs = useDialogs();
  const scopes = useMemo(() => scopesOf(fleet), [fleet]);
  const [scope, setScope] = useState('');
  const [tried, setTried] = useState(false);
  const good = parseScope(scope) !== null;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (good) dialogs.stop(scope);
      }}
    >
      <Group align="start">
        <Autocomplete
          label="Scope"
          description="fleet, enclosure:east, node:a1 or a1>b1"
          data={scopes}
          limit={20}
          value={scope}
          onChange={setScope}
          error={tried && !good ? 'This is no scope.' : undefined}
          w={280}
        />
        <Button type="submit" color="red" mt={44}>
          Stop…
        </Button>
      </Group>
    </form>
  );
}

function StopsInForce({ stops, onRestored }: { stops: Stop[] | null; onRestored: () => void }) {
  if (!stops) return <Text>Not read yet.</Text>;
  if (stops.length === 0) return <Text>No node, enclosure or fleet is stopped.</Text>;
  return (
    <Stack gap="xs" className="figures">
      {stops.map((stop) => (
        <Group key={stop.scope} justify="space-between">
          <span>
            <ScopeName scope={stop.scope} /> {stop.reason && `· ${stop.reason}`}
          </span>
          <RestoreButton scope={stop.scope} onDone={onRestored} />
        </Group>
      ))}
    </Stack>
  );
}
