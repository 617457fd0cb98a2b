import { Alert, Autocomplete, Button, Group, SimpleGrid, Text, TextInput } from '@mantine/core';
import { useCallback, useMemo, useState } from 'react';
import { ApiError, paths } from '../api/client';
import type { Quota, QuotaDryRun } from '../api/types';
import { selectFleet, useLive } from '../live/store';
import {
  bodyOf,
  checkForm,
  isField,
  type FieldErrors,
  type FormField,
  type QuotaForm,
} from '../model/quota_form';
import { parseScope } from '../model/scope';
import { scopesOf } from '../model/search';
import { DryRunView } from './dry_run_view';
import { useApi } from './session';
import { Trouble } from './trouble';
import { useTask } from './use_task';

interface FieldWords {
  field: Exclude<FormField, 'scope'>;
  label: string;
  description: string;
}

function wordsFor(link: boolean): FieldWords[] {
  const empty = link ? '' : '; empty: not bounded';
  return [
    { field: 'rate', label: 'Rate', description: `such as 100Mbit or 1.5Gbit${empty}` },
    { field: 'volume', label: 'Volume', description: `such as 1GB or 512MiB${empty}` },
    { field: 'per', label: 'Per', description: '“lifetime”, or a window such as 24h' },
    {
      field: 'lease',
      label: 'Lease lifetime',
      description: link ? 'such as 30s; empty: 30s' : 'the longest in the scope; empty: 24h',
    },
    { field: 'burst', label: 'Burst', description: 'such as 500KB; empty: 40ms of the rate' },
  ];
}

// The field that a refusal names, if the form has it.
function fieldErrorOf(error: Error | null): FieldErrors {
  if (!(error instanceof ApiError)) return {};
  const field = error.field === 'link' ? 'scope' : error.field;
  return isField(field) ? { [field]: error.message } : {};
}

function useQuotaTasks() {
  const api = useApi();
  const check = useTask(
    useCallback(
      (form: QuotaForm) => api.put<QuotaDryRun>(paths.quota(form.scope.trim(), true), bodyOf(form)),
      [api],
    ),
  );
  const save = useTask(
    useCallback(
      (form: QuotaForm) => api.put<{ quota: Quota }>(paths.quota(form.scope.trim()), bodyOf(form)),
      [api],
    ),
  );
  return { check, save };
}

// Nothing is saved that was not checked as it stands.
export function QuotaEditor(props: {
  initial: QuotaForm;
  fixedScope?: boolean;
  // Of the quota in force, as last read; 0 without one.
  version?: number;
  onSaved: (quota: Quota) => void;
}) {
  const [base, setBase] = useState(props.version ?? 0);
  const [form, setForm] = useState(props.initial);
  const [dryRun, setDryRun] = useState<{ form: QuotaForm; result: QuotaDryRun } | null>(null);
  const [early, setEarly] = useState<FieldErrors>({});
  const [saved, setSaved] = useState(false);
  const { check, save } = useQuotaTasks();
  // An answer that comes when the form is another already says nothing of it.
  const checked = dryRun?.form === form ? dryRun.result : null;
  const change = (field: FormField, text: string) => {
    setForm((old) => ({ ...old, [field]: text }));
    setDryRun(null);
    setSaved(false);
    setEarly((old) => ({ ...old, [field]: undefined }));
    check.clear();
    save.clear();
  };
  const runCheck = async () => {
    setSaved(false);
    const errors = checkForm(form);
    setEarly(errors);
    if (Object.keys(errors).length > 0) return;
    const result = await check.run(form);
    setDryRun(result && { form, result });
  };
  const runSave = async () => {
    const answer = await save.run(form);
    if (!answer) return;
    setDryRun(null);
    setSaved(true);
    setBase(answer.quota.version);
    props.onSaved(answer.quota);
  };
  const refused = check.error ?? save.error;
  const fromController = fieldErrorOf(refused);
  const errors: FieldErrors = { ...early, ...fromController };
  const loose = Object.keys(fromController).length === 0 ? refused : null;
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void runCheck();
      }}
    >
      {(props.version ?? 0) > base && (
        <ChangedMeanwhile
          onTake={() => {
            setForm(props.initial);
            setDryRun(null);
            setBase(props.version ?? 0);
          }}
        />
      )}
      <Fields form={form} errors={errors} fixedScope={props.fixedScope} onChange={change} />
      <Group mt="sm">
        <Button type="submit" variant="default" loading={check.busy}>
          Check
        </Button>
        <Button
          disabled={!checked}
          loading={save.busy}
          onClick={() => void runSave()}
          aria-describedby="save-help"
        >
          Save
        </Button>
        <Text size="sm" c="dimmed" id="save-help">
          {checked ? 'Checked: this is what saving does.' : 'Check first, then save.'}
        </Text>
      </Group>
      <Text role="status" size="sm">
        {saved ? 'Saved.' : ''}
      </Text>
      <Trouble error={loose} what="Refused" />
      {checked && <DryRunView result={checked} />}
    </form>
  );
}

function ChangedMeanwhile({ onTake }: { onTake: () => void }) {
  return (
    <Alert color="yellow" variant="outline" mb="sm" title="Somebody changed this quota meanwhile">
      <Button size="compact-sm" variant="default" onClick={onTake}>
        Put what is in force into the form
      </Button>
    </Alert>
  );
}

function Fields(props: {
  form: QuotaForm;
  errors: FieldErrors;
  fixedScope?: boolean | undefined;
  onChange: (field: FormField, text: string) => void;
}) {
  const { form, errors, onChange } = props;
  const fleet = useLive(selectFleet);
  const scopes = useMemo(() => scopesOf(fleet), [fleet]);
  const link = parseScope(form.scope.trim())?.kind === 'link';
  return (
    <>
      {!props.fixedScope && (
        <Autocomplete
          label="Scope"
          description="fleet, enclosure:east, node:a1 or a link such as a1>b1"
          data={scopes}
          limit={20}
          value={form.scope}
          onChange={(text) => onChange('scope', text)}
          error={errors.scope}
          mb="xs"
        />
      )}
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs">
        {wordsFor(link).map(({ field, label, description }) => (
          <TextInput
            key={field}
            label={label}
            description={description}
            value={form[field]}
            error={errors[field]}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => onChange(field, event.currentTarget.value)}
          />
        ))}
      </SimpleGrid>
      {props.fixedScope && errors.scope && <Text c="red">{errors.scope}</Text>}
    </>
  );
}
