import type { Report } from '@serverflow/gen/grpc/serverflow/agent/v1/report';
import type { Settings } from './config.ts';
import type { Policy } from './policy.ts';
import type { Redactor } from './redact.ts';

/** What is reported: the body of a numbered report, without its number. */
export type ReportBody = NonNullable<Report['body']>;

/** What every action and every reporter of the agent is given; made once by main.ts. */
export type Context = {
  /** The agent's settings, parsed once. */
  readonly settings: Settings;
  /** The server's own policy.toml. */
  readonly policy: Policy;
  /** Replaces known secrets; actions add the values they open to it before anything runs with them. */
  readonly redactor: Redactor;
  /**
   * Numbers a report, keeps it on disk until the control plane has acknowledged it, and sends it when there is a session.
   * It returns when the report is on disk. Texts must have passed the redactor.
   */
  readonly report: (body: ReportBody) => void;
  /** Opens a sealed variable of an app; throws when it was not sealed to this agent and app. */
  readonly openVariable: (
    appId: string,
    variable: { name: string; sealed: Uint8Array; version: number },
  ) => string;
};

/** How an action ended. A deployment that failed by itself is an action that was done. */
export type ActionResult =
  | { readonly outcome: 'done' }
  | {
      readonly outcome: 'failed' | 'refused' | 'unknown';
      readonly code: string;
      readonly message: string;
    };
