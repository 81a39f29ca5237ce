import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openWith, sealTo, variableAad, variableInfo } from '@serverflow/agent/envelope';
import { AppService } from '@serverflow/gen/es/serverflow/app/v1/app_service_pb';
import { VariableService } from '@serverflow/gen/es/serverflow/app/v1/variable_service_pb';
import { Reason } from '@serverflow/gen/es/serverflow/error/v1/problem_pb';
import { Event } from '../audit/entity.ts';
import { addApp, addMachine, type Machine } from '../testing/machine.ts';
import { startTestPlane, type Person, type TestPlane } from '../testing/plane.ts';
import { reasonOf } from '../testing/reason.ts';
import { App, Variable } from './entity.ts';
import { readVariables } from './variable-input.ts';

let plane: TestPlane;
let person: Person;
let machine: Machine;
let app: { id: string; name: string };
beforeAll(async () => {
  plane = await startTestPlane();
  person = await plane.person();
  machine = await addMachine(plane, person);
});
beforeEach(async () => {
  app = await addApp(person);
});
afterAll(() => plane.close());

const client = () => person.client(VariableService);
const rows = () => plane.store.tenant(person.organization).find(Variable, { app: app.id });

/** Opens a row as the agent does. */
function opened(row: { name: string; version: number; sealed: Uint8Array }): string {
  const info = variableInfo(person.organization, machine.id, app.id);
  const aad = variableAad(row.name, row.version);
  return Buffer.from(openWith(machine.sealingKey, info, aad, row.sealed)).toString();
}

test('a secret is sealed to the agent, and its value is nowhere else', async () => {
  const value = 'hunter2-hunter2-hunter2';
  const set = await client().setVariables({
    app: app.name,
    variables: [{ name: 'PASSWORD', value }],
    requestId: 'set-once',
  });
  expect(set).toMatchObject({
    variablesVersion: 1,
    variables: [{ name: 'PASSWORD', secret: true, plain: '', updatedBy: person.email }],
  });
  const [row] = await rows();
  expect(opened(row!)).toBe(value);
  await plane.store.orm.em.getConnection().execute('PRAGMA wal_checkpoint(TRUNCATE)');
  for (const file of readdirSync(plane.config.data))
    if (!file.includes('key') && file.includes('.'))
      expect(readFileSync(join(plane.config.data, file)).includes(value)).toBe(false);
  const events = await plane.store.tenant(person.organization).find(Event, {});
  expect(events.some((event) => Buffer.from(event.bytes).includes('[redacted]'))).toBe(true);
});

test('what is no secret stays visible, and is sealed too', async () => {
  await client().setVariables({ app: app.name, variables: [{ name: 'MODE', plain: 'dark' }] });
  const { variables } = await client().listVariables({ app: app.name });
  expect(variables).toMatchObject([{ name: 'MODE', secret: false, plain: 'dark' }]);
  expect(opened((await rows())[0]!)).toBe('dark');
});

test('a generated secret has 32 bytes, and nobody sees it', async () => {
  const generated = await client().setVariables({
    app: app.name,
    variables: [
      { name: 'KEY', generate: true },
      { name: 'SALT', generate: true },
    ],
  });
  expect(generated.variables.map(({ plain }) => plain)).toEqual(['', '']);
  const [key, salt] = (await rows()).map(opened);
  expect(Buffer.from(key!, 'base64url')).toHaveLength(32);
  expect(key).not.toBe(salt);
});

test('a value that the caller sealed itself opens at the agent', async () => {
  const key = await client().getSealingKey({ app: app.name });
  const sealed = sealTo(
    Buffer.from(key.publicKey, 'base64'),
    Buffer.from(key.info, 'base64'),
    Buffer.from(`TOKEN|${key.version}`),
    Buffer.from('of my own'),
  );
  const input = { name: 'TOKEN', sealed: Buffer.from(sealed).toString('base64') };
  const { variables } = await client().setVariables({ app: app.name, variables: [input] });
  expect(variables[0]).toMatchObject({ secret: true, fingerprint: '' });
  expect(opened((await rows())[0]!)).toBe('of my own');
});

test('the fingerprint tells same values from others, within the organization only', async () => {
  const set = (name: string, value: string) =>
    client().setVariables({ app: app.name, variables: [{ name, value }] });
  const prints = [];
  for (const [name, value] of [
    ['A', 'one'],
    ['B', 'one'],
    ['C', 'two'],
  ] as const)
    prints.push((await set(name, value)).variables[0]!.fingerprint);
  expect(prints[0]).toMatch(/^[0-9a-f]{8}$/);
  expect(prints[1]).toBe(prints[0]);
  expect(prints[2]).not.toBe(prints[0]);
  const other = await plane.person();
  await addMachine(plane, other);
  const foreign = await addApp(other);
  const { variables } = await other
    .client(VariableService)
    .setVariables({ app: foreign.name, variables: [{ name: 'A', value: 'one' }] });
  expect(variables[0]!.fingerprint).not.toBe(prints[0]);
});

