import {
  AppAction,
  AppKind,
  type AppSpec,
  type Order,
  type SealedVariable,
  ServiceAction,
  ServiceName,
  type Settings as AppSettings,
} from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import { Complaint } from './complaint.ts';
import type { Settings } from './config.ts';
import {
  hostnameFault,
  isHealthPath,
  isId,
  isName,
  isOrderId,
  isScript,
  isVariable,
  pathFault,
  refFault,
} from './grammar.ts';
import type { Policy } from './policy.ts';
import { checkRepository, parseRepository } from './repository.ts';

/** The upper bounds of an app's settings, as the contract has them; 0 is never sent. */
const BOUNDS = {
  healthIntervalMs: 60_000,
  healthTimeoutMs: 60_000,
  healthPasses: 20,
  healthDeadlineMs: 900_000,
  bakeMs: 3_600_000,
  drainMs: 3_600_000,
  keepReleases: 50,
  buildTimeoutMs: 3_600_000,
} as const satisfies Partial<Record<keyof AppSettings, number>>;

/** The bounds of what one app may have, as the contract has them. */
const MOST_VARIABLES = 500;
const MOST_DOMAINS = 100;
const LONGEST_SEALED = 65_536;

/** Checks every argument of an order as strictly as the control plane does, without believing that it did; throws a Complaint. */
export async function validateOrder(
  order: Order,
  policy: Policy,
  settings: Settings,
): Promise<void> {
  if (!isOrderId(order.orderId)) throw bad('BAD_ID', 'The order id', 'it is no UUIDv7');
  const { action } = order;
  switch (action?.$case) {
    case 'ping':
      return;
    case 'deploy':
      checkApp(action.value.app);
      checkDeploymentId(action.value.deploymentId);
      checkRelease(action.value.release);
      check('BAD_REF', 'The ref', refFault(action.value.ref));
      checkVariables(action.value.variables);
      return checkRepository(action.value.app?.repository ?? '', policy, settings.controlPlane);
    case 'rollBack':
      checkApp(action.value.app);
      checkDeploymentId(action.value.deploymentId);
      return checkRelease(action.value.release);
    case 'controlApp':
      checkAppId(action.value.appId);
      return checkEnum(AppAction, action.value.action, 'the action');
    case 'removeApp':
      return checkAppId(action.value.appId);
    case 'addDomain':
    case 'removeDomain':
      checkAppId(action.value.appId);
      return checkHostname(action.value.hostname);
    case 'controlService':
      checkEnum(ServiceName, action.value.service, 'the service');
      return checkEnum(ServiceAction, action.value.action, 'the action');
    default:
      throw bad('BAD_ACTION', 'The order', 'it says nothing to do that this agent knows');
  }
}

function checkApp(app: AppSpec | undefined): void {
  if (app === undefined) throw bad('BAD_NAME', 'The order', 'it names no app');
  checkAppId(app.appId);
  check(
    'BAD_NAME',
    `The app name ${quote(app.name)}`,
    isName(app.name) ? undefined : 'it is not lower-case letters, digits and dashes',
  );
  if (app.kind !== AppKind.APP_KIND_UNSPECIFIED) checkEnum(AppKind, app.kind, 'the kind');
  parseRepository(app.repository);
  check('BAD_PATH', 'The directory', pathFault(app.directory));
  checkSettings(app.settings);
  if (app.domains.length > MOST_DOMAINS)
    throw bad('BAD_DOMAIN', 'The domains', `there are more than ${MOST_DOMAINS}`);
  checkAscending('BAD_DOMAIN', 'The domains', app.domains);
  app.domains.forEach(checkHostname);
}

function checkSettings(settings: AppSettings | undefined): void {
  if (settings === undefined) throw bad('BAD_SETTING', 'The settings', 'they are missing');
  for (const [name, most] of Object.entries(BOUNDS)) {
    const value = settings[name as keyof typeof BOUNDS];
    if (value < 1 || value > most)
      throw bad('BAD_SETTING', `The setting ${name}`, `it is not from 1 to ${most}`);
  }
  for (const name of ['buildScript', 'startScript'] as const) {
    if (!isScript(settings[name]))
      throw bad('BAD_SETTING', `The setting ${name}`, 'it is no name of an npm script');
  }
  if (!isHealthPath(settings.healthPath))
    throw bad('BAD_SETTING', 'The setting healthPath', 'it is no path');
  check('BAD_PATH', 'The output directory', pathFault(settings.outputDirectory));
}

function checkVariables(variables: readonly SealedVariable[]): void {
  if (variables.length > MOST_VARIABLES)
    throw bad('BAD_VARIABLE', 'The variables', `there are more than ${MOST_VARIABLES}`);
  checkAscending(
    'BAD_VARIABLE',
    'The variables',
    variables.map(({ name }) => name),
  );
  for (const { name, sealed } of variables) {
    if (!isVariable(name))
      throw bad(
        'BAD_VARIABLE',
        `The variable ${quote(name)}`,
        'its name is not letters, digits and underscores, or is kept for the agent itself',
      );
    if (sealed.length === 0 || sealed.length > LONGEST_SEALED)
      throw bad('BAD_VARIABLE', `The variable ${name}`, 'its value is empty or too long');
  }
}

/** By UTF-16 units, so that each set has one spelling; doubles are refused with it. */
function checkAscending(code: string, what: string, names: readonly string[]): void {
  const isAscending = names.every((name, index) => index === 0 || (names[index - 1] ?? '') < name);
  if (!isAscending) throw bad(code, what, 'they are not in ascending order, each once');
}

const checkHostname = (hostname: string): void =>
  check('BAD_DOMAIN', `The domain ${quote(hostname)}`, hostnameFault(hostname));

const checkAppId = (id: string): void =>
  check('BAD_ID', 'The app id', isId(id) ? undefined : 'it is no id');

const checkDeploymentId = (id: string): void =>
  check('BAD_ID', 'The deployment id', isId(id) ? undefined : 'it is no id');

const checkRelease = (release: number): void =>
  check(
    'BAD_SETTING',
    'The release',
    release >= 1 && release <= 0x7fffffff ? undefined : 'it is no number of a release',
  );

/** Zero, unknown numbers and -1, which the generated code uses for them, are refused. */
function checkEnum(values: Readonly<Record<string, number>>, value: number, what: string): void {
  const isKnown = value > 0 && Object.values(values).includes(value);
  check('BAD_ACTION', 'The order', isKnown ? undefined : `${what} is none that this agent knows`);
}

function check(code: string, what: string, fault: string | undefined): void {
  if (fault !== undefined) throw bad(code, what, fault);
}

const bad = (code: string, what: string, why: string): Complaint =>
  new Complaint(code, `${what} is refused: ${why}. Correct it and send a new order.`);

const quote = (text: string): string => JSON.stringify(text.slice(0, 80));
