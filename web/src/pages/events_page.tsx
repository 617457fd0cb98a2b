import { Autocomplete, Group, MultiSelect } from '@mantine/core';
import { useEffect, useMemo, useState } from 'react';
import { selectFleet, useLive } from '../live/store';
import { scopesOf } from '../model/search';
import { parseScope } from '../model/scope';
import { eventKinds, kindWords, severities, severityLook } from '../model/words';
import { EventList } from '../ui/event_list';
import { Page } from '../ui/page';
import { useQueryList, useQueryText } from '../ui/use_query';

export function EventsPage() {
  const fleet = useLive(selectFleet);
  const [subject, setSubject] = useQueryText('subject');
  const [kinds, setKinds] = useQueryList('kind');
  const [chosen, setChosen] = useQueryList('severity');
  const [typed, setTyped] = useState(subject);
  useEffect(() => setTyped(subject), [subject]);
  const scopes = useMemo(() => scopesOf(fleet), [fleet]);
  const allKinds = useMemo(() => [...new Set([...eventKinds, ...kinds])], [kinds]);
  const wrong = typed !== '' && !parseScope(typed);
  const take = (text: string) => {
    setTyped(text);
    if (text === '' || parseScope(text)) setSubject(text);
  };
  return (
    <Page title="Events" fills>
      <Group align="start">
        <Autocomplete
          label="Subject"
          placeholder="all"
          data={scopes}
          limit={20}
          value={typed}
          onChange={take}
          error={wrong ? 'write fleet, enclosure:east, node:a1 or a1>b1' : undefined}
          w={250}
        />
        <MultiSelect
          label="Kind"
          placeholder={kinds.length === 0 ? 'all' : undefined}
          data={allKinds.map((kind) => ({ value: kind, label: kindWords(kind) }))}
          value={kinds}
          onChange={setKinds}
          searchable
          clearable
          clearButtonProps={{ 'aria-label': 'All kinds' }}
          miw={220}
          maw={420}
        />
        <MultiSelect
          label="Severity"
          placeholder={chosen.length === 0 ? 'all' : undefined}
          data={severities.map((one) => ({ value: one, label: severityLook(one).words }))}
          value={chosen}
          onChange={setChosen}
          clearable
          clearButtonProps={{ 'aria-label': 'All severities' }}
          miw={180}
        />
      </Group>
      <EventList subject={subject} kinds={kinds.join(',')} severities={chosen} />
    </Page>
  );
}
