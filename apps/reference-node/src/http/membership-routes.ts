import type { Member, MemberFilter, MemberState, Membership } from '@dsys/membership'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { badRequest } from './http-error.ts'
import type { Responder } from './responder.ts'

export const MEMBERSHIP_PATH = '/v1/members'
export const TOPOLOGY_PATH = '/v1/topology'

const STATES: readonly MemberState[] = ['alive', 'suspect', 'dead', 'left']

/** What the membership of a node must be able to say. */
export type MembershipView = Pick<Membership, 'members' | 'explain' | 'topology' | 'status'>

/** What {@link MembershipRoutes} may use. */
export interface MembershipRoutesPorts {
  readonly membership: MembershipView
  readonly responder: Responder
}

/** Serves who is in the cluster and why, as this node knows it. It asks no other node, and answers also where nobody leads. */
export class MembershipRoutes {
  readonly #ports: MembershipRoutesPorts

  constructor(ports: MembershipRoutesPorts) {
    this.#ports = ports
  }

  /** `GET /v1/members`: those that the query means, each with the findings about it, and whether that is as new as it can be. */
  list(request: FastifyRequest, reply: FastifyReply): void {
    const { membership, responder } = this.#ports
    const members = membership.members(filterOf(queryOf(request)))
    const { view } = membership.status()
    responder.json(reply, 200, { view, members: members.map((member) => this.#shown(member)) })
  }

  /** `GET /v1/members/{id}`: why one of them stands as it does, or is gone; for every id. */
  explain(request: FastifyRequest, reply: FastifyReply): void {
    const { membership, responder } = this.#ports
    const { '*': id = '' } = request.params as { readonly '*'?: string }
    if (id === '' || id.length > 128)
      throw badRequest('an id has 1 to 128 characters', `See ${MEMBERSHIP_PATH} for ids.`)
    responder.json(reply, 200, membership.explain(id))
  }

  /** `GET /v1/topology`: who probes whom, and who suspects whom. */
  topology(reply: FastifyReply): void {
    const { membership, responder } = this.#ports
    responder.json(reply, 200, membership.topology() ?? {})
  }

  #shown({ id, generation, incarnation, state, roles, capabilities, tags, metadata }: Member): object {
    const { findings } = this.#ports.membership.explain(id)
    const why = findings.map(({ code, message, hint }) => ({ code, message, hint }))
    return { id, generation, incarnation, state, roles, capabilities, tags, metadata, findings: why }
  }
}

const queryOf = ({ originalUrl }: FastifyRequest): URLSearchParams =>
  new URLSearchParams(originalUrl.split('?').slice(1).join('?'))

function filterOf(query: URLSearchParams): MemberFilter {
  const states: MemberState[] = []
  const tags: Record<string, string> = {}
  const names: { role?: string; capability?: string } = {}
  for (const [name, value] of query) {
    if (name === 'state') states.push(stateOf(value))
    else if (name === 'role' || name === 'capability') names[name] = value
    else if (name === 'tag') {
      const colon = value.indexOf(':')
      if (colon < 1) throw badRequest(`tag ${JSON.stringify(value)} has no value`, 'Use tag=name:value.')
      tags[value.slice(0, colon)] = value.slice(colon + 1)
    } else {
      const hint = 'Use state, role, capability or tag.'
      throw badRequest(`the query parameter ${JSON.stringify(name)} is not known`, hint)
    }
  }
  return { ...names, tags, ...(states.length === 0 ? {} : { state: states }) }
}

function stateOf(value: string): MemberState {
  const state = STATES.find((known) => known === value)
  if (state === undefined) throw badRequest(`state ${JSON.stringify(value)} is not known`, `Use ${STATES.join(', ')}.`)
  return state
}
