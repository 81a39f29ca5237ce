import { timestampFromMs, type Timestamp } from '@bufbuild/protobuf/wkt';
import type { TokenKind } from '@serverflow/gen/es/serverflow/access/v1/token_pb';
import type { Permission } from '@serverflow/gen/es/serverflow/options/v1/options_pb';

/** A token as a person fills it in. */
export interface TokenDraft {
  name: string;
  kind: TokenKind;
  permissions: Permission[];
  projects: string[];
  environments: string[];
  /** In how many days it ends, 1 to 366. */
  days: number;
}

/** The request for a draft; nothing chosen in a list means all, as the contract says. */
export function tokenRequest(draft: TokenDraft, nowMs: number) {
  const expireTime: Timestamp = timestampFromMs(nowMs + draft.days * 86_400_000);
  return { ...draft, name: draft.name.trim(), expireTime };
}
