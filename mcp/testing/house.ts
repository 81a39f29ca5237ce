import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { createMcp, type Mcp, type McpOptions } from '../src/main.ts';
import { makeApi, type TestApi } from './api.ts';

/** An MCP door on a loopback port, in front of a small API. */
export interface House {
  api: TestApi;
  url: string;
  events: object[];
  close(): Promise<void>;
}

/** Opens a house; intervals are short unless given. */
export async function openHouse(options: Partial<McpOptions> = {}): Promise<House> {
  const api = makeApi();
  const events: object[] = [];
  const mcp = createMcp({
    connect: api.connect,
    publicUrl: 'http://serverflow.example:7300',
    version: '1.2.3',
    sse: true,
    log: (event) => events.push(event),
    keepAliveMs: 50,
    recheckMs: 50,
    ...options,
  });
  const server = createServer((req, res) => {
    if (!mcp.handle(req, res)) res.writeHead(404).end('{"error":"not found"}');
  });
  const url = await listen(server);
  return { api, url, events, close: () => shut(server, mcp) };
}

/** Connects an official client to /mcp, in one era of the protocol. */
export async function connectClient(
  url: string,
  era: '2026-07-28' | '2025-11-25',
  token = 'sfp_good',
  name = { name: 'test-client', version: '9.8.7' },
): Promise<Client> {
  const client = new Client(name, {
    versionNegotiation: { mode: era === '2026-07-28' ? { pin: era } : 'legacy' },
  });
  const headers = { authorization: `Bearer ${token}` };
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }),
  );
  return client;
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function shut(server: Server, mcp: Mcp): Promise<void> {
  await mcp.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
