import { Code } from '@connectrpc/connect';
import { getOption } from '@bufbuild/protobuf';
import { info, ReasonSchema } from '@serverflow/gen/es/serverflow/error/v1/problem_pb';
import { expect, test } from 'vitest';
import type { Problem } from './problem.ts';
import { problemTexts } from './problem-texts.ts';
import { problemsInFrench } from './problems-fr.ts';

const problem: Problem = {
  reason: 'NOT_FOUND',
  code: Code.NotFound,
  message: 'There is no app shop.',
  next: 'List what there is.',
  metadata: { resource: 'app', name: 'shop' },
  fields: {},
  retryable: false,
  requestId: '',
};
const inputs = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test('a problem is told in French with its facts', () => {
  expect(problemTexts(problem, problemsInFrench).message).toBe('Introuvable : app shop.');
});

test('without its facts, or in English, it is told as the control plane said it', () => {
  expect(problemTexts({ ...problem, metadata: {} }, problemsInFrench).message).toBe(
    problem.message,
  );
  expect(problemTexts(problem, {})).toEqual({ message: problem.message, next: problem.next });
});

test('every reason of the contract is there in French, and needs no fact that the contract does not give', () => {
  for (const value of ReasonSchema.values.filter(({ number }) => number !== 0)) {
    const { name } = value;
    const key = name.replace('REASON_', '') as keyof typeof problemsInFrench;
    const english = getOption(value, info);
    expect(problemsInFrench[key], name).toBeDefined();
    const known = [...inputs(english.message), ...inputs(english.next)];
    for (const input of problemsInFrench[key].flatMap(inputs)) expect(known, name).toContain(input);
  }
});