test('each change has a version, and the app says that it waits for a deployment', async () => {
  const variables = [{ name: 'A', plain: '1' }];
  await client().setVariables({ app: app.name, variables });
  await client().setVariables({ app: app.name, variables: [{ name: 'B', plain: '2' }] });
  expect((await rows()).map(({ name, version }) => [name, version]).toSorted()).toEqual([
    ['A', 1],
    ['B', 2],
  ]);
  const em = plane.store.tenant(person.organization);
  (await em.findOneOrFail(App, app.id)).servingRelease = 1;
  await em.flush();
  const { app: shown } = await person.client(AppService).getApp({ app: app.name });
  expect(shown?.variablesPending).toBe(true);
});

test('deleting names one that is not there deletes none', async () => {
  await client().setVariables({ app: app.name, variables: [{ name: 'A', plain: '1' }] });
  expect(await reasonOf(client().deleteVariables({ app: app.name, names: ['A', 'NONE'] }))).toBe(
    Reason.NOT_FOUND,
  );
  expect(await rows()).toHaveLength(1);
  const gone = await client().deleteVariables({ app: app.name, names: ['A', 'A'] });
  expect(gone.variablesVersion).toBe(2);
  expect(await rows()).toEqual([]);
});

test('validate_only checks all and sets nothing', async () => {
  const variables = [{ name: 'A', value: 'x' }];
  const planned = await client().setVariables({ app: app.name, variables, validateOnly: true });
  expect(planned.variablesVersion).toBe(1);
  expect(await rows()).toEqual([]);
});

test.each([
  ['no value', { name: 'A' }],
  ['two values', { name: 'A', value: 'x', plain: 'y' }],
  ['generated and given', { name: 'A', value: 'x', generate: true }],
  ['PORT', { name: 'PORT', plain: '80' }],
  ['NODE_OPTIONS', { name: 'NODE_OPTIONS', plain: '--require=/tmp/x' }],
  ['LD_PRELOAD', { name: 'LD_PRELOAD', plain: '/tmp/x' }],
  ['a zero byte', { name: 'A', value: 'a\0b' }],
  ['no base64', { name: 'A', sealed: 'no base64!' }],
  ['too short', { name: 'A', sealed: 'AAAA' }],
])('a variable is refused: %s', async (_why, input) => {
  expect(await reasonOf(client().setVariables({ app: app.name, variables: [input] }))).toBe(
    Reason.BAD_VARIABLE,
  );
  expect(await rows()).toEqual([]);
});

test('one given twice, and more than an order can carry, are refused', async () => {
  const twice = [
    { name: 'A', plain: '1' },
    { name: 'A', plain: '2' },
  ];
  expect(await reasonOf(client().setVariables({ app: app.name, variables: twice }))).toBe(
    Reason.BAD_VARIABLE,
  );
  const large = Array.from({ length: 17 }, (_, index) => ({
    name: `A${index}`,
    plain: 'x'.repeat(32_000),
  }));
  expect(await reasonOf(client().setVariables({ app: app.name, variables: large }))).toBe(
    Reason.BAD_VARIABLE,
  );
});

test('an app has at most 500 variables', async () => {
  const some = (from: number, count: number) =>
    Array.from({ length: count }, (_, index) => ({ name: `A${from + index}`, plain: '1' }));
  const set = (from: number, count: number) =>
    client().setVariables({ app: app.name, variables: some(from, count) });
  for (let from = 0; from < 500; from += 100) await set(from, 100);
  expect(await reasonOf(set(500, 1))).toBe(Reason.BAD_VARIABLE);
  expect((await set(0, 100)).variablesVersion).toBe(6);
});

test('an AI client may generate a secret or set a plain value, and never pass one', () => {
  const input = (more: object) => [
    { name: 'A', value: '', plain: '', sealed: '', generate: false, ...more } as never,
  ];
  expect(readVariables(input({ generate: true }), true)).toHaveLength(1);
  expect(readVariables(input({ plain: 'x' }), true)).toHaveLength(1);
  expect(() => readVariables(input({ value: 'x' }), true)).toThrow('AI client');
  expect(() => readVariables(input({ sealed: 'AAAA' }), true)).toThrow('AI client');
});

test('another organization, or a token of another environment, sees no variable', async () => {
  const other = (await plane.person()).client(VariableService);
  const narrow = await person.script(VariableService, { environments: ['staging'] });
  for (const caller of [other, narrow]) {
    expect(await reasonOf(caller.listVariables({ app: app.id }))).toBe(Reason.NOT_FOUND);
    expect(await reasonOf(caller.getSealingKey({ app: app.id }))).toBe(Reason.NOT_FOUND);
    expect(
      await reasonOf(caller.setVariables({ app: app.id, variables: [{ name: 'A', plain: '1' }] })),
    ).toBe(Reason.NOT_FOUND);
    expect(await reasonOf(caller.deleteVariables({ app: app.id, names: ['A'] }))).toBe(
      Reason.NOT_FOUND,
    );
  }
});
