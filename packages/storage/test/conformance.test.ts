import { ok } from 'node:assert/strict'
import { type LogStorageFactory, logStorageConformance } from '@dsys/storage/conformance'
import { describe, expect, test } from 'vitest'
import { ArrayLogStorage, type Mistake } from './array-log-storage.ts'

function factoryWith(mistake?: Mistake): LogStorageFactory {
  return {
    supports: ['crash', 'failure'],
    create: async () => {
      const disk = new Map()
      let storage: ArrayLogStorage
      return {
        open: () => {
          storage = new ArrayLogStorage(disk, mistake)
          return storage
        },
        crash: () => undefined,
        failWrites: () => {
          storage.failing = true
        },
        [Symbol.asyncDispose]: async () => undefined,
      }
    },
  }
}

/** Runs the suite outside of the test runner; gives the names of the cases that failed. */
async function failures(mistake: Mistake): Promise<string[]> {
  const cases: { name: string; body: () => Promise<void> }[] = []
  const runner = {
    describe: (_: string, body: () => void) => body(),
    test: (name: string, body: () => Promise<void>) => void cases.push({ name, body }),
  }
  logStorageConformance(runner, factoryWith(mistake))
  ok(cases.length >= 30)
  const failed: string[] = []
  for (const { name, body } of cases) {
    await body().catch(() => failed.push(name))
  }
  return failed
}

describe('the suite passes a storage that is right', () => {
  logStorageConformance({ describe, test }, factoryWith())
})

describe('the suite sees a storage that', () => {
  const mistakes: Mistake[] = [
    'loses the vote',
    'does not cut',
    'takes holes',
    'keeps what a snapshot covers',
    'takes older snapshots',
    'compacts too much',
    'reset keeps entries',
    'mixes groups',
    'opens twice',
    'aliases buffers',
    'loses data',
    'half a snapshot',
    'loses the context',
    'works after disposal',
    'goes on after a failure',
    'reorders',
    'keeps entries that conflict',
    'brings entries that conflict back',
  ]
  for (const mistake of mistakes) {
    test(mistake, async () => expect(await failures(mistake)).not.toEqual([]))
  }
})
