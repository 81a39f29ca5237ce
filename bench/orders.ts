import { connect } from 'node:http2';
import { fileURLToPath } from 'node:url';
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { ServerService } from '@serverflow/gen/es/serverflow/server/v1/server_service_pb';
import { startWorld } from '../tests/support/world.ts';
import { median, type Findings } from './figure.ts';
import { startNode } from './processes.ts';

const rounds = 12;
const perRound = 40;

/** About the size of a sealed order, in bytes. */
const size = 400;

/** A signed order that touches no state, from the control plane to the agent and its signed receipt back, against an h2c echo. */
export async function orders(): Promise<Findings> {
  const world = await startWorld();
  const echo = await startEcho();
  try {
    const servers = world.client(ServerService);
    const { servers: found } = await servers.listServers({});
    const server = found[0]?.name ?? '';
    const order: number[] = [];
    const rpc: number[] = [];
    const floor: number[] = [];
    const crypto: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const isWarm = round > 0;
      for (let at = 0; at < perRound; at++) {
        const begin = performance.now();
        const { roundTripMs } = await servers.pingServer({ server });
        if (!isWarm) continue;
        order.push(roundTripMs);
        rpc.push(performance.now() - begin);
      }
      for (let at = 0; at < perRound; at++) {
        const begin = performance.now();
        await echo.ask();
        if (isWarm) floor.push(performance.now() - begin);
      }
      for (let at = 0; at < perRound; at++) {
        const ms = signTwice();
        if (isWarm) crypto.push(ms);
      }
    }
    const echoUs = median(floor) * 1000;
    const against = 'h2c echo of as many bytes';
    const figure = (what: string, ms: readonly number[]) =>
      ({ what, ours: median(ms) * 1000, against, floor: echoUs, unit: 'µs' }) as const;
    return {
      figures: [
        figure('signed order and signed receipt, p50', order),
        figure('the same with the RPC around it, p50', rpc),
      ],
      notes: [
        `Of the order, two Ed25519 signatures and two verifications alone take ${(median(crypto) * 1000).toFixed(0)} µs.`,
      ],
    };
  } finally {
    await echo.close();
    await world.close();
  }
}

/** An echo in a process of its own over one open stream, as orders have one. */
async function startEcho() {
  const program = await startNode(fileURLToPath(new URL('./echo.ts', import.meta.url)));
  const session = connect(`http://127.0.0.1:${program.said}`);
  const stream = session.request({ ':method': 'POST', ':path': '/' }, { endStream: false });
  const bytes = Buffer.alloc(size, 7);
  let left = 0;
  let answered: () => void = () => {};
  stream.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left === 0) answered();
  });
  return {
    ask: () =>
      new Promise<void>((resolve) => {
        left = size;
        answered = resolve;
        stream.write(bytes);
      }),
    async close() {
      session.destroy();
      await program.end();
    },
  };
}

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const message = Buffer.alloc(size, 7);

/** What an order and its receipt cost in signatures alone, in milliseconds. */
function signTwice(): number {
  const begin = performance.now();
  for (let at = 0; at < 2; at++) {
    if (!verify(null, message, publicKey, sign(null, message, privateKey)))
      throw new Error('A good signature was refused.');
  }
  return performance.now() - begin;
}
