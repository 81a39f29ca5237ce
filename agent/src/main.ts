#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Without it Node strips the types of every file at each start: 2 s and 35 MB more. It lies beside the code that it comes from,
// so that whoever could change it could change the code.
enableCompileCache(join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'node'));

const { start } = await import('./start.ts');
process.exitCode = await start(process.argv.slice(2));
