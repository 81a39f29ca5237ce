import { expect, test } from 'vitest';
import { recipes } from './recipes.ts';

const token = 'sfp_secret';
const all = recipes('https://flow.example.com', token);

test('every recipe leads to the MCP address of this control plane', () => {
  for (const { text } of all) expect(text).toContain('https://flow.example.com/mcp/token');
});

test('files that are shared and addresses that are opened never hold the token', () => {
  const shared = all.filter(({ file }) => file);
  expect(shared.map(({ id }) => id)).toEqual(['mcp-json', 'cursor', 'vs-code']);
  for (const { text, link = '' } of shared) {
    expect(text).not.toContain(token);
    expect(decodeURIComponent(link)).not.toContain(token);
    expect(link).not.toContain(btoa(token));
  }
});

test('files are valid JSON', () => {
  const files = all.filter(({ file }) => file).map(({ text }) => JSON.parse(text) as object);
  expect(files.map((file) => Object.keys(file)[0])).toEqual(['mcpServers', 'mcpServers', 'inputs']);
});
