import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Call } from './call.ts';
import { problem, Reason } from './problems.ts';

/** The rate limits of what may be guessed: each throws TOO_MANY_ATTEMPTS with the seconds to wait. */
export type Limits = {
  /** Before a sign-in: 10 in a minute per account, 30 per address, 300 in all. A person is never locked out longer than a minute. */
  readonly signIn: (call: Call, email: string) => Promise<void>;
  /** After a good sign-in: the account's count begins anew. */
  readonly signedIn: (call: Call, email: string) => Promise<void>;
  /** Before the first set-up: 10 in a minute per address. */
  readonly setup: (call: Call) => Promise<void>;
  /** Before an agent may enrol: 30 in a minute per address. */
  readonly enroll: (address: string) => Promise<void>;
  /** Before a credential that was refused is tried again: 60 in a minute per address. */
  readonly badCredential: (address: string) => Promise<void>;
};

/** Makes the limits of one instance. */
export function createLimits(): Limits {
  const perMinute = (points: number) => new RateLimiterMemory({ points, duration: 60 });
  const enroll = perMinute(30);
  const [account, address, all, setup, bad] = [
    perMinute(10),
    perMinute(30),
    perMinute(300),
    perMinute(10),
    perMinute(60),
  ];
  return {
    async signIn(call, email) {
      await take(all, 'all');
      await take(address, call.address);
      await take(account, email);
    },
    async signedIn(_call, email) {
      await account.delete(email);
    },
    setup: (call) => take(setup, call.address),
    enroll: (from) => take(enroll, from),
    badCredential: (from) => take(bad, from),
  };
}

async function take(limiter: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (thrown) {
    if (!(thrown instanceof RateLimiterRes)) throw thrown;
    throw problem(Reason.TOO_MANY_ATTEMPTS, {
      seconds: String(Math.max(1, Math.ceil(thrown.msBeforeNext / 1000))),
    });
  }
}
