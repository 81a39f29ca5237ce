import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import {
  FactsReportSchema,
  StepName,
  StepReportSchema,
  StepState,
} from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import { AppService } from '@serverflow/gen/es/serverflow/app/v1/app_service_pb';
import { DeploymentService } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_service_pb';
import type { EntityManager } from '@mikro-orm/sql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Deployment } from '../deployments/entity.ts';
import { Server } from '../servers/entity.ts';
import { openStore } from '../store/store.ts';
import { connectAgent, enroll, type AgentSession } from '../testing/agent.ts';
import { clientOf } from '../testing/plane.ts';
import { soon } from '../testing/soon.ts';

const main = new URL('../main.ts', import.meta.url).pathname;
let folder: string;
let url: string;
let child: ChildProcess;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'serverflow-killed-'));
  url = `http://127.0.0.1:${await freePort()}`;
  writeFileSync(join(folder, 'password'), 'correct horse battery', { mode: 0o600 });
});
afterAll(async () => {
  await kill();
  rmSync(folder, { recursive: true, force: true });
});

test('a control plane that is killed between an effect and its acknowledgement takes every report once', async () => {
  await start();
  const address = { url, config: { publicUrl: url } };
  const agent = await enroll(address, readFileSync(join(folder, 'enrollment'), 'utf8'));
  let session = await connectAgent(address, agent);
  session.report(1, { case: 'facts', value: create(FactsReportSchema, { hostname: 'box' }) });
  await soon(session.lastAck).toBe(1);
  const headers = { authorization: `Bearer ${readFileSync(join(folder, 'owner'), 'utf8').trim()}` };
  const app = { name: 'shop', source: { repository: 'example:hello' }, server: 'local' };
  await clientOf(url, AppService, headers).createApp(app);
  const { deployment } = await clientOf(url, DeploymentService, headers).createDeployment({
    app: 'shop',
  });
  const id = deployment!.id;
  const before = await revision(id);

  const count = 600;
  for (let kills = 0; kills < 2; kills++) {
    const from = session.acknowledged + 1;
    for (let number = Math.max(2, from); number <= 1 + count; number++) step(session, number, id);
    const goal = Math.floor((count * (kills + 1)) / 3);
    await soon(() => kept(agent.id)).toBeGreaterThan(goal);
    await kill();
    await session.ended;
    await start();
    session = await connectAgent(address, agent);
  }
  for (let number = session.acknowledged + 1; number <= 1 + count; number++)
    step(session, number, id);
  await soon(session.lastAck).toBe(1 + count);
  expect((await revision(id)) - before).toBe(count);
  session.cut();
  await session.ended;
}, 120_000);

const revision = (id: string) =>
  read(async (em) => (await em.findOneOrFail(Deployment, id)).revision);
const kept = (id: string) => read(async (em) => (await em.findOneOrFail(Server, id)).acknowledged);

function step(session: AgentSession, number: number, deploymentId: string): void {
  const [name, state] = [StepName.FETCH, StepState.RUNNING];
  const value = create(StepReportSchema, { deploymentId, step: name, state, detail: `${number}` });
  session.report(number, { case: 'step', value });
}

/** Reads the database as another process sees it. */
async function read<T>(what: (em: EntityManager) => Promise<T>): Promise<T> {
  const store = await openStore(join(folder, 'data', 'serverflow.db'));
  try {
    return await what(store.all());
  } finally {
    await store.close();
  }
}

async function start(): Promise<void> {
  child = spawn(process.execPath, [main], {
    env: {
      PATH: process.env['PATH'],
      SERVERFLOW_LISTEN: new URL(url).host,
      SERVERFLOW_PUBLIC_URL: url,
      SERVERFLOW_DATA: join(folder, 'data'),
      SERVERFLOW_LOG_LEVEL: 'error',
      SERVERFLOW_ADMIN_EMAIL: 'owner@example.com',
      SERVERFLOW_ADMIN_PASSWORD_FILE: join(folder, 'password'),
      SERVERFLOW_WRITE_OWNER_TOKEN: join(folder, 'owner'),
      SERVERFLOW_WRITE_ENROLLMENT: join(folder, 'enrollment'),
    },
    stdio: 'ignore',
  });
  await expect
    .poll(
      () =>
        fetch(`${url}/readyz`).then(
          (answer) => answer.ok,
          () => false,
        ),
      { timeout: 30_000 },
    )
    .toBe(true);
}

async function kill(): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
