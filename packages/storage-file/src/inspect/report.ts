import type { GroupReport, Inspection, SegmentReport } from './inspection.ts'
import { isSound } from './inspection.ts'

const count = (number: number, noun: string, plural = `${noun}s`): string => `${number} ${number === 1 ? noun : plural}`

const range = (first: number, last: number): string => (first === last ? `${first}` : `${first} to ${last}`)

/** The inspection as text to read. */
export function reportOf(inspection: Inspection, options: { readonly entries: boolean }): string {
  const { directory, inUseBy, segments, groups, durableThrough, unfinished } = inspection
  const lines = [`${directory}: ${count(segments.length, 'segment')}, ${count(groups.length, 'group')}`]
  if (inUseBy !== undefined) {
    lines.push(`  in use by process ${inUseBy}: the last batches may be seen in part, and then look like a torn write`)
  }
  const mark = durableThrough === 0 ? 'no whole end mark' : `the end mark says that batch ${durableThrough} was durable`
  lines.push(`  ${mark}`, '', ...segments.map(segmentLine))
  for (const file of unfinished) lines.push(`  ${file} was never finished; a start removes it`)
  for (const group of groups) lines.push('', ...groupLines(group, options.entries))
  lines.push('', ...verdict(inspection))
  return `${lines.join('\n')}\n`
}

function segmentLine({
  file,
  formatVersion,
  sizeBytes,
  usedBytes,
  firstBatch,
  lastBatch,
  batches,
  tornBytes,
}: SegmentReport): string {
  const held =
    batches === 0 ? 'no whole batch' : `${batches === 1 ? 'batch' : 'batches'} ${range(firstBatch, lastBatch)}`
  const missing =
    batches > 0 && batches < lastBatch - firstBatch + 1
      ? `, ${lastBatch - firstBatch + 1 - batches} of them damaged`
      : ''
  const torn = tornBytes === 0 ? '' : `, ${count(tornBytes, 'byte')} behind it that are no whole batch`
  return `  ${file}: format ${formatVersion}, ${held}${missing}, ${usedBytes} of ${count(sizeBytes, 'byte')} used${torn}`
}

function groupLines(group: GroupReport, withEntries: boolean): string[] {
  const { name, number, term, votedFor, abstention, incarnation, entries, terms, snapshot, lost, list } = group
  const lines = [`group "${name}" (number ${number})`]
  const vote = votedFor === undefined ? 'no vote' : `voted for ${votedFor}`
  const drawn = incarnation === undefined ? '' : `, incarnation ${incarnation}`
  lines.push(`  term ${term}, ${vote}${drawn}`)
  if (abstention !== undefined) {
    const { throughIndex } = abstention
    lines.push(
      `  abstains from elections until entry ${throughIndex}, or one of a term above ${abstention.term}, is committed: it has lost entries`,
    )
  }
  if (snapshot !== undefined) {
    lines.push(`  snapshot at ${snapshot.index} of term ${snapshot.term}, ${count(snapshot.sizeBytes, 'byte')}`)
  }
  if (entries === undefined) lines.push(snapshot === undefined ? '  no entries' : '  no entries behind it')
  else {
    const byTerm = terms.map(({ term: each, from }) => `term ${each} from ${from}`).join(', ')
    lines.push(`  entries ${range(entries.first, entries.last)}, ${count(entries.bytes, 'byte')} of data: ${byTerm}`)
  }
  if (lost !== undefined)
    lines.push(
      `  LOST ${range(lost.fromIndex, lost.throughIndex)}, by the damage at byte ${lost.offset} of ${lost.file}`,
    )
  if (withEntries)
    for (const each of list)
      lines.push(`    ${each.index}  term ${each.term}  kind ${each.kind}  ${count(each.bytes, 'byte')}`)
  return lines
}

/** What is wrong, and what a start would do. */
function verdict(inspection: Inspection): string[] {
  const { damage, refused, groups, segments } = inspection
  const torn = segments.at(-1)?.tornBytes ?? 0
  if (isSound(inspection)) {
    const drop =
      torn === 0
        ? ''
        : ` It drops the ${count(torn, 'byte')} of a write that was cut off, and that was never acknowledged.`
    return ['Sound. A start reads all of it and goes on.', ...(drop === '' ? [] : [drop.trim()])]
  }
  const lines = ['DAMAGED.', ...damage.map(({ file, offset, what }) => `  ${file}, byte ${offset}: ${what}`)]
  if (refused !== undefined) {
    return [
      ...lines,
      'A start is refused with DSYS_STORAGE_CORRUPT, and changes nothing: what else the damage has taken,',
      'term and vote among it, cannot be known. Keep a copy of the folder, and replace this node by one',
      'of another id and with an empty folder. A group that has no other voter needs a backup of it.',
    ]
  }
  const harmed = groups.filter(({ lost }) => lost !== undefined).map(({ name }) => `"${name}"`)
  if (harmed.length === 0) return [...lines, 'It harms no group: a start opens all of them as they were.']
  return [
    ...lines,
    `Harmed: ${harmed.join(', ')}. Term and vote are known. A Raft node that may repair from its peers opens`,
    'with the entries that are left, gets the others from its peers, and abstains from elections until',
    'then. Where it may not, or has no peers, it is refused with DSYS_STORAGE_CORRUPT, and nothing is',
    'changed: recover() of @dsys/raft goes on with what is left. All other groups open as they were.',
  ]
}
