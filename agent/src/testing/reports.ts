import type { ReportBody } from '../context.ts';

/** A report that must never be lost. */
export const step = (detail: string): ReportBody => ({
  $case: 'step',
  value: {
    deploymentId: 'dep_1',
    step: 1,
    state: 1,
    startMs: 1n,
    endMs: 0n,
    detail,
    commit: '',
    commitMessage: '',
  },
});

/** A report that may be dropped where the disk would fill. */
export const log = (firstNumber: number, text = 'x'): ReportBody => ({
  $case: 'log',
  value: {
    appId: 'app_1',
    deploymentId: '',
    firstNumber: BigInt(firstNumber),
    lines: [{ timeMs: 1n, stream: 1, text }],
  },
});
