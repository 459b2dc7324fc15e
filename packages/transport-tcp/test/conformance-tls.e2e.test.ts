import { transportConformance } from '@dsys/transport/conformance'
import { describe, test } from 'vitest'
import { Authority } from '../../../tooling/fixtures/certificates.ts'
import type { TcpTls } from '../src/index.ts'
import { withTables } from './fixtures.ts'

const authority = new Authority()
const issued = new Map<string, TcpTls>()

/** A certificate names a node by a URI, which takes any characters. */
function certified(id: string): { readonly tls: TcpTls } {
  const tls = issued.get(id) ?? authority.issue({ common: 'a node', uris: [`dsys:${encodeURIComponent(id)}`] })
  issued.set(id, tls)
  return { tls }
}

describe('with certificates on both sides', () => {
  transportConformance({ describe, test }, () => withTables(certified), {
    broadcast: true,
    fastNegative: true,
    ordered: true,
    outages: true,
  })
})
