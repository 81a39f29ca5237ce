import type { SealedVariable } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { layout } from '../verbs/layout.ts';
import type { Context } from '../context.ts';
import type { Desk } from './deployment.ts';
import { fail } from './failure.ts';
import { readJson } from './record.ts';

/** A variable as it is kept with its release: still sealed. */
type Kept = { readonly name: string; readonly sealed: string; readonly version: number };

/** Keeps the variables of a release beside it, sealed as they came, so that rolling back restores them. */
export function keepVariables(
  { execute }: Desk,
  appId: string,
  release: number,
  variables: readonly SealedVariable[],
): Promise<void> {
  const kept = variables.map(({ name, sealed, version }): Kept => ({
    name,
    sealed: Buffer.from(sealed).toString('base64'),
    version,
  }));
  const content = `${JSON.stringify(kept)}\n`;
  return execute({ verb: 'write file', appId, at: { file: 'variables', release }, content });
}

/** Opens the variables of a release; each value is known to the redactor before it is returned. */
export function openVariables(
  context: Context,
  appId: string,
  release: number,
): Record<string, string> {
  const path = layout(context.settings.apps, appId).variables(release);
  const opened: Record<string, string> = {};
  for (const { name, sealed, version } of readJson<Kept[]>(path) ?? []) {
    let value: string;
    try {
      value = context.openVariable(appId, { name, sealed: Buffer.from(sealed, 'base64'), version });
    } catch {
      fail('VARIABLE_UNOPENED', `The variable ${name} cannot be opened on this server.`);
    }
    context.redactor.add(value);
    opened[name] = value;
  }
  return opened;
}
