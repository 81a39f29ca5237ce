import { goto } from '$app/navigation';
import { sessions } from '#lib/api/clients.ts';

/** Ends this browser's session and goes to the sign-in page. */
export async function signOut(): Promise<void> {
  await sessions.deleteSession({});
  await goto('/login', { refreshAll: true });
}
