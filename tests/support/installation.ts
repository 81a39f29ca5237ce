import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeExamples } from '../../scripts/examples.ts';
import { agentToml, endLeftovers, freePort, part, runToEnd, until, type Part } from './world.ts';

/** A control plane that nobody has set up yet, and a machine whose agent is not enrolled yet. */
export type Installation = {
  readonly url: string;
  /** The one-time address that it printed. */
  readonly setupUrl: string;
  readonly frontPort: number;
  /** Enrols the machine with a token and starts its agent; returns what the enrolment printed. */
  readonly enroll: (token: string) => Promise<string>;
  readonly close: () => Promise<void>;
};

/** Installs ServerFlow as a person finds it after the first start; close() ends every process it started. */
export async function startInstallation(): Promise<Installation> {
  const folder = mkdtempSync(join(tmpdir(), 'serverflow-fresh-'));
  const [port, frontPort] = [await freePort(), await freePort()];
  const url = `http://localhost:${port}`;
  const state = join(folder, 'agent');
  mkdirSync(state, { mode: 0o700 });
  writeFileSync(join(state, 'agent.toml'), agentToml({}, frontPort));
  writeFileSync(join(state, 'policy.toml'), 'repository_hosts = ["127.0.0.1", "localhost"]\n');
  makeExamples(join(folder, 'data/examples'));

  const planeEnv = {
    PATH: process.env['PATH'],
    SERVERFLOW_LISTEN: `127.0.0.1:${port}`,
    SERVERFLOW_PUBLIC_URL: url,
    SERVERFLOW_DATA: join(folder, 'data'),
    SERVERFLOW_HEARTBEAT_MS: '500',
    SERVERFLOW_DEAD_AFTER_MS: '3000',
  };
  const printed = () => /Set ServerFlow up at\s+(\S+)/.exec(plane.output())?.[1];
  const plane: Part = part('server/src/main.ts', [], planeEnv, () =>
    until('the set-up address is printed', async () => printed() !== undefined),
  );
  const agentEnv = { PATH: process.env['PATH'], HOME: process.env['HOME'] };
  const agent = part('agent/src/main.ts', ['run', '--state', state], agentEnv, async () => {});
  await plane.start();
  return {
    url,
    setupUrl: printed()!,
    frontPort,
    async enroll(token) {
      const file = join(folder, 'token');
      writeFileSync(file, token, { mode: 0o600 });
      const argv = ['enroll', '--state', state, '--control-plane', url, '--token-file', file];
      const said = await runToEnd('agent/src/main.ts', argv, agentEnv);
      await agent.start();
      return said;
    },
    async close() {
      await agent.kill('SIGTERM');
      await plane.kill('SIGTERM');
      endLeftovers(folder);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
