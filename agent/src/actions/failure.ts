/** Why a deployment failed, before it is known in which step. */
export type Reason = {
  /** A stable code. */
  readonly code: Code;
  /** What happened, in one sentence. */
  readonly message: string;
  /** Lines that show it; redacted and cut to 20 when they are reported. */
  readonly evidence?: readonly string[];
  /** The likely cause, where it is known better than the code tells. */
  readonly cause?: string;
  /** What to do next, where it is known better than the code tells. */
  readonly next?: string;
};

type Advice = { readonly cause: string; readonly next: string; readonly retryable: boolean };

const REPAIR = 'Correct it in the repository, push, and deploy again.';

/** What each code means when nothing better is known: the stable codes of a deployment's failure. */
export const ADVICE = {
  REPOSITORY_UNREACHABLE: {
    cause: 'The address is wrong, or its host does not answer from this server.',
    next: "Check the app's repository address, then deploy again.",
    retryable: true,
  },
  REPOSITORY_DENIED: {
    cause: 'The repository is private, or there is none under this address.',
    next: "Make the repository public or correct the app's repository address, then deploy again.",
    retryable: false,
  },
  REF_NOT_FOUND: {
    cause: 'The branch, tag or commit was deleted, renamed or never pushed.',
    next: 'Push it, or deploy a branch, tag or full commit id that exists.',
    retryable: false,
  },
  DIRECTORY_NOT_FOUND: {
    cause: 'The folder was renamed, or it is on another branch.',
    next: "Correct the app's directory, then deploy again.",
    retryable: false,
  },
  NOT_AN_APP: {
    cause: 'Neither a package.json that can be run or built nor an index.html was found.',
    next: "Set the app's directory to the folder that holds one, or add one.",
    retryable: false,
  },
  INSTALL_FAILED: {
    cause: 'A package does not exist, does not build here, or could not be downloaded.',
    next: 'Read the evidence; correct package.json and its lock file, push, and deploy again.',
    retryable: true,
  },
  INSTALL_TIMEOUT: {
    cause: 'Downloading or compiling the packages takes longer than the limit.',
    next: "Deploy again, or raise the app's build timeout.",
    retryable: true,
  },
  LOCKFILE_MISMATCH: {
    cause: 'package.json was changed and the lock file was not.',
    next: 'Run npm install, commit package-lock.json, push, and deploy again.',
    retryable: false,
  },
  BUILD_FAILED: {
    cause: 'The build script ended with an error.',
    next: `Read the evidence. ${REPAIR}`,
    retryable: false,
  },
  BUILD_TIMEOUT: {
    cause: 'The build waits for something, or needs more time than the limit.',
    next: "See that the build script ends by itself, or raise the app's build timeout.",
    retryable: false,
  },
  NO_OUTPUT: {
    cause: 'The build writes to a folder that was not found.',
    next: "Set the app's output directory to the folder that holds index.html.",
    retryable: false,
  },
  OUTSIDE_LINK: {
    cause: 'A symbolic link in the served folder leads out of the release.',
    next: `Remove the link. ${REPAIR}`,
    retryable: false,
  },
  NO_START: {
    cause: 'Nothing says how the app is started.',
    next: 'Add a start script to package.json, or name one in the settings of the app.',
    retryable: false,
  },
  CRASHED_AT_START: {
    cause:
      'The program ends by itself: a missing variable, a missing file or an error in its code.',
    next: `Read the evidence; set the variables it needs, or correct it, and deploy again.`,
    retryable: false,
  },
  NEVER_LISTENED: {
    cause: 'The program opens no port, or is not done starting.',
    next: 'Have it listen on process.env.PORT, or raise the deadline of the health check.',
    retryable: false,
  },
  WRONG_PORT: {
    cause: 'The program does not read PORT.',
    next: 'Have it listen on process.env.PORT and host 127.0.0.1, push, and deploy again.',
    retryable: false,
  },
  HEALTH_STATUS: {
    cause: 'The program answers the health path with an error.',
    next: "Correct what fails, or point the app's health path at a page that answers 200.",
    retryable: false,
  },
  HEALTH_TIMEOUT: {
    cause: 'The program is too slow, or waits for something that does not answer.',
    next: "Make the health path faster, or raise the health check's timeout.",
    retryable: true,
  },
  CRASHED_IN_BAKE: {
    cause: 'The program ended by itself soon after it had passed the health check.',
    next: `Read the evidence. ${REPAIR}`,
    retryable: false,
  },
  SWITCH_FAILED: {
    cause: 'The front did not take the new configuration.',
    next: 'Look at the state of the front among the services of the server, then deploy again.',
    retryable: true,
  },
  VARIABLE_UNOPENED: {
    cause: 'It was sealed for another server or app, or for an older key of this agent.',
    next: 'Set the variable again, then deploy again.',
    retryable: false,
  },
  DISK_FULL: {
    cause: 'The disk of the server is full.',
    next: 'Free some space on the server or keep fewer releases, then deploy again.',
    retryable: true,
  },
  NO_RELEASE: {
    cause: 'It was never deployed here, or is no longer kept.',
    next: 'Roll back to one of the kept releases, or deploy its commit.',
    retryable: false,
  },
  RELEASE_TAKEN: {
    cause: 'The order names the number of a release that is kept here.',
    next: 'Deploy again, under a new number.',
    retryable: false,
  },
  NAME_TAKEN: {
    cause: 'Another app of this server already answers under this name.',
    next: 'Choose another name or domain.',
    retryable: false,
  },
  ENGINE_FAILED: {
    cause: 'PM2 does not run, or could not be asked.',
    next: 'Look at the state of PM2 among the services of the server, then deploy again.',
    retryable: true,
  },
  INTERRUPTED: {
    cause: 'The agent was stopped in the middle of the deployment.',
    next: 'Deploy again.',
    retryable: true,
  },
  INTERNAL: {
    cause: 'Something failed that was not foreseen.',
    next: "Deploy again; if it stays, look into the agent's own log.",
    retryable: true,
  },
} as const satisfies Record<string, Advice>;

