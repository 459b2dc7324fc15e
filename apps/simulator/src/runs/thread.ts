import { Worker } from 'node:worker_threads'
import type { JobOptions, Outcome } from './job.ts'
import type { SimWorker, Spawn } from './worker-pool.ts'

/** What a worker is told when it starts. */
export interface WorkerSetup {
  /** The file with the scenarios; undefined for those of dsys. */
  readonly module: string | undefined
  readonly options: JobOptions
}

/** What a worker says. */
export type WorkerWord = { readonly type: 'ready' } | { readonly type: 'outcome'; readonly outcome: Outcome }

/** A run that needs more than this ends its worker, and is reported. */
const MAX_HEAP_MB = 1_024

/** Workers that are threads of this process. They see the build alone, since no thread knows the sources of the others. */
export function threads(setup: WorkerSetup): Spawn {
  return (events): SimWorker => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData: setup,
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    })
    let why = 'it ended by itself'
    worker.on('message', (word: WorkerWord) => {
      if (word.type === 'ready') events.ready()
      else events.outcome(word.outcome)
    })
    worker.on('error', (error: Error) => {
      why = error.message
    })
    worker.on('exit', () => events.ended(why))
    return {
      post: (job) => worker.postMessage(job),
      end: async () => void (await worker.terminate()),
    }
  }
}
