// The signer: the one process that holds the order-signing key. It takes orders over a UNIX socket, checks them by its own rules,
// writes each into its own append-only log, and signs. It has no network and reads nothing but its folder.
import { closeSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { sealOrder, signingKeyFromSeed } from '@serverflow/agent/envelope';
import { SignedSchema } from '@serverflow/gen/es/serverflow/agent/v1/envelope_pb';
import { onFrames, writeFrame } from './frames.ts';
import { orderKeyFile } from './keys.ts';
import { checkOrder, NotSigned } from './order-rules.ts';

const folder = process.argv[2];
if (!folder) throw new Error('usage: signer-main.ts FOLDER');
const key = signingKeyFromSeed(readFileSync(join(folder, orderKeyFile)));
const log = openSync(join(folder, 'signed.log'), 'a', 0o600);
const path = join(folder, 'signer.sock');
rmSync(path, { force: true });

const server = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  onFrames(socket, (frame) => {
    const id = frame.subarray(0, 4);
    writeFrame(socket, Buffer.concat([id, answer(frame.subarray(4))]));
  });
});
process.umask(0o077);
server.listen(path, () => process.send?.('ready'));
process.once('disconnect', end);
process.once('SIGTERM', end);

/** One byte (1 signed, 0 not) and then the envelope or the reason. */
function answer(bytes: Buffer): Buffer {
  try {
    const order = checkOrder(bytes, Date.now());
    const { action, orderId, agentId, tenantId, actor } = order;
    // Pings are not logged: they change nothing, and there are many.
    if (action.case !== 'ping') {
      writeSync(
        log,
        `${JSON.stringify({ at: new Date().toISOString(), orderId, agentId, tenantId, action: action.case, person: actor?.person, client: actor?.client })}\n`,
      );
    }
    const signed = sealOrder(bytes, key);
    const message = create(SignedSchema, { ...signed, signatures: [...signed.signatures] });
    return Buffer.concat([Buffer.from([1]), toBinary(SignedSchema, message)]);
  } catch (thrown) {
    // What is not the order's fault, such as a full disk, is no answer: the order is tried again.
    if (!(thrown instanceof NotSigned)) throw thrown;
    return Buffer.concat([Buffer.from([0]), Buffer.from(thrown.message)]);
  }
}

function end(): void {
  fsyncSync(log);
  closeSync(log);
  server.close();
  process.exit(0);
}
