import { ConfigError, readConfig } from './config.ts';
import { startControlPlane } from './control-plane.ts';

try {
  const plane = await startControlPlane(readConfig());
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void plane.close().then(() => process.exit(0)));
} catch (thrown) {
  if (!(thrown instanceof ConfigError)) throw thrown;
  process.stderr.write(`${thrown.message}\n`);
  process.exitCode = 78;
}
