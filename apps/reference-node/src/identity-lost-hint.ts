import { MEMBERS_PATH } from './http/members-routes.ts'

/** What whoever runs the node does next: the same as in the README under "Replace a node that lost its disk". */
export function identityLostHint(id: string): string {
  return (
    `The cluster knows ${id} by another disk. If that is still there, start the node with it. If it is lost: ` +
    `PUT ${MEMBERS_PATH} at another node with all voters but ${id}; start ${id} with --join; ` +
    `PUT ${MEMBERS_PATH} again, with ${id} among the voters.`
  )
}

/** The exit code of such a node. To start it again is no use before somebody has done what its log says. */
export const EXIT_IDENTITY_LOST = 3
