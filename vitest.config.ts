import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'
import { mutantPlugin } from './tooling/mutants/vitest-plugin.mjs'

// Tests run against the sources of every package, without a build. Child processes do not see this condition: they run from dist.
const conditions = ['@dsys/source', ...defaultServerConditions]

export default defineConfig({
  ssr: { resolve: { conditions } },
  test: {
    projects: [
      {
        plugins: mutantPlugin(),
        ssr: { resolve: { conditions } },
        test: {
          name: 'unit',
          include: [
            'packages/*/test/**/*.test.ts',
            'apps/*/test/**/*.test.ts',
            'tooling/**/*.test.ts',
            'bench/test/*.test.ts',
          ],
          exclude: ['**/*.e2e.test.ts', '**/node_modules/**'],
          pool: 'threads',
          isolate: false,
          testTimeout: 20_000,
        },
      },
      {
        // Against the build, as a user gets it: no condition leads to the sources.
        test: {
          name: 'publish',
          include: ['tooling/**/*.e2e.test.ts'],
          pool: 'forks',
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        ssr: { resolve: { conditions } },
        test: {
          name: 'e2e',
          include: ['packages/*/test/**/*.e2e.test.ts', 'apps/*/test/**/*.e2e.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
