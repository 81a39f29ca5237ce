import Activity from '@lucide/svelte/icons/activity';
import Bot from '@lucide/svelte/icons/bot';
import Box from '@lucide/svelte/icons/box';
import House from '@lucide/svelte/icons/house';
import Key from '@lucide/svelte/icons/key-round';
import Server from '@lucide/svelte/icons/server';
import Settings from '@lucide/svelte/icons/settings';
import type { Component } from 'svelte';
import { m } from '#lib/paraglide/messages.js';

/** A place of the dashboard, and the key that goes there after g. */
export interface Place {
  href: string;
  title: () => string;
  icon: Component;
  key: string;
}

/** The places in the order in which they are shown. */
export const places: Place[] = [
  { href: '/', title: m.nav_overview, icon: House, key: 'o' },
  { href: '/apps', title: m.nav_apps, icon: Box, key: 'a' },
  { href: '/servers', title: m.nav_servers, icon: Server, key: 's' },
  { href: '/clients', title: m.nav_clients, icon: Bot, key: 'c' },
  { href: '/activity', title: m.nav_activity, icon: Activity, key: 'y' },
  { href: '/settings/tokens', title: m.nav_tokens, icon: Key, key: 't' },
  { href: '/settings', title: m.nav_settings, icon: Settings, key: 'e' },
];

/** Whether a path lies in a place: the longest that fits is the one. */
export function isPlace(place: Place, path: string): boolean {
  return place === placeOf(path);
}

function placeOf(path: string): Place | undefined {
  return places
    .filter(({ href }) => path === href || (href !== '/' && path.startsWith(`${href}/`)))
    .sort((a, b) => b.href.length - a.href.length)[0];
}
