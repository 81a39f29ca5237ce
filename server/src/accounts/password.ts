import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(argon2);

/** argon2id with 19 MiB, 2 passes, 1 lane: the OWASP minimum, about 60 ms of one core. */
const cost = { memory: 19 * 1024, passes: 2, parallelism: 1, tagLength: 32 } as const;

/** How many derivations may run at once; each takes 19 MiB, and whoever comes beyond that waits in line. */
const atOnce = 2;
let running = 0;
const waiting: (() => void)[] = [];

/** Hashes a password as a PHC string, $argon2id$v=19$m=…,t=…,p=…$salt$tag. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const tag = await tagOf(password, salt, cost);
  return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${unpadded(salt)}$${unpadded(tag)}`;
}

/** Whether a password is the one behind a PHC string. An unknown account passes undefined, which takes the same time and is never right. */
export async function checkPassword(password: string, phc: string | undefined): Promise<boolean> {
  const parsed = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/.exec(
    phc ?? '',
  );
  if (!parsed) {
    await tagOf(password, Buffer.alloc(16), cost);
    return false;
  }
  const expected = Buffer.from(parsed[5]!, 'base64');
  const tag = await tagOf(password, Buffer.from(parsed[4]!, 'base64'), {
    memory: Number(parsed[1]),
    passes: Number(parsed[2]),
    parallelism: Number(parsed[3]),
    tagLength: expected.length,
  });
  return timingSafeEqual(tag, expected);
}

async function tagOf(
  password: string,
  nonce: Buffer,
  parameters: { memory: number; passes: number; parallelism: number; tagLength: number },
): Promise<Buffer> {
  if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
  running++;
  try {
    return await derive('argon2id', { message: password.normalize('NFC'), nonce, ...parameters });
  } finally {
    running--;
    waiting.shift()?.();
  }
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
