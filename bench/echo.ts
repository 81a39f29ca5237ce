// A program: the least that an answer over HTTP/2 in clear can cost. It sends back what comes, and says its port.
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';

const server = createServer();
server.on('stream', (stream: ServerHttp2Stream) => {
  stream.respond();
  stream.pipe(stream);
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
