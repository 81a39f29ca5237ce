import { LogStream } from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import { SessionService } from '@serverflow/gen/es/serverflow/account/v1/session_service_pb';
import { AppService } from '@serverflow/gen/es/serverflow/app/v1/app_service_pb';
import { LogService } from '@serverflow/gen/es/serverflow/log/v1/log_service_pb';
import { EnrollmentService } from '@serverflow/gen/es/serverflow/server/v1/enrollment_service_pb';
import {
  connectAgent,
  enroll,
  type AgentSession,
  type TestAgent,
} from '../server/src/testing/agent.ts';
import { clientOf } from '../server/src/testing/plane.ts';
import { startWorld, until, type World } from '../tests/support/world.ts';
import { median, type Findings } from './figure.ts';
import { cpuMs } from './processes.ts';

const rounds = 4;

/** How a round sends its lines: so many in a message, so many messages. */
const ways = [
  { perMessage: 1, messages: 1_600 },
  { perMessage: 100, messages: 160 },
  { perMessage: 500, messages: 60 },
] as const;

/** How many messages may be on their way; the control plane takes at most 200 in one transaction. */
const window = 400;

/** What a log line costs the control plane in CPU time, in chunks as agents send them, against one message for each line. */
export async function logs(): Promise<Findings> {
  // A busy machine must not take the agent for dead.
  const world = await startWorld({ env: { SERVERFLOW_DEAD_AFTER_MS: '60000' } });
  try {
    // The world's own agent would be counted too.
    await world.agent.kill('SIGTERM');
    const agent = await addAgent(world);
    const { app } = await world.client(AppService).createApp({
      name: 'chatty',
      server: 'box',
      source: { repository: 'example:hello' },
    });
    const session = await connectAgent(address(world), agent);
    const send = sender(world, session, app?.id ?? '');
    const perLine = new Map<number, number[]>(ways.map(({ perMessage }) => [perMessage, []]));
    for (let round = 0; round <= rounds; round++) {
      for (const { perMessage, messages } of ways) {
        const us = await send(perMessage, messages);
        if (round > 0) perLine.get(perMessage)?.push(us);
      }
    }
    session.cut();
    await mustBeKept(
      world,
      ways.reduce((sum, way) => sum + way.perMessage * way.messages, 0),
    );
    const figure = (perMessage: number) => ({
      what: `log line in chunks of ${perMessage}, CPU time of the control plane`,
      ours: median(perLine.get(perMessage) ?? []),
      against: 'one message per line',
      floor: median(perLine.get(1) ?? []),
      unit: 'µs' as const,
      aim: { atLeast: 15 },
    });
    return { figures: [figure(100), figure(500)], notes: [] };
  } finally {
    await world.close();
  }
}

/** Sends chunks of one log through the agents' door; returns the control plane's CPU time for each line, in microseconds. */
function sender(world: World, session: AgentSession, appId: string) {
  let [report, line] = [session.acknowledged, 0];
  return async (perMessage: number, messages: number): Promise<number> => {
    const before = cpuMs(world.plane.pid());
    for (let sent = 0; sent < messages; sent++) {
      const lines = Array.from({ length: perMessage }, () => nextLine((line += 1)));
      const firstNumber = BigInt(line - perMessage + 1);
      session.report((report += 1), {
        case: 'log',
        value: {
          $typeName: 'serverflow.agent.v1.LogChunk',
          appId,
          deploymentId: '',
          firstNumber,
          lines,
        },
      });
      await until('there is room', async () => report - session.lastAck() < window);
    }
    await until('every line is kept', async () => session.lastAck() >= report);
    return ((cpuMs(world.plane.pid()) - before) * 1000) / (messages * perMessage);
  };
}

/** A line as a web server writes it, different each time. */
function nextLine(number: number) {
  return {
    $typeName: 'serverflow.agent.v1.LogLine' as const,
    timeMs: BigInt(Date.now()),
    stream: LogStream.STDOUT,
    text: `192.0.2.${number % 251} - - "GET /items/${number * 7919} HTTP/1.1" 200 ${number % 4093} "-" ${number % 97} ms`,
  };
}

/** Throws unless every line of every round can be read: nothing is cheap that is not kept. */
async function mustBeKept(world: World, perRound: number): Promise<void> {
  const { lines } = await world.client(LogService).searchLogs({ app: 'chatty', limit: 1 });
  const last = lines[0]?.number ?? 0;
  if (last !== perRound * (rounds + 1)) throw new Error(`The log ends at line ${last}.`);
}

const address = ({ url }: World) => ({ url, config: { publicUrl: url } });

/** Enrols an agent that sends what we say, as the server "box". Only a person may invite one, so one signs in. */
async function addAgent(world: World): Promise<TestAgent> {
  const { url, email, password } = world;
  let cookie = '';
  await clientOf(url, SessionService, {}).createSession(
    { email, password },
    { onHeader: (headers) => (cookie = (headers.get('set-cookie') ?? '').split(';')[0] ?? '') },
  );
  const enrollments = clientOf(url, EnrollmentService, { cookie });
  const { token } = await enrollments.createEnrollment({ server: 'box' });
  return enroll(address(world), token);
}
