import { Alert, Button, Code, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useEffect, useState } from 'react';
import { Api, ApiError, paths } from '../api/client';

async function refusal(token: string): Promise<string | null> {
  try {
    await new Api(token, () => undefined).get(paths.status);
    return null;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401)
      return 'The controller does not take this token.';
    return error instanceof ApiError ? error.message : 'The controller cannot be reached.';
  }
}

export function LoginPage(props: { ended: boolean; onToken: (token: string) => void }) {
  const [token, setToken] = useState('');
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    document.title = 'Log in · Sluice';
  }, []);
  const enter = async () => {
    const text = token.trim();
    // What is not printable ASCII cannot stand in a header.
    if (!/^[\x21-\x7e]+$/.test(text)) return setError('This cannot be a token.');
    setBusy(true);
    const bad = await refusal(text);
    setBusy(false);
    if (bad !== null) return setError(bad);
    props.onToken(text);
  };
  return (
    <main>
      <Paper withBorder p="lg" maw={440} mx="auto" mt="15vh">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void enter();
          }}
        >
          <Stack>
            <Title order={1} size="h3">
              Sluice
            </Title>
            {props.ended && (
              <Alert color="yellow" variant="outline" role="status">
                The controller does not take the token any more. Log in again.
              </Alert>
            )}
            <PasswordInput
              label="Admin token"
              description={
                <>
                  In the file <Code>admin.token</Code> in the controller’s state directory
                </>
              }
              value={token}
              onChange={(event) => setToken(event.currentTarget.value)}
              error={error}
              autoComplete="off"
              visibilityToggleButtonProps={{ 'aria-label': 'Show the token' }}
            />
            <Button type="submit" loading={busy}>
              Log in
            </Button>
            <Text size="sm" c="dimmed">
              The token is kept until this tab is closed.
            </Text>
          </Stack>
        </form>
      </Paper>
    </main>
  );
}
