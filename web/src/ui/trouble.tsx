import { Alert } from '@mantine/core';

// What went wrong, as the controller says it.
export function Trouble({ error, what }: { error: Error | null; what: string }) {
  if (!error) return null;
  return (
    <Alert color="red" variant="outline" title={what} role="alert">
      {error.message}
    </Alert>
  );
}
