import { Button, Group, Text } from '@mantine/core';
import { useCallback, useState } from 'react';
import { useNavigate, useParams, useSearchParams } from 'react-router-dom';
import { paths } from '../api/client';
import type { QuotaDryRun, QuotaUse } from '../api/types';
import { boundBytes, boundRate, bytesText, durationText, rateText } from '../model/format';
import { emptyForm, formOf } from '../model/quota_form';
import { scopePath, scopeWords } from '../model/scope';
import { exactDuration } from '../model/units';
import { plural } from '../model/words';
import { DryRunView } from '../ui/dry_run_view';
import { EventList } from '../ui/event_list';
import { Facts, Page, Section } from '../ui/page';
import { QuotaEditor } from '../ui/quota_editor';
import { useApi } from '../ui/session';
import { ScopeName } from '../ui/state_badge';
import { Trouble } from '../ui/trouble';
import { useFollow } from '../ui/use_follow';
import { useTask } from '../ui/use_task';

export function QuotaPage() {
  const { scope = 'new' } = useParams();
  const [query] = useSearchParams();
  const navigate = useNavigate();
  if (scope !== 'new') return <OneQuota key={scope} scope={scope} />;
  return (
    <Page title="Set a quota">
      <Section title="New quota">
        <QuotaEditor
          initial={emptyForm(query.get('scope') ?? '')}
          onSaved={(quota) => navigate(`/quotas/${encodeURIComponent(quota.scope)}`)}
        />
      </Section>
    </Page>
  );
}

function OneQuota({ scope }: { scope: string }) {
  const { data, error, reload } = useFollow<{ quotas: QuotaUse[] }>(paths.quotas, 2);
  const quota = data?.quotas.find((one) => one.scope === scope) ?? null;
  return (
    <Page
      title={`Quota of ${scope}`}
      heading={<>Quota of {scopePath(scope) ? <ScopeName scope={scope} /> : scope}</>}
    >
      <Trouble error={error} what="The quota cannot be read" />
      <div className="columns">
        <Section title="In force">
          <div className="figures">
            {!data && !error && <Text>Not read yet.</Text>}
            {data && !quota && <Text>No quota is set on {scopeWords(scope)}.</Text>}
            {quota && <QuotaFacts quota={quota} />}
          </div>
        </Section>
        <Section title={quota ? 'Change' : 'Set'}>
          {(data ?? error) && (
            <QuotaEditor
              version={quota?.version ?? 0}
              initial={quota ? formOf(quota) : emptyForm(scope)}
              fixedScope
              onSaved={reload}
            />
          )}
        </Section>
      </div>
      {quota && (
        <Section title="Delete">
          <DeleteQuota scope={scope} onDeleted={reload} />
        </Section>
      )}
      <Section title="Changes">
        <EventList subject={scope} kinds="quota_set,quota_deleted" limit={100} short />
      </Section>
    </Page>
  );
}

function QuotaFacts({ quota }: { quota: QuotaUse }) {
  const recalling =
    quota.recalling > 0
      ? `${plural(quota.recalling, 'lease')}, over in ${durationText(quota.recalled_within_s)} at the latest`
      : 'no lease';
  return (
    <Facts
      facts={[
        ['Rate', boundRate(quota.rate_bps)],
        ['Leased rate', rateText(quota.leased_rate_bps)],
        ['Burst', bytesText(quota.burst_bytes)],
        ['Volume', boundBytes(quota.volume_bytes)],
        ['Per', quota.per],
        ['Used', bytesText(quota.volume_used_bytes)],
        ['Outstanding', bytesText(quota.volume_outstanding_bytes)],
        ['Left', boundBytes(quota.volume_left_bytes)],
        ['Lease lifetime', exactDuration(quota.lease_s)],
        ['Links with a quota', quota.links],
        ['Being recalled', recalling],
        ['Version', quota.version],
      ]}
    />
  );
}

function DeleteQuota({ scope, onDeleted }: { scope: string; onDeleted: () => void }) {
  const api = useApi();
  const [result, setResult] = useState<QuotaDryRun | null>(null);
  const check = useTask(
    useCallback(() => api.delete<QuotaDryRun>(paths.quota(scope, true)), [api, scope]),
  );
  const remove = useTask(
    useCallback(() => api.delete<unknown>(paths.quota(scope)).then(() => true), [api, scope]),
  );
  const go = async () => {
    if (await remove.run()) onDeleted();
  };
  return (
    <>
      <Group>
        <Button
          variant="default"
          loading={check.busy}
          onClick={() => void check.run().then(setResult)}
        >
          Check deletion
        </Button>
        <Button color="red" disabled={!result} loading={remove.busy} onClick={() => void go()}>
          Delete
        </Button>
      </Group>
      <Trouble error={check.error} what="Not checked" />
      <Trouble error={remove.error} what="Not deleted" />
      {result && <DryRunView result={result} />}
    </>
  );
}
