import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';

type Message = string | { match: Record<string, string> }[];

/** The texts that a page shows or names in English though the French catalogue says them otherwise. */
export async function leftovers(page: Page): Promise<string[]> {
  const texts = await page.evaluate(() => {
    const names = [...document.querySelectorAll('[aria-label], [placeholder], [title]')];
    const found = names.flatMap((one) =>
      ['aria-label', 'placeholder', 'title'].map((name) => one.getAttribute(name) ?? ''),
    );
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) found.push(walker.currentNode.textContent ?? '');
    return [document.title, ...found.map((text) => text.trim())];
  });
  return [...new Set(texts)].filter((text) => english.some((one) => one.test(text)));
}

const french = new Set(['', 'apps/'].flatMap((folder) => templates(`${folder}fr.json`)));
const english = ['', 'apps/']
  .flatMap((folder) => templates(`${folder}en.json`))
  .filter((text) => !french.has(text))
  .map(pattern);

function templates(path: string): string[] {
  const text = readFileSync(new URL(`../../web/messages/${path}`, import.meta.url), 'utf8');
  const { $schema: _, ...messages } = JSON.parse(text) as Record<string, Message>;
  return Object.values(messages).flatMap((message) =>
    typeof message === 'string' ? [message] : message.flatMap(({ match }) => Object.values(match)),
  );
}

/** Matches a whole text that the template can make. */
function pattern(template: string): RegExp {
  const parts = template.split(/\{\w+\}/).map((part) => RegExp.escape(part));
  return new RegExp(`^${parts.join('.+')}$`);
}
