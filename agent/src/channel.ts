import { credentials, Metadata, type Client, type ClientDuplexStream } from '@grpc/grpc-js';
import {
  AgentServiceClient,
  AgentServiceService,
  ConnectRequest,
  type ConnectResponse,
} from '@serverflow/gen/grpc/serverflow/agent/v1/agent_service';

/** An order is at most 1 MiB; a little more comes through, so that it is refused with a receipt and not with a broken stream. */
const LARGEST_MESSAGE = 4 * 1024 * 1024;

/** What goes up a session's stream: a message, or the bytes of a report as they lie in the spool. */
export type Upward = ConnectRequest | { readonly report: Buffer };

/** A session's stream, as it is before anyone has proved anything. */
export type Stream = ClientDuplexStream<Upward, ConnectResponse>;

/** Opens a connection of its own to the control plane: one that another attempt left half dead is not used again. */
export function openChannel(controlPlane: URL): AgentServiceClient {
  const isTls = controlPlane.protocol === 'https:';
  const address = `dns:${controlPlane.hostname}:${controlPlane.port || (isTls ? 443 : 80)}`;
  return new AgentServiceClient(
    address,
    isTls ? credentials.createSsl() : credentials.createInsecure(),
    {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_receive_message_length': LARGEST_MESSAGE,
      'grpc.enable_http_proxy': 0,
    },
  );
}

/** Begins a session's stream. */
export function openStream(client: Client): Stream {
  const { path, responseDeserialize } = AgentServiceService.connect;
  return client.makeBidiStreamRequest(path, serialize, responseDeserialize, new Metadata());
}

/** Reports are encoded once, when they are spooled: here they only get the tag of ConnectRequest.report. */
function serialize(upward: Upward): Buffer {
  if (!('report' in upward)) return Buffer.from(ConnectRequest.encode(upward).finish());
  const { report } = upward;
  return Buffer.concat([Buffer.from([0x1a]), varint(report.length), report]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return Buffer.from([...bytes, value]);
}
