import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { Refusal } from '@serverflow/agent/envelope';
import { Complaint } from './complaint.ts';
import { type Environment, type Flags, places, readSettings } from './config.ts';
import { enroll } from './enroll.ts';
import { readPolicy } from './policy.ts';
import { runAgent, type Work } from './run.ts';
import { describePolicy, describeStatus, readStatus } from './status.ts';

const HELP = `serverflow-agent: carries out what your control plane signs, and nothing else.

  serverflow-agent enroll --control-plane URL   bind this machine with a single-use token
  serverflow-agent run                          connect and stay connected
  serverflow-agent status [--json]              what this agent is and how it stands; works offline
  serverflow-agent policy show [--json]         what this machine allows, by policy.toml

  --state DIR         where everything is kept (default ~/.local/state/serverflow-agent)
  --config FILE       agent.toml; policy.toml lies beside it (default in the state folder)
  --token-file FILE   the enrolment token; else SERVERFLOW_ENROLL_TOKEN, standard input or a prompt
`;

/** What a command line is run with. */
export type Terminal = {
  readonly env: Environment;
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** Ends `run`. */
  readonly signal: AbortSignal;
};

/** Runs one command line; returns the exit code: 0 done, 1 failed with a reason, 2 not understood. */
export async function runCommand(
  argv: readonly string[],
  work: Work,
  terminal: Terminal,
): Promise<number> {
  const { out, err } = terminal;
  try {
    const { values, positionals } = parse(argv);
    const command = positionals.join(' ');
    if (values.help || command === '' || command === 'help') {
      out(HELP);
      return values.help || command === 'help' ? 0 : 2;
    }
    const flags: Flags = {
      ...(values.state === undefined ? {} : { state: values.state }),
      ...(values.config === undefined ? {} : { config: values.config }),
      ...(values['control-plane'] === undefined ? {} : { controlPlane: values['control-plane'] }),
    };
    switch (command) {
      case 'enroll':
        await enrollHere(flags, values['token-file'], terminal);
        return 0;
      case 'run':
        await runAgent(readSettings(flags, terminal.env), work, err, terminal.signal);
        return 0;
      case 'status': {
        const status = readStatus(places(flags, terminal.env));
        out(values.json ? JSON.stringify(status, null, 2) : describeStatus(status));
        return status.enrolled ? 0 : 1;
      }
      case 'policy show': {
        const policy = readPolicy(places(flags, terminal.env).policyFile);
        out(values.json ? JSON.stringify(policy, null, 2) : describePolicy(policy));
        return policy.broken === undefined ? 0 : 1;
      }
      default:
        throw new Complaint(
          'USAGE',
          `There is no command "${command}"; see serverflow-agent --help.`,
        );
    }
  } catch (error) {
    if (!(error instanceof Complaint) && !(error instanceof Refusal)) throw error;
    err(`serverflow-agent: ${error.message}`);
    return error instanceof Complaint && error.code === 'USAGE' ? 2 : 1;
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        state: { type: 'string' },
        config: { type: 'string' },
        'control-plane': { type: 'string' },
        'token-file': { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    // Said without the values: someone may have tried to give a token here.
    const flag =
      /'(--?[A-Za-z-]+)/.exec(error instanceof Error ? error.message : '')?.[1] ?? 'an option';
    const hint =
      flag === '--token'
        ? 'the command line is readable by everyone on this machine, so give the token with --token-file'
        : 'see serverflow-agent --help';
    throw new Complaint('USAGE', `${flag} is not understood; ${hint}.`);
  }
}

async function enrollHere(
  flags: Flags,
  tokenFile: string | undefined,
  terminal: Terminal,
): Promise<void> {
  const settings = readSettings(flags, terminal.env);
  const token = await readToken(tokenFile, terminal);
  const { serverName, words, warnings } = await enroll(settings, token);
  for (const warning of warnings) terminal.err(`warning: ${warning}`);
  terminal.out(`This machine is enrolled as ${serverName}.`);
  terminal.out(`Its key is named: ${words}`);
  terminal.out(
    'Compare these four words with the ones in the dashboard, then start it: serverflow-agent run',
  );
}

async function readToken(file: string | undefined, { env, input, err }: Terminal): Promise<string> {
  if (file !== undefined) return readTokenFile(file);
  const given = env['SERVERFLOW_ENROLL_TOKEN'];
  if (given !== undefined && given !== '') return given;
  if (!input.isTTY) {
    let text = '';
    for await (const chunk of input) {
      text += String(chunk);
      if (text.includes('\n') || text.length > 4096) break;
    }
    return text;
  }
  err('The token from the dashboard (sf1.…), then Enter:');
  const prompt = createInterface({ input });
  try {
    return await prompt.question('');
  } finally {
    prompt.close();
  }
}

function readTokenFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new Complaint(
      'NO_TOKEN_FILE',
      `The file ${file} cannot be read (${why}); name the one with the token.`,
    );
  }
}
