import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Without it Node strips the types of every file at each start: seconds, on a small machine. It lies beside the code that it comes
// from, so that whoever could change it could change the code.
enableCompileCache(join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'node'));

const { start } = await import('./start.ts');
await start();
