import { problem, Reason } from '../guard/problems.ts';

/** How a list is read: so many rows from an offset. */
export type Page = { readonly limit: number; readonly offset: number };

/** Reads page_size (0 means 50, at most 200) and page_token (an offset that we made); throws BAD_CURSOR for any other. */
export function readPage(request: { pageSize: number; pageToken: string }): Page {
  const limit = Math.min(request.pageSize || 50, 200);
  if (!request.pageToken) return { limit, offset: 0 };
  const offset = /^o[0-9]{1,9}$/.test(request.pageToken) ? Number(request.pageToken.slice(1)) : NaN;
  if (!Number.isSafeInteger(offset)) throw problem(Reason.BAD_CURSOR);
  return { limit, offset };
}

/** The token of the next page: rows were read with limit + 1, and the extra one is cut off. */
export function nextPage<T>(page: Page, rows: T[]): { rows: T[]; nextPageToken: string } {
  if (rows.length <= page.limit) return { rows, nextPageToken: '' };
  return { rows: rows.slice(0, page.limit), nextPageToken: `o${page.offset + page.limit}` };
}
