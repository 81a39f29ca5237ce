import { expect, test } from 'vitest';
import { follow, type FollowSpec, type FollowState } from './follow.ts';

type Message = { cursor: string; text?: string };

/** A stream whose source is a script: each opening gets the next list of messages, then ends, fails or stays silent. */
function scripted(openings: { send?: string[]; then: 'end' | 'fail' | 'silence' }[]) {
  const opened: string[] = [];
  const taken: string[] = [];
  const states: FollowState[] = [];
  const spec: FollowSpec<Message> = {
    async *open(cursor, signal) {
      const opening = openings[opened.length] ?? { then: 'silence' };
      opened.push(cursor);
      for (const cursor of opening.send ?? []) yield { cursor };
      if (opening.then === 'fail') throw new Error('connection lost');
      if (opening.then === 'silence') {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        signal.throwIfAborted();
      }
    },
    take: ({ cursor }) => {
      taken.push(cursor);
      return cursor === 'last';
    },
    tell: (state) => {
      if (states.at(-1) !== state) states.push(state);
    },
    isFinal: (error) => error instanceof Error && error.message === 'no permission',
    times: { silenceMs: 40, retryMs: 2, retryMaxMs: 4 },
  };
  return { spec, opened, taken, states };
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 3_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error('it did not become so within 3 s');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

test('a stream that breaks is resumed after its last cursor', async () => {
  const { spec, opened, taken, states } = scripted([
    { send: ['1', '2'], then: 'fail' },
    { send: ['3'], then: 'end' },
    { send: ['last'], then: 'silence' },
  ]);
  follow(spec);
  await until(() => states.at(-1) === 'ended');
  expect(opened).toEqual(['', '2', '3']);
  expect(taken).toEqual(['1', '2', '3', 'last']);
  expect(states).toEqual([
    'connecting',
    'live',
    'reconnecting',
    'live',
    'reconnecting',
    'live',
    'ended',
  ]);
});

test('silence is death: the stream is opened again', async () => {
  const { spec, opened, states } = scripted([
    { send: ['1'], then: 'silence' },
    { send: ['last'], then: 'silence' },
  ]);
  follow(spec);
  await until(() => states.at(-1) === 'ended');
  expect(opened).toEqual(['', '1']);
  expect(states).toContain('reconnecting');
});

test('a paused stream is closed, keeps its cursor and goes on at once', async () => {
  const { spec, opened, states } = scripted([
    { send: ['7'], then: 'silence' },
    { send: ['last'], then: 'silence' },
  ]);
  const following = follow({ ...spec, times: { silenceMs: 60_000, retryMs: 60_000 } });
  await until(() => states.at(-1) === 'live');
  following.pause();
  await until(() => states.at(-1) === 'paused');
  expect(opened).toEqual(['']);
  following.resume();
  await until(() => states.at(-1) === 'ended');
  expect(opened).toEqual(['', '7']);
});

test('an error that no attempt can mend ends it', async () => {
  const { spec, opened, states } = scripted([]);
  follow({
    ...spec,
    // eslint-disable-next-line require-yield
    async *open(cursor) {
      opened.push(cursor);
      throw new Error('no permission');
    },
  });
  await until(() => states.at(-1) === 'failed');
  expect(opened).toEqual(['']);
});

test('a cursor that is not known any more is given up, and following begins anew', async () => {
  const { spec, opened, taken, states } = scripted([]);
  const answers: (Message | Error)[][] = [
    [{ cursor: 'old' }, new Error('lost')],
    [new Error('bad cursor')],
    [{ cursor: 'last' }],
  ];
  follow({
    ...spec,
    async *open(cursor) {
      const answer = answers[opened.length] ?? [];
      opened.push(cursor);
      for (const one of answer) {
        if (one instanceof Error) throw one;
        yield one;
      }
    },
    isFinal: () => false,
    isCursorLost: (error) => error instanceof Error && error.message === 'bad cursor',
  });
  await until(() => states.at(-1) === 'ended');
  expect(opened).toEqual(['', 'old', '']);
  expect(taken).toEqual(['old', 'last']);
});

test('a stopped stream takes nothing more and is not opened again', async () => {
  const { spec, opened, taken, states } = scripted([{ send: ['1'], then: 'silence' }]);
  const following = follow(spec);
  await until(() => states.at(-1) === 'live');
  following.stop();
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(opened).toEqual(['']);
  expect(taken).toEqual(['1']);
});
