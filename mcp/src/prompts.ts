import type { GetPromptResult, Prompt } from '@modelcontextprotocol/server';
import { plain } from './text.ts';

interface Entry {
  prompt: Prompt;
  text: (given: Record<string, string>) => string;
}

const app = { name: 'app', description: "The app's name.", required: true };

const entries: readonly Entry[] = [
  {
    prompt: {
      name: 'deploy_repository',
      title: 'Deploy this repository',
      description: 'Makes an app from a git repository and brings it into service.',
      arguments: [
        { name: 'repository', description: "The repository's address.", required: true },
        { name: 'name', description: 'The name of the app; chosen when absent.' },
      ],
    },
    text: ({ repository, name }) =>
      `Deploy the git repository ${repository}${name ? ` as the app ${name}` : ''} with ServerFlow. ` +
      'Use list_apps to see whether it is there already, create_app if it is not, then create_deployment and ' +
      'wait_deployment until it has ended. If it fails, read the failure and search_logs, and say what to change. ' +
      'In the end tell me the address and the release that serves.',
  },
  {
    prompt: {
      name: 'explain_failed_deploy',
      title: 'Explain a failed deploy',
      description: 'Says why a deployment failed and what to do.',
      arguments: [
        app,
        { name: 'number', description: "The deployment's number; the last when absent." },
      ],
    },
    text: ({ app: name, number }) =>
      `Explain why ${number ? `deployment ${number}` : 'the last deployment'} of ${name} failed. Use get_deployment ` +
      'and search_logs with its number. Tell me the step, the evidence, the likely cause, which release serves ' +
      'now, and the smallest change that would make it succeed. Change nothing.',
  },
  {
    prompt: {
      name: 'health_review',
      title: 'Health review',
      description: 'Looks over everything and says what needs care.',
    },
    text: () =>
      'Review the health of my servers and apps. Begin with get_overview, then get_app, get_server, list_samples and ' +
      'search_logs where something looks wrong. Give a short list, worst first, each with its evidence and the ' +
      'next step. Change nothing.',
  },
];

/** The prompts, always in the same order. */
export const prompts: readonly Prompt[] = entries.map(({ prompt }) => prompt);

/** Writes a prompt with its arguments, or says what is missing: then there is no result but a text. */
export function promptOf(name: string, given: Record<string, string>): GetPromptResult | string {
  const entry = entries.find(({ prompt }) => prompt.name === name);
  if (!entry)
    return `There is no prompt ${name}; there are ${prompts.map((p) => p.name).join(', ')}.`;
  const missing = entry.prompt.arguments?.find((one) => one.required && !given[one.name]?.trim());
  if (missing) return `The prompt ${name} needs the argument ${missing.name}.`;
  const clean = Object.fromEntries(
    Object.entries(given).map(([key, value]) => [key, plain(value, 200).replaceAll('\n', ' ')]),
  );
  return {
    description: entry.prompt.description ?? '',
    messages: [{ role: 'user', content: { type: 'text', text: entry.text(clean) } }],
  };
}
