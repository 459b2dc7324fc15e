import { parentPort, workerData } from 'node:worker_threads'
import { loadScenarios, scenarioNamed } from '../load-scenarios.ts'
import { type Job, runJob } from './job.ts'
import type { WorkerSetup, WorkerWord } from './thread.ts'

const { module, options } = workerData as WorkerSetup
const port = parentPort
if (port === null) throw new Error('this file is a worker: it is started by a thread of the simulator')
const tell = (word: WorkerWord): void => port.postMessage(word)

const scenarios = await loadScenarios(module)

port.on('message', (job: Job) => {
  void runJob(scenarioNamed(scenarios, job.scenario), job, options).then((outcome) =>
    tell({ type: 'outcome', outcome }),
  )
})
tell({ type: 'ready' })
