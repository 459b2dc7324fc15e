import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { Story } from './support/story.ts'

const FOLDER = fileURLToPath(new URL('./datadriven/', import.meta.url))

/** `REWRITE=1` writes what happens into the stories, for a reader to judge in the difference. */
const REWRITES = process.env['REWRITE'] === '1'

/** A story is blocks of comment lines, one command, `----`, what happened, and an empty line. */
function tell(text: string): string {
  const story = new Story()
  const blocks = text.trim().split(/\n\n+/)
  const told = blocks.map((block) => {
    const lines = (block.split('\n----')[0] as string).split('\n')
    const commands = lines.filter((line) => !line.startsWith('#'))
    if (commands.length === 0) return block
    return `${lines.join('\n')}\n----\n${commands.map((command) => story.run(command)).join('\n')}`
  })
  return `${told.join('\n\n')}\n`
}

describe('stories', () => {
  test.each(readdirSync(FOLDER).filter((name) => name.endsWith('.txt')))('%s', (name) => {
    const text = readFileSync(FOLDER + name, 'utf8')
    const told = tell(text)
    if (REWRITES) writeFileSync(FOLDER + name, told)
    else expect(told).toBe(text)
  })
})
