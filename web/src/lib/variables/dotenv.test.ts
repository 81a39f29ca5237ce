import { expect, test } from 'vitest';
import { dotenv } from './dotenv.ts';

test('a .env file is read with its comments, quotes and exports', () => {
  const file = [
    '# the database',
    'DATABASE_URL=postgres://u:p@host/db?x=1#y',
    'export LOG_LEVEL = info # quiet',
    'GREETING="hello\\n\\"you\\""',
    "RAW='a # b'",
    'EMPTY=',
    'not a line',
    '1BAD=x',
  ].join('\n');
  expect(dotenv(file)).toEqual([
    { name: 'DATABASE_URL', value: 'postgres://u:p@host/db?x=1#y' },
    { name: 'LOG_LEVEL', value: 'info' },
    { name: 'GREETING', value: 'hello\n"you"' },
    { name: 'RAW', value: 'a # b' },
    { name: 'EMPTY', value: '' },
  ]);
});
