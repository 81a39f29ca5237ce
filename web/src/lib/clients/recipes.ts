/** How one AI client is connected: a line to run, or a file to write. */
export interface Recipe {
  id: string;
  /** The client's own name, the same in every language. */
  name: string;
  /** Where the text goes: a shell, or the file of this name. */
  file: string;
  text: string;
  /** A second line to run first, such as one that sets the token's variable. */
  before?: string;
  /** An address that the client itself opens; it never holds the token. */
  link?: string;
}

/** The address at which AI clients with a token find this control plane. */
export function mcpAddress(origin: string): string {
  return `${origin}/mcp/token`;
}

/** The recipes for a token. Files that are likely to be shared name a variable or ask, and never hold the token. */
export function recipes(origin: string, token: string): Recipe[] {
  const url = mcpAddress(origin);
  const fromVariable = { Authorization: 'Bearer ${SERVERFLOW_TOKEN}' };
  const cursor = { url, headers: { Authorization: 'Bearer ${env:SERVERFLOW_TOKEN}' } };
  const code = { type: 'http', url, headers: { Authorization: 'Bearer ${input:serverflow}' } };
  const input = {
    type: 'promptString',
    id: 'serverflow',
    description: 'ServerFlow token',
    password: true,
  };
  const setVariable = `export SERVERFLOW_TOKEN=${token}`;
  return [
    {
      id: 'claude-code',
      name: 'Claude Code',
      file: '',
      text: `claude mcp add --transport http serverflow ${url} --header "Authorization: Bearer ${token}"`,
    },
    {
      id: 'mcp-json',
      name: '.mcp.json',
      file: '.mcp.json',
      before: setVariable,
      text: json({ mcpServers: { serverflow: { type: 'http', url, headers: fromVariable } } }),
    },
    {
      id: 'cursor',
      name: 'Cursor',
      file: '~/.cursor/mcp.json',
      before: setVariable,
      text: json({ mcpServers: { serverflow: cursor } }),
      link: `cursor://anysphere.cursor-deeplink/mcp/install?name=serverflow&config=${encodeURIComponent(btoa(JSON.stringify(cursor)))}`,
    },
    {
      id: 'vs-code',
      name: 'VS Code',
      file: '.vscode/mcp.json',
      text: json({ inputs: [input], servers: { serverflow: code } }),
      link: `vscode:mcp/install?${encodeURIComponent(JSON.stringify({ name: 'serverflow', ...code, inputs: [input] }))}`,
    },
    {
      id: 'other',
      name: 'HTTP',
      file: '',
      text: `curl -sS ${url} -H 'authorization: Bearer ${token}' -H 'content-type: application/json' -H 'accept: application/json, text/event-stream' -d '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'`,
    },
  ];
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
