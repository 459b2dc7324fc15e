import type { DsysNode } from '@dsys/node'
import type { ReconfigureOptions, ReconfigureTarget } from '@dsys/raft'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { announcedBytes, readBody } from './body.ts'
import { badRequest, bodyTooLarge, overloaded } from './http-error.ts'
import { parseQuery } from './kv-target.ts'
import type { Responder } from './responder.ts'

export const MEMBERS_PATH = '/v1/raft/members'

/** The lists of a group are short. */
const MAX_BODY_BYTES = 64 * 1_024
/** Changes that may be asked for at once: one is made after the other anyway. */
const MAX_CHANGES = 16
/** New voters must have the log before a change is done. */
const CHANGE_TIMEOUT_MS = 30_000
const READ_TIMEOUT_MS = 5_000

const ids = z.array(z.string())
const lists = { voters: ids, learners: ids.default([]), witnesses: ids.default([]) }
const CHANGE = z.strictObject({ ...lists, expected: z.strictObject(lists).optional() })

/** What {@link MembersRoutes} may use. */
export interface MembersRoutesPorts {
  readonly node: Pick<DsysNode, 'groupMembers' | 'reconfigure'>
  readonly responder: Responder
}

/** Serves `/v1/raft/members`: who decides in the cluster, and a change of that. */
export class MembersRoutes {
  readonly #ports: MembersRoutesPorts
  #changes = 0

  constructor(ports: MembersRoutesPorts) {
    this.#ports = ports
  }

  get(request: FastifyRequest, reply: FastifyReply): void {
    const { node, responder } = this.#ports
    const { stale, timeoutMs } = queryOf(request)
    node
      .groupMembers({ timeoutMs: timeoutMs ?? READ_TIMEOUT_MS, consistency: stale ? 'stale' : 'linearizable' })
      .then((members) => responder.json(reply, 200, { ...members, change: members.change ?? null }))
      .catch((error: unknown) => responder.fail(request, reply, error))
  }

  put(request: FastifyRequest, reply: FastifyReply): void {
    const { node, responder } = this.#ports
    const { stale, timeoutMs = CHANGE_TIMEOUT_MS } = queryOf(request)
    if (stale) throw badRequest('a change has no consistency', 'Leave out ?consistency=stale.')
    if ((announcedBytes(request.raw) ?? 0) > MAX_BODY_BYTES) throw bodyTooLarge(MAX_BODY_BYTES)
    if (this.#changes >= MAX_CHANGES) throw overloaded(`${MAX_CHANGES} changes of the members are under way`)
    this.#changes++
    readBody(request.raw, MAX_BODY_BYTES, (error, body) => {
      const done =
        error === undefined
          ? parsed(body).then(({ target, expected }) =>
              node.reconfigure(target, { timeoutMs, ...(expected === undefined ? {} : { expected }) }),
            )
          : Promise.reject(error)
      done
        .then(({ voters, learners, witnesses = [] }) => responder.json(reply, 200, { voters, learners, witnesses }))
        .catch((failure: unknown) => responder.fail(request, reply, understood(failure)))
        .finally(() => {
          this.#changes--
        })
    })
  }
}

const queryOf = ({ originalUrl }: FastifyRequest): ReturnType<typeof parseQuery> =>
  parseQuery(originalUrl.split('?').slice(1).join('?'))

async function parsed(
  body: Buffer,
): Promise<{ readonly target: ReconfigureTarget } & Pick<ReconfigureOptions, 'expected'>> {
  const { expected, ...target } = CHANGE.parse(JSON.parse(body.toString('utf8')))
  return expected === undefined ? { target } : { target, expected: named(expected) }
}

/** A group without witnesses has no such list. */
const named = ({ witnesses, ...rest }: z.infer<typeof CHANGE>): NonNullable<ReconfigureOptions['expected']> =>
  witnesses.length === 0 ? rest : { ...rest, witnesses }

/** What is wrong with what was asked for, as an error of the request. */
function understood(error: unknown): unknown {
  const hint = 'Send {"voters":["n1","n2","n3"]}, with "learners", "witnesses" and "expected" where they are needed.'
  if (error instanceof SyntaxError) return badRequest('the body is not JSON', hint)
  if (error instanceof RangeError) return badRequest(error.message, hint)
  if (!(error instanceof z.ZodError)) return error
  const [issue] = error.issues
  return badRequest(`the body cannot be read: ${issue?.path.join('.')} ${issue?.message}`.replace('  ', ' '), hint)
}
