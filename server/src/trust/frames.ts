import type { Socket } from 'node:net';

/** The largest frame between the control plane and its signer, in bytes: an order and its envelope. */
export const frameCap = 2 * 1024 * 1024;

/** Writes one frame: four bytes of length, then the bytes. */
export function writeFrame(socket: Socket, bytes: Uint8Array): void {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes.length);
  socket.write(Buffer.concat([head, bytes]));
}

/** Reads frames as they come; a frame above the cap ends the connection. */
export function onFrames(socket: Socket, hear: (frame: Buffer) => void): void {
  let kept = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]);
    while (kept.length >= 4) {
      const length = kept.readUInt32BE();
      if (length > frameCap) {
        socket.destroy();
        return;
      }
      if (kept.length < 4 + length) return;
      const frame = kept.subarray(4, 4 + length);
      kept = kept.subarray(4 + length);
      hear(Buffer.from(frame));
    }
  });
}
