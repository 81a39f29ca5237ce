import { status } from '@grpc/grpc-js';
import { Refusal } from '@serverflow/agent/envelope';
import { Complaint } from './complaint.ts';

/** Turns what ended a connection into one sentence with one remedy. */
export function faultOf(error: unknown, controlPlane: URL): Complaint {
  if (error instanceof Complaint) return error;
  if (error instanceof Refusal) return new Complaint(error.reason, error.message);
  const { code, details } = Object(error) as { code?: unknown; details?: unknown };
  const why =
    typeof details === 'string' ? details : error instanceof Error ? error.message : String(error);
  if (code === status.UNAVAILABLE) return unavailable(why, controlPlane);
  if (code === status.UNIMPLEMENTED || code === status.UNKNOWN || code === status.INTERNAL) {
    return new Complaint(
      'NOT_A_SERVERFLOW',
      `What answers at ${controlPlane.host} does not speak as a control plane does (${why}); check the address, and that a proxy in front of it passes gRPC on.`,
    );
  }
  if (code === status.UNAUTHENTICATED || code === status.PERMISSION_DENIED) {
    return new Complaint(
      'NOT_LET_IN',
      `The control plane at ${controlPlane.host} does not let this agent in (${why}); see the server's page in the dashboard, and connect it again if it was removed.`,
    );
  }
  return new Complaint('CONNECTION_LOST', `The connection to ${controlPlane.host} ended (${why}).`);
}

function unavailable(why: string, { host, hostname }: URL): Complaint {
  if (/name resolution|ENOTFOUND|EAI_AGAIN/i.test(why)) {
    return new Complaint(
      'CANNOT_RESOLVE',
      `The name ${hostname} cannot be resolved; check its spelling and this machine's DNS.`,
    );
  }
  if (/ECONNREFUSED/.test(why)) {
    return new Complaint(
      'REFUSED',
      `Nothing listens at ${host}; see that the control plane runs and that the port is right.`,
    );
  }
  if (/certificate|self.signed|CERT_|SSL|TLS/i.test(why)) {
    return new Complaint(
      'TLS_FAILED',
      `The certificate of ${host} cannot be trusted (${why}); install the right one, or set NODE_EXTRA_CA_CERTS to your own authority, and check this machine's clock.`,
    );
  }
  return new Complaint(
    'UNREACHABLE',
    `${host} cannot be reached (${why}); check the network and firewalls in between.`,
  );
}
