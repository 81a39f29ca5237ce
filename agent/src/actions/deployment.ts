import {
  StepName,
  StepState,
  type DeploymentOutcome,
  type DeploymentReport,
} from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import type { AppSpec, Settings } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import type { Context } from '../context.ts';
import { openDeploymentLog } from '../logs/deployment-log.ts';
import type { DeploymentLog } from '../logs/log.ts';
import { directExecutor } from '../verbs/execute.ts';
import { layout } from '../verbs/layout.ts';
import { machineOf, type Machine } from '../verbs/machine.ts';
import type { Execute } from '../verbs/verb.ts';
import { ADVICE, lastLines, reasonOf, type Reason } from './failure.ts';
import { readJson, readRecord, type AppRecord } from './record.ts';

/** What every action works with. */
export type Desk = {
  readonly context: Context;
  readonly machine: Machine;
  readonly execute: Execute;
};

/** Lays out what the actions of one agent work with. */
export const deskOf = (context: Context): Desk => ({
  context,
  machine: machineOf(context),
  execute: directExecutor(context),
});

/** Where a deployment is; the file deploy.json, written before each step, so that a killed agent knows. */
export type Journal = {
  readonly version: 1;
  readonly deploymentId: string;
  readonly kind: 'deploy' | 'rollBack';
  readonly release: number;
  /** The run of the new release. */
  readonly instance: number;
  /** Its port; 0 before it has one, and for a static site. */
  readonly port: number;
  /** What was remembered of the app before. */
  readonly before: AppRecord | null;
  readonly step: StepName;
  /** Whether the front may point at the new release. */
  readonly isSwitched: boolean;
  /** Whether the new release has passed its bake; from then on the deployment has succeeded. */
  readonly isBaked: boolean;
  readonly commit: string;
  readonly commitMessage: string;
  /** Why it failed, from the moment on when it goes back. */
  readonly failure: EndFailure | null;
  /** How it ended, once it has. */
  readonly end: { readonly outcome: DeploymentOutcome; readonly failure: EndFailure | null } | null;
};

/** Why a deployment failed, as it is reported. */
export type EndFailure = NonNullable<DeploymentReport['failure']>;

/** A deployment that runs: its app, its journal and where its steps are told. */
export type Deployment = Desk & {
  readonly app: AppSpec;
  readonly settings: Settings;
  readonly signal: AbortSignal;
  readonly log: DeploymentLog;
  readonly journal: () => Journal;
  /** Changes the journal; it is on disk when this returns. */
  readonly note: (change: Partial<Journal>) => Promise<void>;
  /** Does one step: journalled, timed and reported; what it says last becomes the step's detail. */
  readonly step: <T>(
    name: StepName,
    work: (say: (detail: string) => void) => Promise<T>,
  ) => Promise<T>;
  /** Reports a step that is left out, with the reason. */
  readonly skip: (name: StepName, why: string) => void;
};

/** What a deployment is opened with. */
export type Opening = {
  readonly app: AppSpec;
  readonly deploymentId: string;
  readonly kind: Journal['kind'];
  readonly release: number;
  readonly instance: number;
};

/** Begins a deployment: its journal is on disk before anything else is touched. */
export async function openDeployment(
  desk: Desk,
  opening: Opening,
  signal: AbortSignal,
): Promise<Deployment> {
  const { app, deploymentId, kind, release, instance } = opening;
  await desk.execute({ verb: 'make app', appId: app.appId });
  const journal: Journal = {
    version: 1,
    deploymentId,
    kind,
    release,
    instance,
    port: 0,
    before: readRecord(desk.context.settings.apps, app.appId) ?? null,
    step: StepName.STEP_NAME_UNSPECIFIED,
    isSwitched: false,
    isBaked: false,
    commit: '',
    commitMessage: '',
    failure: null,
    end: null,
  };
  const deployment = carryOn(desk, app, journal, signal);
  await deployment.note({});
  return deployment;
}

