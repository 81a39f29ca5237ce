import { LogStream } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import type { Context } from '../context.ts';
import type { DeploymentLog, Stream } from '../logs/log.ts';

const STREAMS = {
  stdout: LogStream.LOG_STREAM_STDOUT,
  stderr: LogStream.LOG_STREAM_STDERR,
  system: LogStream.LOG_STREAM_SYSTEM,
};
export function openDeploymentLog(
  context: Context,
  at: { appId: string; deploymentId: string },
): DeploymentLog {
  let number = 1n;
  return {
    line: (stream: Stream, text: string) =>
      context.report({
        $case: 'log',
        value: {
          ...at,
          firstNumber: number++,
          lines: [
            {
              timeMs: BigInt(Date.now()),
              stream: STREAMS[stream],
              text: context.redactor.text(text),
            },
          ],
        },
      }),
    close: () => undefined,
  };
}
