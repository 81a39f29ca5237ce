import { createServer } from 'node:http';

const greeting = process.env.GREETING ?? 'Hello';
const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${greeting}</title>
<style>
  body { font: 18px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 20vh auto; padding: 0 1.5rem; color: #1b2230; }
  svg { width: 3rem; color: #2f6bdc }
  code { background: #eef1f6; padding: .1em .35em; border-radius: 4px }
  @media (prefers-color-scheme: dark) { body { background: #12151b; color: #e6e9ef } code { background: #222833 } }
</style>
<svg viewBox="0 0 32 32" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round"><path d="M3 22h26M8 22V9m16 13V9M8 11c4 8 12 8 16 0"/></svg>
<h1>${greeting} from your own server</h1>
<p>This page came over the bridge. Set the variable <code>GREETING</code>, deploy again, and it changes.</p>
</html>
`;

const server = createServer((request, response) => {
  const known = request.url === '/' || request.url === '/health';
  response.writeHead(known ? 200 : 404, { 'content-type': 'text/html; charset=utf-8' });
  response.end(known ? page : 'There is only one page here.');
});

server.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '127.0.0.1', () => {
  console.log(`listening on ${process.env.PORT ?? 3000}`);
});

process.on('SIGTERM', () => server.close(() => process.exit(0)));
