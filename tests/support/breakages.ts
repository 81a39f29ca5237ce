import { StepName } from '@serverflow/gen/es/serverflow/deployment/v1/deployment_pb';
import type { Files } from './git-server.ts';

/** A way to break an app: the files that do it, and how the deployment must end. */
export type Breakage = {
  readonly name: string;
  readonly files: Files;
  readonly step: StepName;
  readonly code: string;
  readonly message: RegExp;
  /** A part of the evidence, which stands in the deployment's or the app's log too. */
  readonly evidence: string;
  readonly next: RegExp;
};

const LISTEN = '.listen(process.env.PORT, process.env.HOST);';

const manifest = (scripts: Record<string, string>): Files => ({
  'package.json': JSON.stringify({
    name: 'steady',
    version: '1.0.0',
    private: true,
    scripts: { start: 'node server.js', ...scripts },
  }),
});

const program = (code: string): Files => ({
  'server.js': `const http = require('node:http');\n${code}\n`,
});

/** An app without packages that says a text on every path and names itself in its log. */
export const steadyApp = (text: string): Files => ({
  ...manifest({}),
  ...program(`http.createServer((_, response) => response.end(${JSON.stringify(text)}))${LISTEN}
console.log(${JSON.stringify(`${text} is up`)});`),
});

/** Eight ways to break it, in the order of a deployment's steps. */
export const breakages: readonly Breakage[] = [
  {
    name: 'an install that fails',
    files: manifest({ preinstall: 'echo no compiler here >&2; exit 3' }),
    step: StepName.INSTALL,
    code: 'INSTALL_FAILED',
    message: /npm install failed with exit code 3/,
    evidence: 'no compiler here',
    next: /correct package\.json/,
  },
  {
    name: 'a build that fails',
    files: manifest({ build: 'echo Unexpected token >&2; exit 2' }),
    step: StepName.BUILD,
    code: 'BUILD_FAILED',
    message: /npm run build failed with exit code 2/,
    evidence: 'Unexpected token',
    next: /deploy again/,
  },
  {
    name: 'a crash at the start',
    files: program(`throw new Error('DATABASE_URL is not set');`),
    step: StepName.HEALTH,
    code: 'CRASHED_AT_START',
    message: /ended by itself while it was started/,
    evidence: 'DATABASE_URL is not set',
    next: /set the variables it needs/,
  },
  {
    name: 'a program that never listens',
    files: program(`console.log('waiting for a queue'); setInterval(() => {}, 1000);`),
    step: StepName.HEALTH,
    code: 'NEVER_LISTENED',
    message: /Nothing listened on port \d+/,
    evidence: 'waiting for a queue',
    next: /process\.env\.PORT/,
  },
  {
    name: 'the wrong port',
    files: program(`const server = http.createServer((_, response) => response.end('here'));
server.listen(0, '127.0.0.1', () => console.log('listening on', server.address().port));`),
    step: StepName.HEALTH,
    code: 'WRONG_PORT',
    message: /listens on 127\.0\.0\.1:\d+ and not on the port \d+/,
    evidence: 'listening on',
    next: /process\.env\.PORT/,
  },
  {
    name: 'a health check that answers 500',
    files: program(`http.createServer((_, response) => {
  console.error('no table users');
  response.writeHead(500).end();
})${LISTEN}`),
    step: StepName.HEALTH,
    code: 'HEALTH_STATUS',
    message: /answered 500/,
    evidence: 'no table users',
    next: /health path/,
  },
  {
    name: 'a program that is too slow',
    files: program(`http.createServer((_, response) => {
  console.log('thinking');
  setTimeout(() => response.end('late'), 20_000);
})${LISTEN}`),
    step: StepName.HEALTH,
    code: 'HEALTH_TIMEOUT',
    message: /no answer in \d+ ms/,
    evidence: 'thinking',
    next: /timeout/,
  },
  {
    name: 'a crash while it bakes',
    files: program(`http.createServer((request, response) => {
  const isUser = request.headers['x-forwarded-for'] !== undefined;
  if (isUser) setTimeout(crash, 100).unref();
  response.end('short-lived');
})${LISTEN}
function crash() {
  console.error('out of tokens');
  process.exit(9);
}`),
    step: StepName.BAKE,
    code: 'CRASHED_IN_BAKE',
    message: /ended by itself after it was switched to/,
    evidence: 'out of tokens',
    next: /deploy again/,
  },
];
