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
  /** Asks for a signature; throws NotSigned with the signer's reason, or when it does not answer within 5 s. */
  readonly sign: (order: Order) => Promise<Signed>;
  /** The signer's process, for tests that end it. */
  readonly pid: () => number | undefined;
  readonly close: () => Promise<void>;
};

/** How long an answer may take, in milliseconds, and how many may be under way. */
const answerMs = 5_000;
const atOnce = 1_000;

type Waiting = { resolve: (frame: Buffer) => void; reject: (thrown: Error) => void };

/** Starts the signer and keeps it running: when it ends, the next order starts it anew. */
export function createSigner(folder: string, log: Logger): Signer {
  const waiting = new Map<number, Waiting>();
  let running: Promise<{ child: ChildProcess; socket: Socket }> | undefined;
  let closed = false;
  let last = 0;
  let pid: number | undefined;

  const lost = () => {
    running = undefined;
    for (const one of waiting.values()) one.reject(new NotSigned('The signer ended.'));
    waiting.clear();
    if (!closed) log.warn('the signer ended; the next order starts it again');
  };
  const start = async () => {
    const child = fork(new URL('./signer-main.ts', import.meta.url), [folder], {
      env: { PATH: '' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    pid = child.pid;
    child.once('exit', lost);
    await once(child, 'message');
    const socket = connect(join(folder, 'signer.sock'));
    socket.on('error', () => socket.destroy());
    onFrames(socket, (frame) => {
      waiting.get(frame.readUInt32BE())?.resolve(frame.subarray(4));
      waiting.delete(frame.readUInt32BE());
    });
    await once(socket, 'connect');
    return { child, socket };
  };

  return {
    async sign(order) {
      if (waiting.size >= atOnce) throw new NotSigned('Too many orders wait for the signer.');
      running ??= start();
      const { socket } = await running;
      const id = (last = (last + 1) % 2 ** 32);
      const head = Buffer.alloc(4);
      head.writeUInt32BE(id);
      const answer = await withTimeout(
        new Promise<Buffer>((resolve, reject) => {
          waiting.set(id, { resolve, reject });
          writeFrame(socket, Buffer.concat([head, toBinary(OrderSchema, order)]));
        }),
        () => waiting.delete(id),
      );
      if (answer[0] !== 1) throw new NotSigned(answer.subarray(1).toString());
      return fromBinary(SignedSchema, answer.subarray(1));
    },
    pid: () => pid,
    async close() {
      closed = true;
      const now = await running?.catch(() => undefined);
      now?.socket.destroy();
      if (now && now.child.exitCode === null) {
        const gone = once(now.child, 'exit');
        now.child.kill('SIGTERM');
        await gone;
      }
    },
  };
}

function once(emitter: ChildProcess | Socket, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new NotSigned('The signer does not start.')),
      answerMs * 2,
    );
    emitter.once(event, () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

async function withTimeout<T>(promise: Promise<T>, forget: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NotSigned('The signer does not answer.')), answerMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
    forget();
  }
}
