import { decodeMessage } from '@dsys/membership/wire'

/** A frame in words, for a trace that people read. */
export function describeFrame(frame: Uint8Array, cluster: string): string {
  const decoded = decodeMessage(frame, cluster)
  if (!decoded.ok) return `not understood: ${decoded.why}`
  const { kind, rumors } = decoded.message
  const news = rumors.map(({ record: { id, generation, incarnation, state }, accusers }) => {
    return `${id}/${generation}@${incarnation} ${state}${accusers === undefined ? '' : ` by ${accusers.join(', ')}`}`
  })
  return [kind, ...news].join('; ')
}
