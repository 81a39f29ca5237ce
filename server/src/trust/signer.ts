import { fork, type ChildProcess } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { SignedSchema, type Signed } from '@serverflow/gen/es/serverflow/agent/v1/envelope_pb';
import { OrderSchema, type Order } from '@serverflow/gen/es/serverflow/agent/v1/order_pb';
import type { Logger } from 'pino';
import { onFrames, writeFrame } from './frames.ts';
import { NotSigned } from './order-rules.ts';

/** Signs orders, in a process of its own. */
export type Signer = {
  /** Asks for a signature; throws NotSigned with the signer's own reason, or SignerAway where it does not answer within 5 s. */
  readonly sign: (order: Order) => Promise<Signed>;
  /** Starts the signer ahead of its first order. */
  readonly warm: () => void;
  /** The signer's process, for tests that end it. */
  readonly pid: () => number | undefined;
  readonly close: () => Promise<void>;
};

/** The signer cannot be asked just now; the order is to be tried again. */
export class SignerAway extends Error {
  override readonly name = 'SignerAway';
}

/** How long an answer may take, in milliseconds, how long a start may, and how many answers may be awaited. */
const answerMs = 5_000;
const startMs = 20_000;
const atOnce = 1_000;

type Waiting = { resolve: (frame: Buffer) => void; reject: (thrown: Error) => void };
type Running = { readonly child: ChildProcess; readonly socket: Socket };

/** Makes the signer; its process starts with the first order, and again with the next order after it ended. */
export function createSigner(folder: string, log: Logger): Signer {
  const waiting = new Map<number, Waiting>();
  let running: Promise<Running> | undefined;
  let closed = false;
  let last = 0;
  let pid: number | undefined;

  const lost = () => {
    running = undefined;
    for (const one of waiting.values()) one.reject(new SignerAway('The signer ended.'));
    waiting.clear();
    if (!closed) log.warn('the signer ended; the next order starts it again');
  };
  const start = async (): Promise<Running> => {
    const child = fork(new URL('./signer-main.ts', import.meta.url), [folder], {
      env: { PATH: '' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    pid = child.pid;
    child.once('exit', lost);
    child.on('error', (thrown) => log.error({ err: thrown }, 'the signer cannot be run'));
    try {
      await once(child, 'message');
      const socket = connect(join(folder, 'signer.sock'));
      socket.on('error', () => socket.destroy());
      // One that cannot be spoken to is worth no more than none.
      socket.on('close', () => child.kill('SIGKILL'));
      onFrames(socket, (frame) => {
        waiting.get(frame.readUInt32BE())?.resolve(frame.subarray(4));
        waiting.delete(frame.readUInt32BE());
      });
      await once(socket, 'connect');
      return { child, socket };
    } catch (thrown) {
      child.kill('SIGKILL');
      throw thrown;
    }
  };
  const ready = () => {
    if (closed) throw new SignerAway('The control plane is closing.');
    return (running ??= start());
  };

  return {
    async sign(order) {
      if (waiting.size >= atOnce) throw new SignerAway('Too many orders wait for the signer.');
      const { socket } = await ready();
      const id = (last = (last + 1) % 2 ** 32);
      const head = Buffer.alloc(4);
      head.writeUInt32BE(id);
      const asked = new Promise<Buffer>((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        writeFrame(socket, Buffer.concat([head, toBinary(OrderSchema, order)]));
      });
      const answer = await within(asked, answerMs, 'The signer does not answer.').finally(() =>
        waiting.delete(id),
      );
      if (answer[0] !== 1) throw new NotSigned(answer.subarray(1).toString());
      return fromBinary(SignedSchema, answer.subarray(1));
    },
    warm: () => void ready().catch((thrown: unknown) => log.error({ err: thrown }, 'no signer')),
    pid: () => pid,
    async close() {
      closed = true;
      const now = await running?.catch(() => undefined);
      if (!now || now.child.exitCode !== null || now.child.signalCode !== null) return;
      const gone = new Promise((resolve) => now.child.once('exit', resolve));
      now.child.kill('SIGTERM');
      await gone;
    },
  };
}

function once(emitter: ChildProcess | Socket, event: string): Promise<void> {
  const happened = new Promise<void>((resolve, reject) => {
    emitter.once(event, () => resolve());
    for (const end of ['exit', 'close', 'error'])
      emitter.once(end, () => reject(new SignerAway('The signer does not start.')));
  });
  return within(happened, startMs, 'The signer does not start.');
}

async function within<T>(promise: Promise<T>, ms: number, complaint: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new SignerAway(complaint)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