/** Reads the journal of the deployment that runs or ran last; undefined when there was none. */
export const readJournal = (desk: Desk, appId: string): Journal | undefined =>
  readJson<Journal>(layout(desk.context.settings.apps, appId).journal);

/** Takes up a deployment from its journal. */
export function carryOn(desk: Desk, app: AppSpec, from: Journal, signal: AbortSignal): Deployment {
  let journal = from;
  const settings = app.settings;
  if (settings === undefined) throw new Error('the order has no settings');
  const { context } = desk;
  const log = openDeploymentLog(context, { appId: app.appId, deploymentId: from.deploymentId });
  const note = async (change: Partial<Journal>) => {
    journal = { ...journal, ...change };
    await desk.execute({
      verb: 'write file',
      appId: app.appId,
      at: { file: 'journal' },
      content: `${JSON.stringify(journal)}\n`,
    });
  };
  const tell = (step: StepName, state: StepState, startMs: number, endMs: number, detail: string) =>
    context.report({
      $case: 'step',
      value: {
        deploymentId: journal.deploymentId,
        step,
        state,
        startMs: BigInt(startMs),
        endMs: BigInt(endMs),
        detail: context.redactor.text(detail),
        commit: journal.commit,
        commitMessage: context.redactor.text(journal.commitMessage),
      },
    });
  return {
    ...desk,
    app,
    settings,
    signal,
    log,
    journal: () => journal,
    note,
    step: async (name, work) => {
      await note({ step: name });
      signal.throwIfAborted();
      const start = Date.now();
      let detail = '';
      tell(name, StepState.STEP_STATE_RUNNING, start, 0, '');
      try {
        const result = await work((text) => {
          detail = text;
        });
        tell(name, StepState.STEP_STATE_DONE, start, Date.now(), detail);
        return result;
      } catch (error) {
        if (signal.aborted) throw error;
        const { message } = reasonOf(error);
        log.line('system', message);
        tell(name, StepState.STEP_STATE_FAILED, start, Date.now(), message);
        throw error;
      }
    },
    skip: (name, why) => {
      const now = Date.now();
      tell(name, StepState.STEP_STATE_SKIPPED, now, now, why);
    },
  };
}

/** Ends a deployment: journalled, then reported with what serves now. */
export async function closeDeployment(
  deployment: Deployment,
  outcome: DeploymentOutcome,
  failure: EndFailure | null,
): Promise<void> {
  await deployment.note({ end: { outcome, failure } });
  deployment.log.line('system', failure === null ? 'Succeeded.' : `Failed: ${failure.message}`);
  deployment.log.close();
  reportEnd(deployment, deployment.app.appId, deployment.journal());
}

/** Reports how a deployment ended, from its journal. */
export function reportEnd({ context }: Desk, appId: string, journal: Journal): void {
  if (journal.end === null) return;
  const serving = readRecord(context.settings.apps, appId)?.serving?.release ?? 0;
  const { failure } = journal.end;
  context.report({
    $case: 'deployment',
    value: {
      deploymentId: journal.deploymentId,
      outcome: journal.end.outcome,
      commit: journal.commit,
      commitMessage: context.redactor.text(journal.commitMessage),
      servingRelease: serving,
      ...(failure === null ? {} : { failure }),
    },
  });
}

/** Makes of a reason what is reported: complete with cause and next step, redacted, at most 20 lines of evidence. */
export function failureOf({ context, journal }: Deployment, reason: Reason): EndFailure {
  const advice = ADVICE[reason.code];
  const redact = (text: string) => context.redactor.text(text);
  return {
    step: journal().step,
    code: reason.code,
    message: redact(reason.message),
    evidence: lastLines(redact((reason.evidence ?? []).join('\n'))),
    cause: redact(reason.cause ?? advice.cause),
    next: redact(reason.next ?? advice.next),
    retryable: advice.retryable,
  };
}
