/** The part of the send library that the embedded front uses; it ships no types. */
declare module 'send' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  type SendOptions = {
    root: string;
    dotfiles?: 'allow' | 'deny' | 'ignore';
    index?: false;
    cacheControl?: boolean;
  };
  type SendStream = {
    on(event: 'error', listener: (error: Error & { status: number }) => void): SendStream;
    on(event: 'headers', listener: (response: ServerResponse) => void): SendStream;
    pipe(response: ServerResponse): ServerResponse;
  };
  export default function send(
    request: IncomingMessage,
    path: string,
    options: SendOptions,
  ): SendStream;
}
