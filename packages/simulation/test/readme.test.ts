import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')

test('the README shows the examples that are run', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('./readme-example.test.ts')}\`\`\`\n`)
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('./readme-seeds.test.ts')}\`\`\`\n`)
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('./readme-scenario.ts')}\`\`\`\n`)
  expect(read('../README.md')).toContain(`\`\`\`js\n${read('./readme-example.mjs')}\`\`\`\n`)
})
