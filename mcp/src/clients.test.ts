import { expect, it } from 'vitest';
import { makeClients } from './clients.ts';

const initialize = (name: unknown, version?: unknown) => ({
  method: 'initialize',
  params: { clientInfo: { name, version } },
});

it('remembers a client by its token and program, and not beyond them', () => {
  const clients = makeClients();
  expect(clients.learn('a', 'node', { method: 'tools/list' })).toBeUndefined();
  clients.learn('a', 'node', initialize('claude-code', '2.0'));
  expect(clients.learn('a', 'node', {})).toEqual({ name: 'claude-code', version: '2.0' });
  expect(clients.learn('a', 'curl', {})).toBeUndefined();
  expect(clients.learn('b', 'node', {})).toBeUndefined();
});

it('takes of a name only what may stand in a header, at most 64 characters', () => {
  const clients = makeClients();
  const evil = `a\r\nx-evil: 1${'z'.repeat(100)}\u{1f600}`;
  const name = clients.learn('a', '', initialize(evil, { not: 'text' }));
  expect(name).toEqual({ name: `ax-evil: 1${'z'.repeat(54)}`, version: '0' });
  expect(clients.learn('c', '', initialize(42))).toBeUndefined();
  expect(clients.learn('d', '', null)).toBeUndefined();
});

it('forgets the oldest beyond a thousand', () => {
  const clients = makeClients();
  for (let index = 0; index <= 1000; index++) {
    clients.learn(`token-${index}`, '', initialize('one', '1'));
  }
  expect(clients.learn('token-0', '', {})).toBeUndefined();
  expect(clients.learn('token-1000', '', {})).toBeDefined();
});