/** The stable codes of a deployment's failure. */
export type Code = keyof typeof ADVICE;

/** A step of a deployment went wrong in a way that can be explained. */
export class StepFailure extends Error {
  readonly reason: Reason;
  constructor(reason: Reason) {
    super(reason.message);
    this.name = 'StepFailure';
    this.reason = reason;
  }
}

/** Ends a step with a stable code and the sentence that says what happened. */
export function fail(
  code: Code,
  message: string,
  more: Omit<Reason, 'code' | 'message'> = {},
): never {
  throw new StepFailure({ code, message, ...more });
}

/** Says why a step failed, whatever was thrown. */
export function reasonOf(error: unknown): Reason {
  if (error instanceof StepFailure) return error.reason;
  if (isAbort(error)) return { code: 'INTERRUPTED', message: 'The agent was told to stop.' };
  const message = error instanceof Error ? error.message : String(error);
  if (isDiskFull(error))
    return { code: 'DISK_FULL', message: 'There is no space left on the disk.' };
  return { code: 'INTERNAL', message: `Something unforeseen failed: ${message}` };
}

/** Whether work was ended because its signal was aborted. */
export const isAbort = (error: unknown): boolean =>
  error instanceof Error && error.name === 'AbortError';

const isDiskFull = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');

/** Whether a command's output says that the disk is full. */
export const saysDiskFull = (output: string): boolean =>
  /ENOSPC|EDQUOT|No space left on device|Disk quota exceeded/i.test(output);

/** The last lines of an output that say something, at most `count`, without colours. */
export function lastLines(output: string, count = 20): string[] {
  const plain = output.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '');
  const lines = plain.split(/\r\n|\n|\r/).map((line) => line.trimEnd());
  return lines.filter((line) => line !== '').slice(-count);
}
