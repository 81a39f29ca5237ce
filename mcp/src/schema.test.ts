import { expect, it } from 'vitest';
import { tools } from './tools.ts';
import type { JsonSchema } from './schema.ts';

type Properties = Record<string, JsonSchema & { description: string; properties?: Properties }>;

function input(tool: string): { properties: Properties; required?: string[] } {
  return tools.get(tool)?.listed.inputSchema as unknown as ReturnType<typeof input>;
}

it('states bounds, patterns and what is required from the validation rules', () => {
  const { properties, required } = input('create_app');
  expect(required).toEqual(['name', 'source']);
  expect(properties['name']).toMatchObject({
    type: 'string',
    pattern: '^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$',
  });
  expect(properties['settings']?.properties?.['health_passes']).toMatchObject({
    type: 'integer',
    maximum: 20,
  });
  expect(input('search_logs').properties['limit']).toMatchObject({
    type: 'integer',
    maximum: 1000,
  });
});

it('names enum values in lower case without their prefix and without the unset one', () => {
  expect(input('control_app').properties['action']).toMatchObject({
    enum: ['start', 'stop', 'restart'],
  });
  expect(input('control_app').required).toEqual(['app', 'action']);
});

it('describes every argument with its comment in the contract', () => {
  for (const { listed } of tools.values()) {
    for (const property of Object.values((listed.inputSchema.properties ?? {}) as Properties)) {
      expect(property.description, listed.name).toMatch(/\w.*\.$/);
    }
  }
});

it('leaves out every field that carries a secret', () => {
  const variables = input('set_variables').properties['variables'] as unknown as {
    items: { properties: Properties };
  };
  expect(Object.keys(variables.items.properties)).toEqual(['name', 'plain', 'generate']);
});

it('shows a nested message in full once, and by names and types in later tools', () => {
  const full = input('create_app').properties['settings'];
  const short = input('update_app').properties['settings'];
  expect(Object.keys(short?.properties ?? {})).toEqual(Object.keys(full?.properties ?? {}));
  expect(short?.description).toMatch(/As in create_app\.$/);
});

it('makes patterns that JSON Schema validators can compile', () => {
  const patterns = JSON.stringify([...tools.values()].map(({ listed }) => listed.inputSchema));
  const found = [...patterns.matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g)];
  expect(found.length).toBeGreaterThan(3);
  for (const [, pattern] of found) new RegExp(JSON.parse(pattern ?? '') as string, 'u');
});
