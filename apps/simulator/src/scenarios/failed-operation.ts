import type { Failure } from '@dsys/linearizability'

/** Where in a run a history went wrong: at the end of the first operation that no order explains, which may be long before the run ends. */
export function failedOperation(
  { operation, text }: Pick<Failure, 'operation' | 'text'>,
  endMs: number,
): { readonly atMs: number; readonly message: string } {
  const { key, client, invokeTimeMs, endTimeMs } = operation
  const from = invokeTimeMs === undefined ? '' : ` called at ${invokeTimeMs.toFixed(3)} ms,`
  const to = endTimeMs === undefined ? ' with no end in time' : ` and ended at ${endTimeMs.toFixed(3)} ms`
  return { atMs: endTimeMs ?? endMs, message: `${text}\nThe operation of ${client} on ${key} was${from}${to}.` }
}
