/** Where a line came from; `system` is ServerFlow itself. */
export type Stream = 'stdout' | 'stderr' | 'system';

/** The log of one deployment, numbered from 1; what was written before a kill -9 is reported after it. */
export type DeploymentLog = {
  /** Takes one line or several; redacts, cuts at 16 KiB and keeps it on disk at once. */
  line(stream: Stream, text: string): void;
  /** Reports what is not yet reported; later calls of `line` are ignored. */
  close(): void;
};
