import { readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'

const languageOf = (file: string): string => (file.endsWith('.ts') ? 'ts' : 'js')

/** The README of the package to which the test at `testUrl` belongs. */
export const readmeOf = (testUrl: string): string => readFileSync(new URL('../README.md', testUrl), 'utf8')

/** Expects that the README shows `file`, which stands beside the test, word for word. Returns its text. */
export function expectShown(testUrl: string, file: string): string {
  const text = readFileSync(new URL(file, testUrl), 'utf8')
  expect(readmeOf(testUrl)).toContain(`\`\`\`${languageOf(file)}\n${text}\`\`\`\n`)
  return text
}

/**
 * The lines that the README promises for `example`: those of the block behind "It prints:", where the example is followed by
 * one, else what stands in the comment behind each `console.log`, without an explanation that ends with a colon.
 */
export function promisedLines(readme: string, example: string): string[] {
  const behind = readme.slice(readme.indexOf(example) + example.length)
  const block = /^```\n\nIt prints:\n\n```text\n([\s\S]*?)\n```\n/.exec(behind)?.[1]
  if (block !== undefined) return block.split('\n')
  return [...example.matchAll(/^\s*console\.log\(.*\) \/\/ (?:.*: )?(.+)$/gm)].map(([, line = '']) => line)
}

/** Expects that the README shows the example in `file`, and that `run`, which imports it, prints what the README promises. */
export async function expectExample(testUrl: string, file: string, run: () => Promise<unknown>): Promise<void> {
  const promised = promisedLines(readmeOf(testUrl), expectShown(testUrl, file))
  // An example that promises nothing would pass whatever it does.
  expect(promised).not.toEqual([])
  const printed: string[] = []
  const print = vi
    .spyOn(console, 'log')
    .mockImplementation((...values: unknown[]) => void printed.push(values.map(String).join(' ')))
  try {
    await run()
  } finally {
    print.mockRestore()
  }
  expect(printed).toEqual(promised)
}

/** Declares the test of {@link expectExample}. */
export function testExample(testUrl: string, file: string, run: () => Promise<unknown>): void {
  test(`the README shows ${file}, which runs and prints what it says`, () => expectExample(testUrl, file, run))
}
