import type { StateMachine } from '@dsys/raft'
import { utf8 } from '@dsys/runtime'

/** Posts by pages of a hundred. No page changes in place, so a view of them needs no copy. */
interface Journal {
  readonly full: readonly (readonly string[])[]
  readonly last: readonly string[]
}

const journal: StateMachine<Journal, string, number> = {
  initial: () => ({ full: [], last: [] }),
  apply({ full, last }, post) {
    const page = [...last, post]
    const state = page.length < 100 ? { full, last: page } : { full: [...full, page], last: [] }
    return { state, result: state.full.length }
  },
  snapshot: {
    *freeze({ full, last }) {
      for (const page of [...full, last]) yield utf8.encode(JSON.stringify(page))
    },
    decoder() {
      const pages: string[][] = []
      return {
        add: (part) => void pages.push(JSON.parse(utf8.decode(part))),
        finish: () => ({ full: pages.slice(0, -1), last: pages.at(-1) ?? [] }),
      }
    },
  },
}
const { state } = journal.apply(journal.initial(), 'first post', { index: 1, term: 1, position: 0 })
console.log([...(journal.snapshot?.freeze(state) ?? [])].length) // 1
