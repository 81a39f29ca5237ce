// npm run tour: the whole journey by itself, narrated, in a folder of its own that is gone afterwards: an AI client deploys, breaks, and repairs.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AuditService } from '@serverflow/gen/es/serverflow/audit/v1/audit_service_pb';
import { ServerService } from '@serverflow/gen/es/serverflow/server/v1/server_service_pb';
import { connectClient } from '../mcp/testing/house.ts';
import { startGitServer } from '../tests/support/git-server.ts';
import { quick, startWorld } from '../tests/support/world.ts';

const example = new URL('../examples/hello', import.meta.url).pathname;
let step = 0;

const git = await startGitServer();
say(
  'Start a control plane and an agent, each a process of its own, and enrol the agent with a single-use token',
);
const world = await startWorld();
const ai = await connectClient(`${world.url}/mcp/token`, '2025-11-25', world.mcpToken);
try {
  await tour();
} finally {
  await ai.close();
  await world.close();
  await git.close();
}

async function tour(): Promise<void> {
  const [server] = (await world.client(ServerService).listServers({})).servers;
  tell(`${server?.name} is on line; its key is named "${server?.keyWords}"`);

  say('An AI client looks at its tools');
  tell((await ai.listTools()).tools.map((tool) => tool.name).join(', '));

  say('It makes an app from a git repository and deploys it');
  await git.commit('hello', exampleFiles(), 'Say hello');
  await call('create_app', {
    name: 'hello',
    source: { repository: git.address('hello') },
    settings: settings(),
  });
  await deploy();

  say('Open it');
  tell(`http://hello.localhost:${world.frontPort} answers: ${await heading()}`);

  say('Change it: a new commit, deployed beside the old release, switched when it is healthy');
  const file = 'server.js';
  await git.commit('hello', { [file]: served('Good day') }, 'Say good day');
  await deploy();
  tell(`it now answers: ${await heading()}`);

  say('Push a broken commit: it is refused, and the old release goes on serving');
  await git.commit(
    'hello',
    { [file]: "console.error('Cannot reach the database');\nprocess.exit(1);\n" },
    'Break it',
  );
  await deploy();
  tell(`it still answers: ${await heading()}`);

  say('Roll back to the first release, without a build');
  await call('roll_back_app', { app: 'hello', release: 1, reason: 'show the way back' });
  await waited();
  tell(`it answers again: ${await heading()}`);

  say('Everything that was done stays in the activity');
  const { events } = await world.client(AuditService).listEvents({ pageSize: 30 });
  for (const event of events.toReversed().filter((one) => one.summary))
    tell(`${event.client || event.person || 'agent'}: ${event.summary}`);
  console.log('\nThat was the tour. Yours begins with: npm start\n');
}

function exampleFiles(): Record<string, string> {
  return Object.fromEntries(
    readdirSync(example).map((name) => [name, readFileSync(join(example, name), 'utf8')]),
  );
}

async function deploy(): Promise<void> {
  await call('create_deployment', { app: 'hello' });
  await waited();
}

async function waited(): Promise<void> {
  let answer = await call('wait_deployment', { app: 'hello' });
  while (!(answer as { done?: boolean }).done)
    answer = await call('wait_deployment', { app: 'hello' });
  const { deployment } = answer as {
    deployment: {
      number: number;
      state: string;
      steps?: { name: string; detail?: string }[];
      failure?: { code: string; message: string; next: string };
    };
  };
  tell(`deployment #${deployment.number}: ${deployment.state}`);
  if (deployment.failure)
    tell(
      `because ${deployment.failure.code}: ${deployment.failure.message}\n     next: ${deployment.failure.next}`,
    );
}

async function call(name: string, args: Record<string, unknown>): Promise<unknown> {
  tell(`> ${name} ${JSON.stringify(args).slice(0, 100)}`);
  const answer = await ai.callTool({ name, arguments: args });
  if (answer.isError) throw new Error(`${name} failed: ${JSON.stringify(answer.content)}`);
  return answer.structuredContent;
}

async function heading(): Promise<string> {
  const { body } = await world.get('hello.localhost');
  return /<h1>(.*?)<\/h1>/.exec(body)?.[1] ?? body.slice(0, 80);
}

function served(greeting: string): string {
  return `import { createServer } from 'node:http';
createServer((_, response) => response.end('<h1>${greeting} from your own server</h1>')).listen(process.env.PORT, '127.0.0.1');
`;
}

/** The short waits of the tests, in the words of the tool. */
function settings(): Record<string, number> {
  return Object.fromEntries(
    Object.entries(quick).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
}

function say(text: string): void {
  step += 1;
  console.log(`\n${step}. ${text}`);
}

function tell(text: string): void {
  console.log(`   ${text}`);
}
