import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import { variableInfo } from '@serverflow/agent/envelope';
import type { VariableSchema } from '@serverflow/gen/es/serverflow/app/v1/app_pb';
import { VariableService } from '@serverflow/gen/es/serverflow/app/v1/variable_service_pb';
import { ThingKind } from '@serverflow/gen/es/serverflow/overview/v1/overview_pb';
import { callOf, reading } from '../guard/call.ts';
import { change } from '../guard/change.ts';
import { nextPage, readPage } from '../store/page.ts';
import { findApp } from './apps.ts';
import { Variable, type VariableRow } from './entity.ts';
import { readVariables } from './variable-input.ts';
import { deleteVariables, findSealingServer, setVariables } from './variables.ts';

const method = VariableService.method;

/** VariableService: messages to rules and back. */
export const variableRpc: ServiceImpl<typeof VariableService> = {
  listVariables: async (request, context) => {
    const call = callOf(context);
    const em = reading(call);
    const page = readPage(request);
    const app = await findApp(em, call.caller, request.app);
    const found = await em.find(
      Variable,
      { app: app.id },
      { orderBy: { name: 'asc' }, limit: page.limit + 1, offset: page.offset },
    );
    const { rows, nextPageToken } = nextPage(page, found);
    return { variables: rows.map(toVariable), nextPageToken };
  },

  setVariables: (request, context) =>
    change(context, method.setVariables, request, async ({ em, call, about, changed }) => {
      const app = await findApp(em, call.caller, request.app);
      const isClient =
        call.door === 'mcp' || (call.caller.kind === 'token' && call.caller.tokenKind === 'mcp');
      const rows = await setVariables(em, app, readVariables(request.variables, isClient), {
        email: call.caller.kind === 'anyone' ? '' : call.caller.email,
        fingerprint: call.parts.fingerprint,
      });
      about('app', app.name, `set ${listed(rows.map((row) => row.name))}`);
      changed(ThingKind.VARIABLES, app.id, app.name);
      return { variables: rows.map(toVariable), variablesVersion: app.variablesVersion };
    }),

  deleteVariables: (request, context) =>
    change(context, method.deleteVariables, request, async ({ em, call, about, changed }) => {
      const app = await findApp(em, call.caller, request.app);
      await deleteVariables(em, app, [...new Set(request.names)]);
      about('app', app.name, `deleted ${listed(request.names)}`);
      changed(ThingKind.VARIABLES, app.id, app.name);
      return { variablesVersion: app.variablesVersion };
    }),

  getSealingKey: async (request, context) => {
    const call = callOf(context);
    const em = reading(call);
    const app = await findApp(em, call.caller, request.app);
    const server = await findSealingServer(em, app);
    const info = variableInfo(app.organization, server.id, app.id);
    return {
      publicKey: server.sealingKey,
      agentKey: server.publicKey,
      signature: server.sealingKeySignature ?? '',
      info: Buffer.from(info).toString('base64'),
      version: app.variablesVersion + 1,
    };
  },
};

function toVariable(row: VariableRow): MessageInitShape<typeof VariableSchema> {
  return {
    name: row.name,
    secret: row.secret,
    plain: row.plain,
    fingerprint: row.fingerprint,
    updateTime: timestampFromDate(row.updatedAt),
    updatedBy: row.updatedBy,
  };
}

/** The first names of a list, and how many more there are. */
function listed(names: readonly string[]): string {
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  return `the variables ${names.slice(0, 5).join(', ')}${more}`;
}
