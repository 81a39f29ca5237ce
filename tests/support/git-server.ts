import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';

const execute = promisify(execFile);

/** The files of a commit by their paths; null removes one. */
export type Files = Readonly<Record<string, string | null>>;

/** Real git repositories over smart HTTP, on a port of 127.0.0.1. */
export type GitServer = {
  /** Such as http://127.0.0.1:41234. */
  readonly origin: string;
  /** The address of a repository. */
  readonly address: (repository: string) => string;
  /** Changes files of a repository, made where it is missing, and commits them to a branch; returns the full commit id. */
  readonly commit: (
    repository: string,
    files: Files,
    message: string,
    branch?: string,
  ) => Promise<string>;
  /** Commits a whole folder as it is, without what its .gitignore names. */
  readonly commitFolder: (repository: string, folder: string, message: string) => Promise<string>;
  /** Tags the last commit of the main branch. */
  readonly tag: (repository: string, name: string) => Promise<void>;
  readonly close: () => Promise<void>;
};

/** Starts a git server; every repository's default branch is main. */
export async function startGitServer(): Promise<GitServer> {
  const root = await mkdtemp(join(tmpdir(), 'sf-git-'));
  const server = createServer((request, response) => {
    serve(root, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const bare = (repository: string) => join(root, `${repository}.git`);
  const git = async (repository: string, tree: string, ...argv: string[]): Promise<string> => {
    const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com'];
    const where = [`--git-dir=${bare(repository)}`, `--work-tree=${tree}`];
    const { stdout } = await execute('git', [...identity, ...where, ...argv], {
      cwd: tree,
      env: { PATH: process.env['PATH'] ?? '', HOME: root, GIT_CONFIG_NOSYSTEM: '1' },
    });
    return stdout.trim();
  };
  const make = async (repository: string): Promise<string> => {
    const tree = join(root, 'trees', repository);
    await mkdir(tree, { recursive: true });
    await execute('git', ['init', '--quiet', '--bare', '--initial-branch=main', bare(repository)]);
    return tree;
  };
  const record = async (repository: string, tree: string, message: string): Promise<string> => {
    await git(repository, tree, 'add', '--all');
    await git(repository, tree, 'commit', '--quiet', '--allow-empty', '-m', message);
    return git(repository, tree, 'rev-parse', 'HEAD');
  };
  return {
    origin,
    address: (repository) => `${origin}/${repository}.git`,
    commit: async (repository, files, message, branch = 'main') => {
      const tree = await make(repository);
      await git(repository, tree, 'symbolic-ref', 'HEAD', `refs/heads/${branch}`);
      for (const [path, content] of Object.entries(files)) {
        const file = join(tree, path);
        if (content === null) await rm(file, { recursive: true, force: true });
        else {
          await mkdir(dirname(file), { recursive: true });
          await writeFile(file, content);
        }
      }
      const commit = await record(repository, tree, message);
      await git(repository, tree, 'symbolic-ref', 'HEAD', 'refs/heads/main');
      return commit;
    },
    commitFolder: async (repository, folder, message) => {
      await make(repository);
      return record(repository, folder, message);
    },
    tag: async (repository, name) => {
      await git(repository, join(root, 'trees', repository), 'tag', name, 'main');
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** Speaks CGI with git's own http-backend. */
function serve(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const header = (name: string) => String(request.headers[name] ?? '');
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: header('content-type'),
      HTTP_GIT_PROTOCOL: header('git-protocol'),
      REMOTE_ADDR: '127.0.0.1',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.on('error', () => undefined);
  const isZipped = header('content-encoding') === 'gzip';
  (isZipped ? request.pipe(createGunzip()) : request).pipe(child.stdin);
  let head = Buffer.alloc(0);
  const readHead = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    child.stdout.off('data', readHead);
    for (const line of head.subarray(0, end).toString('latin1').split('\r\n')) {
      const [name = '', value = ''] = line.split(/: (.*)/s);
      if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.write(head.subarray(end + 4));
    child.stdout.pipe(response);
  };
  child.stdout.on('data', readHead);
  child.once('close', () => response.end());
  response.once('close', () => child.kill());
}
