/** nginx's command line as argv arrays; nothing here runs anything. */

/** Runs nginx in the foreground of its own session, on its own prefix. */
export function nginxRun(nginx: string, prefix: string): string[] {
  return [nginx, '-p', prefix, '-c', 'nginx.conf', '-e', 'logs/error.log'];
}

/** Checks the configuration of a prefix without serving it. */
export function nginxTest(nginx: string, prefix: string): string[] {
  return [...nginxRun(nginx, prefix), '-t', '-q'];
}

/** Prints the version. */
export function nginxVersion(nginx: string): string[] {
  return [nginx, '-v'];
}
