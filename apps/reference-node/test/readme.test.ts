import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { silentLogger } from '@dsys/runtime'
import { MemoryNetwork } from '@dsys/transport-memory'
import { expect, test } from 'vitest'
import { readConfig } from '../src/config/read-config.ts'
import { whenFormed } from '../src/launcher/cluster-client.ts'
import { RunningNode } from '../src/running-node.ts'

const run = promisify(execFile)
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const hasCurl = await run('curl', ['--version']).then(
  () => true,
  () => false,
)

/** The commands of the README's console block, each with what it prints. */
function conversation(): { readonly command: string; readonly answer: string }[] {
  const block = /## Example[\s\S]*?```console\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = '', ...lines] = part.split('\n')
      return { command, answer: lines.join('\n').trimEnd() }
    })
}

test.skipIf(!hasCurl)('the conversation in the README happens as it says (it needs curl)', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'dsys-readme-'))
  const network = new MemoryNetwork()
  const ids = ['n1', 'n2', 'n3']
  const fast = ['--election-timeout-ms', '500', '--heartbeat-interval-ms', '50']
  const nodes = ids.map((id) => {
    const args = ['--id', id, '--voters', ids.join(','), '--data', join(directory, id), '--http-port', '0', ...fast]
    return new RunningNode(readConfig(args, {}), { logger: silentLogger, network })
  })
  try {
    await Promise.all(nodes.map((node) => node.start()))
    await whenFormed(
      nodes.map(({ url }) => url),
      10_000,
    )
    const talk = conversation()
    expect(talk.length).toBeGreaterThan(5)
    for (const { command, answer } of talk) {
      const real = command.replaceAll(
        /http:\/\/127\.0\.0\.1:700(\d)/g,
        (_, digit) => nodes[Number(digit) - 1]?.url ?? '',
      )
      const { stdout } = await run('sh', ['-c', real.replace(/^curl/, 'curl -s')])
      expect(`${command}\n${stdout.trimEnd()}`).toBe(`${command}\n${answer}`)
    }
  } finally {
    await Promise.all(nodes.map((node) => node.stop()))
    rmSync(directory, { recursive: true, force: true })
  }
})

test('the README names every status and every setting', async () => {
  for (const name of ['config/settings.ts', 'http/http-error.ts', 'http/http-edge.ts']) {
    const source = readFileSync(new URL(`../src/${name}`, import.meta.url), 'utf8')
    for (const [word] of source.matchAll(/\bDSYS_[A-Z_]+\b|\bNATS_URL\b/g)) expect(readme).toContain(`\`${word}\``)
    for (const [, flag] of source.matchAll(/flag: '([a-z-]+)'/g)) expect(readme).toContain(`\`--${flag}\``)
  }
})
