import type { Report } from '@serverflow/gen/es/serverflow/agent/v1/report_pb';
import { hearState } from '../apps/hear.ts';
import { hearDeployment, hearOrderEnd, hearStep } from '../deployments/hear.ts';
import { hearDomainEnd } from '../domains/hear.ts';
import { hearLog } from '../logs/hear.ts';
import type { LogStore } from '../logs/store.ts';
import { hearSamples } from '../metrics/hear.ts';
import type { MetricStore } from '../metrics/store.ts';
import { hearFacts, hearPorts } from '../servers/hear.ts';
import type { OrderRow } from './entity.ts';
import type { Hearing } from './hearing.ts';

/** What each noun does when an agent reports, and when an order ends. */
export type Hears = {
  readonly report: (hearing: Hearing, body: Report['body']) => Promise<void>;
  readonly orderEnd: (hearing: Hearing, order: OrderRow) => Promise<void>;
};

/** The table of who hears what; receipts are the fleet's own. */
export function createHears(logs: LogStore, metrics: MetricStore): Hears {
  return {
    async report(hearing, body) {
      switch (body.case) {
        case 'step':
          return hearStep(hearing, body.value);
        case 'deployment':
          return hearDeployment(hearing, body.value);
        case 'app':
          return hearState(hearing, body.value);
        case 'log':
          return hearLog(hearing, body.value, logs);
        case 'sample':
          return hearSamples(hearing, body.value, metrics);
        case 'facts':
          return hearFacts(hearing, body.value);
        case 'ports':
          return hearPorts(hearing, body.value);
        default:
          return undefined;
      }
    },
    async orderEnd(hearing, order) {
      if (order.kind === 'deploy' || order.kind === 'rollBack') return hearOrderEnd(hearing, order);
      if (order.kind === 'addDomain' || order.kind === 'removeDomain')
        return hearDomainEnd(hearing, order);
    },
  };
}
