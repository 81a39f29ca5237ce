import { createContextKey } from '@connectrpc/connect';

/** Set once a mutation went through change(), with its audit entry; the guard fails a mutation whose handler did not. */
export const changedKey = createContextKey(false);
