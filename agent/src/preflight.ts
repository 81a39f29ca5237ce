import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { Complaint } from './complaint.ts';
import { faultOf } from './faults.ts';

/** How long one address has to take a connection, in milliseconds. */
const CONNECT_MS = 10_000;

/** Finds out what stands in the way before anything is asked: DNS, then TCP. Throws a Complaint with one remedy. */
export async function preflight(controlPlane: URL): Promise<void> {
  const host = controlPlane.hostname.replace(/^\[|\]$/g, '');
  const port = Number(controlPlane.port || (controlPlane.protocol === 'https:' ? 443 : 80));
  await lookup(host).catch(() => {
    throw new Complaint(
      'CANNOT_RESOLVE',
      `The name ${host} cannot be resolved; check its spelling and this machine's DNS.`,
    );
  });
  await new Promise<void>((done, fail) => {
    const socket = connect({ host, port, timeout: CONNECT_MS });
    const end = (why?: string): void => {
      socket.destroy();
      if (why === undefined) done();
      else fail(faultOf({ code: 14, details: why }, controlPlane));
    };
    socket.on('connect', () => end());
    socket.on('timeout', () => end(`no answer within ${CONNECT_MS} ms`));
    socket.on('error', (error) => end('code' in error ? String(error.code) : error.message));
  });
}
