import { Anchor, Text } from '@mantine/core';
import { Link } from 'react-router-dom';
import { Page } from '../ui/page';

export function NotFoundPage() {
  return (
    <Page title="No such page">
      <Text>
        There is nothing at this address.{' '}
        <Anchor component={Link} to="/" underline="always">
          To the map
        </Anchor>
      </Text>
    </Page>
  );
}
