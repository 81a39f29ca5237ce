import CircleCheck from '@lucide/svelte/icons/circle-check';
import CircleDashed from '@lucide/svelte/icons/circle-dashed';
import CircleDot from '@lucide/svelte/icons/circle-dot';
import CirclePause from '@lucide/svelte/icons/circle-pause';
import CircleQuestion from '@lucide/svelte/icons/circle-question-mark';
import CircleX from '@lucide/svelte/icons/circle-x';
import Ban from '@lucide/svelte/icons/ban';
import Clock from '@lucide/svelte/icons/clock';
import WifiOff from '@lucide/svelte/icons/wifi-off';
import { AppState } from '@serverflow/gen/es/serverflow/app/v1/app_pb';
import { Outcome } from '@serverflow/gen/es/serverflow/audit/v1/event_pb';
import {
  DeploymentState,
  StepState,
} from '@serverflow/gen/es/serverflow/deployment/v1/deployment_pb';
import { DomainState } from '@serverflow/gen/es/serverflow/domain/v1/domain_pb';
import { ServerState } from '@serverflow/gen/es/serverflow/server/v1/server_pb';
import type { Component } from 'svelte';
import { m } from '#lib/paraglide/messages.js';

/** The five tones of a state. */
export type Tone = 'serving' | 'working' | 'waiting' | 'failed' | 'unknown';

/** How a state is shown: never by colour alone. */
export interface ShownState {
  tone: Tone;
  icon: Component;
  word: string;
}

const shown = (tone: Tone, icon: Component, word: string): ShownState => ({ tone, icon, word });
const unknown = () => shown('unknown', CircleQuestion, m.state_unknown());

/** How a server's state is shown. */
export function serverState(state: ServerState): ShownState {
  if (state === ServerState.ONLINE) return shown('serving', CircleCheck, m.state_online());
  if (state === ServerState.OFFLINE) return shown('failed', WifiOff, m.state_offline());
  if (state === ServerState.AWAITING_ENROLLMENT) return shown('waiting', Clock, m.state_awaiting());
  return unknown();
}

/** How an app's state is shown. */
export function appState(state: AppState): ShownState {
  if (state === AppState.SERVING) return shown('serving', CircleCheck, m.state_serving());
  if (state === AppState.DOWN) return shown('failed', CircleX, m.state_down());
  if (state === AppState.STOPPED) return shown('unknown', CirclePause, m.state_stopped());
  if (state === AppState.NEW) return shown('unknown', CircleDashed, m.state_new());
  return unknown();
}

/** How a deployment's state is shown. */
export function deploymentState(state: DeploymentState): ShownState {
  if (state === DeploymentState.SUCCEEDED)
    return shown('serving', CircleCheck, m.state_succeeded());
  if (state === DeploymentState.FAILED) return shown('failed', CircleX, m.state_failed());
  if (state === DeploymentState.RUNNING) return shown('working', CircleDot, m.state_running());
  if (state === DeploymentState.QUEUED) return shown('waiting', Clock, m.state_queued());
  return unknown();
}

/** How a step's state is shown. */
export function stepState(state: StepState): ShownState {
  if (state === StepState.DONE) return shown('serving', CircleCheck, m.state_done());
  if (state === StepState.FAILED) return shown('failed', CircleX, m.state_failed());
  if (state === StepState.RUNNING) return shown('working', CircleDot, m.state_running());
  if (state === StepState.SKIPPED) return shown('unknown', Ban, m.state_skipped());
  return shown('unknown', CircleDashed, m.state_not_begun());
}

/** How a domain's state is shown. */
export function domainState(state: DomainState): ShownState {
  if (state === DomainState.ACTIVE) return shown('serving', CircleCheck, m.state_active());
  if (state === DomainState.FAILED) return shown('failed', CircleX, m.state_failed());
  if (state === DomainState.PENDING) return shown('waiting', Clock, m.state_pending());
  if (state === DomainState.REMOVING) return shown('working', CircleDot, m.state_removing());
  return unknown();
}

/** How a service of a server is shown. */
export function serviceState(running: boolean): ShownState {
  return running
    ? shown('serving', CircleCheck, m.state_runs())
    : shown('failed', CircleX, m.state_stopped());
}

/** How the outcome of a call is shown. */
export function outcomeState(outcome: Outcome): ShownState {
  if (outcome === Outcome.DONE) return shown('serving', CircleCheck, m.state_done());
  if (outcome === Outcome.DENIED) return shown('waiting', Ban, m.state_denied());
  if (outcome === Outcome.FAILED) return shown('failed', CircleX, m.state_failed());
  return unknown();
}
