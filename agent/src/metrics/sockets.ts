import { readProcesses, readText, socketInodes, tree } from './processes.ts';

/** A TCP socket of this machine, from /proc/net/tcp and tcp6. */
type Socket = {
  readonly address: string;
  readonly port: number;
  readonly state: string;
  readonly inode: string;
};

/** The state of a socket that listens. */
export const LISTEN = '0A';
const ESTABLISHED = '01';

/** Where a process and its descendants listen, by TCP; empty when it is gone. */
export function listenersOf(pid: number): { address: string; port: number }[] {
  const inodes = new Set(tree(readProcesses(), pid).flatMap((each) => socketInodes(each.pid)));
  return sockets().flatMap(({ address, port, state, inode }) =>
    state === LISTEN && inodes.has(inode) ? [{ address, port }] : [],
  );
}

/** How many TCP connections to a port of this machine are open. */
export const connectionsTo = (port: number): number =>
  sockets().filter((socket) => socket.state === ESTABLISHED && socket.port === port).length;

/** Every TCP socket of this machine. */
export function sockets(): Socket[] {
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    (readText(file) ?? '').split('\n').slice(1).flatMap(parseLine),
  );
}

function parseLine(line: string): Socket[] {
  const [, local = '', , state = '', , , , , , inode = ''] = line.trim().split(/\s+/);
  const [address = '', port = ''] = local.split(':');
  if (port === '') return [];
  return [{ address: readable(address), port: Number.parseInt(port, 16), state, inode }];
}

/** The kernel prints an address as words of four bytes in the machine's order. */
function readable(hex: string): string {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => (word.match(/../g) ?? []).reverse());
  if (words.length === 1) return bytes.map((byte) => Number.parseInt(byte, 16)).join('.');
  if (bytes.every((byte) => byte === '00')) return '::';
  return bytes.join('') === `${'0'.repeat(31)}1`
    ? '::1'
    : bytes.join('').replace(/(.{4})(?!$)/g, '$1:');
}
