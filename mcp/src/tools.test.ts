import { globSync, readFileSync } from 'node:fs';
import { getOption } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel as Idempotency } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  Hazard,
  policy as policyOf,
  Toolset,
} from '@serverflow/gen/es/serverflow/options/v1/options_pb';
import { everyGrant, makeApi } from '../testing/api.ts';
import { callTool } from './call.ts';
import { services } from './contract.ts';
import { mayUse, type Grant } from './grant.ts';
import { listTools, toolOf, tools } from './tools.ts';

const bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

it('keeps the default toolset within the budget of tools, names and bytes', () => {
  const listed = listTools(everyGrant);
  const inputs = listed.map(({ name, description, inputSchema }) => ({
    name,
    description,
    inputSchema,
  }));
  expect(listed.length).toBeLessThanOrEqual(16);
  expect(Math.max(...listed.map(({ name }) => name.length))).toBeLessThanOrEqual(30);
  expect(bytes(inputs)).toBeLessThanOrEqual(12_000);
  expect(bytes({ tools: listed })).toBeLessThanOrEqual(24_000);
});

it('lists what the golden file says', async () => {
  const all: Grant = { ...everyGrant, toolsets: Object.values(Toolset) };
  const text = `${JSON.stringify(listTools(all), null, 1)}\n`;
  await expect(text).toMatchFileSnapshot('../golden/tools.json');
});

it('knows every service of the contract', () => {
  const folder = new URL('../../proto/serverflow/', import.meta.url).pathname;
  const stated = globSync('**/*.proto', { cwd: folder })
    .map((name) => readFileSync(`${folder}${name}`, 'utf8'))
    .flatMap((text) => {
      const [, packageName] = /^package (\S+);/m.exec(text) ?? [];
      return [...text.matchAll(/^service (\w+)/gm)].map(([, name]) => `${packageName}.${name}`);
    });
  expect(stated.length).toBeGreaterThan(10);
  expect(services.map((service) => service.typeName).sort()).toEqual(stated.sort());
});

it('makes no tool of a method that streams', () => {
  const streams = services.flatMap((service) =>
    service.methods.filter((method) => method.methodKind !== 'unary'),
  );
  expect(streams.length).toBeGreaterThan(3);
  for (const method of streams) {
    expect(getOption(method, policyOf).tool).toBe(Toolset.UNSPECIFIED);
    expect(() => toolOf(method)).toThrow('streams');
  }
});

it('tells two tools apart by name, and has none that destroys', () => {
  const methods = services
    .flatMap((service) => service.methods)
    .filter((method) => getOption(method, policyOf).tool !== Toolset.UNSPECIFIED);
  expect(tools.size).toBe(methods.length);
  for (const { policy } of tools.values()) expect(policy.hazard).not.toBe(Hazard.DESTROYS);
});

it('hints reads as reads and changes as changes', () => {
  for (const { method, listed } of tools.values()) {
    const isRead = method.idempotency === Idempotency.NO_SIDE_EFFECTS;
    expect(listed.annotations?.readOnlyHint ?? false).toBe(isRead);
  }
  expect(tools.get('set_variables')?.listed.annotations).toMatchObject({
    destructiveHint: false,
    idempotentHint: true,
  });
});

it('lists a tool exactly when a call of it reaches the API', async () => {
  const permissions = fc.subarray([...everyGrant.permissions]);
  const toolsets = fc.subarray(Object.values(Toolset));
  await fc.assert(
    fc.asyncProperty(permissions, toolsets, async (some, sets) => {
      const grant: Grant = { kind: 'mcp', permissions: some, toolsets: sets };
      const listed = new Set(listTools(grant).map(({ name }) => name));
      for (const { name, policy } of tools.values()) {
        expect(listed.has(name)).toBe(mayUse(policy, grant));
        const { reason } = await callTool({
          name,
          arguments: { no_such_argument: 1 },
          grant,
          transport: makeApi().connect({ token: 'sfp_good' }),
          signal: new AbortController().signal,
          deadlineMs: 1000,
        });
        expect(reason).toBe(listed.has(name) ? 'INVALID_ARGUMENT' : 'PERMISSION_DENIED');
      }
    }),
    { numRuns: 20 },
  );
});
