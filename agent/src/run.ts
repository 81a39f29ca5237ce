import { join } from 'node:path';
import { openWith, fourWords, variableAad, variableInfo } from '@serverflow/agent/envelope';
import { setTimeout as delay } from 'node:timers/promises';
import { Complaint } from './complaint.ts';
import type { Settings } from './config.ts';
import type { Context } from './context.ts';
import { makePrivateFolder } from './files.ts';
import { type Identity, readIdentity } from './identity.ts';
import { Journal } from './journal.ts';
import { keepLinked } from './link.ts';
import { takeLock } from './lock.ts';
import { makeObeyer } from './obey.ts';
import { readPolicy } from './policy.ts';
import { type Recovery, takeUp } from './recovery.ts';
import { Redactor } from './redact.ts';
import { Spool } from './spool.ts';
import { writeStatus } from './status.ts';

/** What an agent does besides talking: it carries orders out, and reports on its own. */
export type Work = Recovery & {
  /** Reports what happens on the machine until the signal. */
  readonly startReporters: (context: Context, signal: AbortSignal) => Promise<void> | void;
};

/** Runs an enrolled agent until the signal, then lets go in order; `notice` gets one line for each thing worth telling. */
export async function runAgent(
  settings: Settings,
  work: Work,
  notice: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const identity = readIdentity(settings.state);
  const giveBack = takeLock(settings.state);
  makePrivateFolder(settings.apps);
  const spool = new Spool(join(settings.state, 'spool'), settings.spoolMaxBytes);
  const journal = openJournal(settings.state);
  const context = makeContext(settings, identity, spool);
  const obeyer = makeObeyer({
    identity,
    context,
    journal,
    perform: work.perform,
    flush: () => spool.flush(),
  });
  tellFaults(notice, context, spool, journal);

  const tell = (error: unknown): void =>
    notice(error instanceof Error ? (error.stack ?? error.message) : String(error));
  const recovered =
    journal instanceof Journal ? takeUp(context, journal, obeyer, work).catch(tell) : undefined;
  const reporting = Promise.resolve(work.startReporters(context, signal)).catch(tell);
  await keepLinked(
    {
      settings,
      identity,
      spool,
      onOrder: (session, order) => void obeyer.take(session, order),
      ...linkNotices(settings, identity, notice),
    },
    signal,
  );

  obeyer.stop();
  // What does not let go in time is found in the journal at the next start.
  await Promise.race([
    Promise.allSettled([recovered, reporting, obeyer.idle()]),
    delay(settings.shutdownMs, undefined, { ref: false }),
  ]);
  writeStatus(settings.state, {
    isConnected: false,
    sinceMs: Date.now(),
    detail: 'The agent was stopped.',
  });
  await spool.close();
  if (journal instanceof Journal) journal.close();
  giveBack();
}

/** Tells how the link stands, in words and for `status`. */
function linkNotices(
  { state, controlPlane }: Settings,
  { serverName, signingKey }: Identity,
  notice: (line: string) => void,
) {
  let lastFault = '';
  return {
    onConnected: (): void => {
      lastFault = '';
      writeStatus(state, { isConnected: true, sinceMs: Date.now(), detail: '' });
      notice(
        `connected to ${controlPlane.origin} as ${serverName} (${fourWords(signingKey.publicKey)})`,
      );
    },
    onDisconnected: ({ code, message }: Complaint): void => {
      // The same fault at every attempt is one piece of news.
      if (code === lastFault) return;
      lastFault = code;
      writeStatus(state, { isConnected: false, sinceMs: Date.now(), detail: message });
      notice(message);
    },
  };
}

function openJournal(state: string): Journal | Complaint {
  try {
    return new Journal(join(state, 'journal'));
  } catch (error) {
    if (error instanceof Complaint) return error;
    const why = error instanceof Error ? error.message : String(error);
    return new Complaint(
      'JOURNAL_UNREADABLE',
      `The journal cannot be read (${why}); mend that and restart the agent.`,
    );
  }
}

function makeContext(settings: Settings, identity: Identity, spool: Spool): Context {
  return {
    settings,
    policy: readPolicy(settings.policyFile),
    redactor: new Redactor(),
    report: (body) => spool.append(body),
    openVariable: (appId, { name, sealed, version }) => {
      const info = variableInfo(identity.tenantId, identity.agentId, appId);
      return Buffer.from(
        openWith(identity.sealingKey, info, variableAad(name, version), sealed),
      ).toString();
    },
  };
}

function tellFaults(
  notice: (line: string) => void,
  { policy }: Context,
  spool: Spool,
  journal: Journal | Complaint,
): void {
  if (policy.broken !== undefined)
    notice(`every order that changes something is refused: ${policy.broken}`);
  if (journal instanceof Complaint)
    notice(`every order that changes something is refused: ${journal.message}`);
  if (spool.foundDamage)
    notice('reports that waited were damaged and were put aside beside the spool');
}
