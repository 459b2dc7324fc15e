import { parentPort, workerData } from 'node:worker_threads'
import type { RunResult } from '@dsys/simulation'
import { loadScenarios, scenarioNamed } from '../load-scenarios.ts'
import type { PlanWorkerSetup } from './plan-thread.ts'
import type { PlanJob, PlanOutcome } from './watched-runs.ts'

const { module } = workerData as PlanWorkerSetup
const port = parentPort
if (port === null) throw new Error('this file is a worker: it is started by a thread of the simulator')

const scenarios = await loadScenarios(module)

async function outcomeOf({ plan, options }: PlanJob): Promise<PlanOutcome> {
  try {
    const result = await scenarioNamed(scenarios, plan.scenario).run(plan, options)
    return { type: 'result', result: bare(result) }
  } catch (error) {
    if (!(error instanceof Error))
      return { type: 'thrown', name: typeof error, message: String(error), stack: undefined }
    const { name, message, stack } = error
    return { type: 'thrown', name, message, stack }
  }
}

/** What a result is made of, without what a scenario may have added: not everything can cross between threads. */
function bare({ hash, virtualMs, steps, counts, aimed, violation, trace, histories }: RunResult): RunResult {
  return {
    ...{ hash, virtualMs, steps, counts, aimed },
    ...(violation === undefined ? {} : { violation }),
    ...(trace === undefined ? {} : { trace }),
    ...(histories === undefined ? {} : { histories }),
  }
}

port.on('message', (job: PlanJob) => void outcomeOf(job).then((outcome) => port.postMessage(outcome)))
