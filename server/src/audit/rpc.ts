import { fromBinary } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import type { AuditService } from '@serverflow/gen/es/serverflow/audit/v1/audit_service_pb';
import {
  EventSchema,
  type Event as EventMessage,
} from '@serverflow/gen/es/serverflow/audit/v1/event_pb';
import { callOf, organizationOf, reading } from '../guard/call.ts';
import { notFound, problem, Reason } from '../guard/problems.ts';
import { nextPage, readPage } from '../store/page.ts';
import { follow } from '../streams.ts';
import { activityTopic } from './audit.ts';
import { Event, type EventRow } from './entity.ts';

/** How many entries one message of WatchEvents carries at the most. */
const batch = 100;

/** AuditService: the activity. */
export const auditRpc: ServiceImpl<typeof AuditService> = {
  listEvents: async (request, context) => {
    const page = readPage(request);
    const where = {
      ...(request.actorKind ? { actorKind: request.actorKind } : {}),
      ...(request.outcome ? { outcome: request.outcome } : {}),
      ...(request.resource ? { resource: request.resource } : {}),
    };
    const found = await reading(callOf(context)).find(Event, where, {
      orderBy: { number: 'desc' },
      limit: page.limit + 1,
      offset: page.offset,
    });
    const { rows, nextPageToken } = nextPage(page, found);
    return { events: rows.map(toEvent), nextPageToken };
  },

  getEvent: async (request, context) => {
    const row = await reading(callOf(context)).findOne(Event, request.event);
    if (!row) throw notFound('event', request.event);
    return { event: toEvent(row), exact: Buffer.from(row.bytes).toString('base64') };
  },

  async *watchEvents(request, context) {
    const call = callOf(context);
    let after = request.cursor ? readCursor(request.cursor) : await lastNumber();
    yield* follow(call, [activityTopic(organizationOf(call))], async (why) => {
      const rows = await reading(call).find(
        Event,
        { number: { $gt: after } },
        { orderBy: { number: 'asc' }, limit: batch },
      );
      after = rows.at(-1)?.number ?? after;
      if (rows.length === batch) call.live.publish(activityTopic(organizationOf(call)));
      if (rows.length === 0 && why === 'wake') return { message: undefined };
      return { message: { cursor: String(after), events: rows.map(toEvent) } };
    });

    async function lastNumber(): Promise<number> {
      const [row] = await reading(call).find(Event, {}, { orderBy: { number: 'desc' }, limit: 1 });
      return row?.number ?? 0;
    }
  },
};

function toEvent(row: EventRow): EventMessage {
  return fromBinary(EventSchema, row.bytes);
}

function readCursor(cursor: string): number {
  if (!/^[0-9]{1,15}$/.test(cursor)) throw problem(Reason.BAD_CURSOR);
  return Number(cursor);
}
