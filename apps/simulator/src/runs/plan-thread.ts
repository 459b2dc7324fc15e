import { Worker } from 'node:worker_threads'
import type { PlanOutcome, PlanWorker, SpawnPlanWorker } from './watched-runs.ts'

/** What a worker is told when it starts. */
export interface PlanWorkerSetup {
  /** The file with the scenarios; undefined for those of dsys. */
  readonly module: string | undefined
}

/** Workers that are threads of this process. They see the build alone, since no thread knows the sources of the others. */
export function planThreads(setup: PlanWorkerSetup): SpawnPlanWorker {
  return (events): PlanWorker => {
    const worker = new Worker(new URL('./plan-worker.js', import.meta.url), { workerData: setup })
    let why = 'It ended its thread.'
    worker.on('message', (outcome: PlanOutcome) => events.outcome(outcome))
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
