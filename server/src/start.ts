import { ConfigError, readConfig } from './config.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';

/** Runs the control plane until a signal; a setting that cannot be used ends it with 78 (EX_CONFIG) and says what to do. */
export async function start(): Promise<void> {
  try {
    const plane = await startControlPlane(readConfig());
    welcome(plane);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => void plane.close().then(() => process.exit(0)));
    }
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    process.stderr.write(`${thrown.message}\n`);
    process.exitCode = 78;
  }
}

/** Says where to go, on standard error, so that standard output stays lines of JSON. */
function welcome({ config, setupPath, recovery }: ControlPlane): void {
  const lines = setupPath
    ? [`Set ServerFlow up at  ${config.publicUrl}${setupPath}`]
    : [`Sign in at  ${config.publicUrl}/login`];
  lines.push(`Add it to an AI client (make the token at ${config.publicUrl}/clients/connect):`);
  lines.push(
    `  claude mcp add --transport http serverflow ${config.publicUrl}/mcp/token --header "Authorization: Bearer sfp_…"`,
  );
  if (recovery)
    lines.push(
      `The passphrase of the root key's recovery file, shown this once; keep it safe:  ${recovery}`,
    );
  process.stderr.write(`\n${lines.map((line) => `  ${line}`).join('\n')}\n\n`);
}
