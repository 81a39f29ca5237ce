import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type {
  OrganizationSchema,
  SessionSchema,
  UserSchema,
} from '@serverflow/gen/es/serverflow/account/v1/account_pb';
import type { OrganizationRow, SessionRow, UserRow } from './entity.ts';

/** A person as others see them. */
export function toUser(row: UserRow): MessageInitShape<typeof UserSchema> {
  return {
    id: row.id,
    email: row.email,
    displayName: row.displayName,
    createTime: timestampFromDate(row.createdAt),
  };
}

/** An organization. */
export function toOrganization(row: OrganizationRow): MessageInitShape<typeof OrganizationSchema> {
  return { id: row.id, displayName: row.displayName, createTime: timestampFromDate(row.createdAt) };
}

/** A session, never its secret. */
export function toSession(
  row: SessionRow,
  current: string,
): MessageInitShape<typeof SessionSchema> {
  return {
    id: row.id,
    createTime: timestampFromDate(row.createdAt),
    lastUseTime: timestampFromDate(row.lastUsedAt),
    expireTime: timestampFromDate(row.expiresAt),
    address: row.address,
    userAgent: row.userAgent,
    current: row.id === current,
  };
}
