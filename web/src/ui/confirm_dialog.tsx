import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useCallback } from 'react';
import { Trouble } from './trouble';
import { useTask } from './use_task';

export interface Confirmation {
  title: string;
  text: string;
  // The button's words.
  action: string;
  work: () => Promise<unknown>;
  done?: () => void;
}

export function ConfirmDialog(props: { confirmation: Confirmation; onClose: () => void }) {
  const { confirmation, onClose } = props;
  const task = useTask(useCallback(() => confirmation.work().then(() => true), [confirmation]));
  const go = async () => {
    if (!(await task.run())) return;
    confirmation.done?.();
    onClose();
  };
  return (
    <Modal opened onClose={onClose} title={confirmation.title}>
      <Stack>
        <Text>{confirmation.text}</Text>
        <Trouble error={task.error} what="Refused" />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button loading={task.busy} onClick={() => void go()} data-autofocus>
            {confirmation.action}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
