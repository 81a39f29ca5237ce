import { create } from '@bufbuild/protobuf';
import {
  EnrollmentSchema,
  EnrollmentState,
  ServerState,
} from '@serverflow/gen/es/serverflow/server/v1/server_pb';
import { expect, test } from 'vitest';
import { connecting } from './connecting.ts';

const { WAITING, IN_USE, DONE, EXPIRED, CANCELED } = EnrollmentState;

test.each([
  [WAITING, ServerState.AWAITING_ENROLLMENT, 'current ahead ahead ahead'],
  [IN_USE, ServerState.AWAITING_ENROLLMENT, 'done current ahead ahead'],
  [DONE, ServerState.OFFLINE, 'done done done current'],
  [DONE, ServerState.ONLINE, 'done done done done'],
  [EXPIRED, ServerState.AWAITING_ENROLLMENT, 'failed ahead ahead ahead'],
  [CANCELED, ServerState.AWAITING_ENROLLMENT, 'failed ahead ahead ahead'],
  // A server that is connected again is offline, or even on line with its old keys, while the new token waits.
  [WAITING, ServerState.ONLINE, 'current ahead ahead ahead'],
])('enrolment %i of a server in state %i', (state, server, steps) => {
  expect(connecting(create(EnrollmentSchema, { state }), server).join(' ')).toBe(steps);
});
