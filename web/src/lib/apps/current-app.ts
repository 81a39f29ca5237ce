import type { App } from '@serverflow/gen/es/serverflow/app/v1/app_pb';
import { createContext } from 'svelte';
import type { Reading } from '#lib/live/reading.svelte.ts';

/** The app whose pages are open; its layout reads it and keeps it fresh. */
export const [currentApp, setCurrentApp] = createContext<Reading<App | undefined>>();
