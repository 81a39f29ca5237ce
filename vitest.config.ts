import { configDefaults, defineConfig } from 'vitest/config';

// Two kinds: `unit` beside the code, `journeys` across folders with real parts, run after the units.
const exclude = [
  ...configDefaults.exclude,
  '**/.cache/**',
  'data/**',
  'examples/**',
  'web/build/**',
];

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    expect: { poll: { timeout: 15_000, interval: 50 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{agent,bench,mcp,scripts,server,web}/**/*.test.ts', 'tests/**/*.test.ts'],
          exclude: [...exclude, 'tests/journeys/**'],
          testTimeout: 20_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'journeys',
          include: ['tests/journeys/**/*.test.ts'],
          exclude,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
