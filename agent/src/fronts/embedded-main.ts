import { readFileSync } from 'node:fs';
import type { EmbeddedFile } from './embedded.ts';
import { embeddedServer } from './embedded-server.ts';

/*
 * The embedded front's process: serves the sites of the file it is given, and reads it again at SIGHUP. A file that cannot be
 * read changes nothing. At SIGTERM it stops to listen and ends when its connections have, at the latest after 3 s.
 */
const file = process.argv[2];
if (file === undefined) throw new Error('embedded-main.ts takes the path of its sites file');
const read = () => JSON.parse(readFileSync(file, 'utf8')) as EmbeddedFile;

const { listen, ...sites } = read();
const front = embeddedServer(sites);
front.server.on('error', (error) => {
  console.error(
    `${new Date().toISOString()} cannot listen at ${listen.host}:${listen.port}: ${error.message}`,
  );
  process.exit(1);
});
front.server.listen(listen.port, listen.host.replace(/^\[|\]$/g, ''));

process.on('SIGHUP', () => {
  try {
    front.serve(read());
  } catch (error) {
    console.error(`${new Date().toISOString()} kept the old sites: ${String(error)}`);
  }
});
process.on('SIGTERM', () => {
  front.server.close(() => process.exit(0));
  front.server.closeIdleConnections();
  setTimeout(() => process.exit(0), 3000).unref();
});
process.on('uncaughtException', (error) => {
  console.error(`${new Date().toISOString()} ${error.stack ?? error.message}`);
});
