import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { RaftCore } from '../../../src/core/raft-core.ts'
import type { FixedKnobs } from './knobs.ts'

const SOURCE = fileURLToPath(new URL('../../../src/', import.meta.url))
const RUNTIME = fileURLToPath(new URL('../../../../runtime/src/index.ts', import.meta.url))

/** A bug that is planted into a copy of the core, to see that the simulation finds it. */
export interface Mutant {
  readonly name: string
  /** Where the rule comes from. */
  readonly source: string
  readonly file: string
  /** Text that occurs once in the file, and what takes its place. */
  readonly from: string
  readonly to: string
  /** The first seed that finds it, as a run over many has shown; a test needs no others. */
  readonly seed: number
  /** What makes this bug likely to show. */
  readonly fixed?: FixedKnobs
}

/** A copy of the core with one change. */
export interface MutatedCore extends AsyncDisposable {
  readonly makeCore: typeof RaftCore
}

export async function plant(mutant: Pick<Mutant, 'name' | 'file' | 'from' | 'to'>): Promise<MutatedCore> {
  const folder = await mkdtemp(join(tmpdir(), 'dsys-raft-mutant-'))
  const dispose = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    await cp(join(SOURCE, 'core'), join(folder, 'core'), { recursive: true })
    await cp(join(SOURCE, 'status.ts'), join(folder, 'status.ts'))
    const path = join(folder, 'core', mutant.file)
    const text = await readFile(path, 'utf8')
    if (text.split(mutant.from).length !== 2) {
      throw new Error(`mutant "${mutant.name}": its text must occur once in ${mutant.file}; mend the mutant`)
    }
    await writeFile(
      path,
      text.replace(mutant.from, () => mutant.to),
    )
    for (const name of await readdir(join(folder, 'core'))) {
      const file = join(folder, 'core', name)
      const source = await readFile(file, 'utf8')
      await writeFile(file, source.replaceAll(`'@dsys/runtime'`, `'${RUNTIME}'`))
    }
    const module = (await import(/* @vite-ignore */ pathToFileURL(join(folder, 'core/raft-core.ts')).href)) as {
      RaftCore: typeof RaftCore
    }
    return { makeCore: module.RaftCore, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}
