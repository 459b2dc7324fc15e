import { nkeys } from '@nats-io/transport-node'

type KeyPair = ReturnType<typeof nkeys.createUser>

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A statement by `issuer` about `subject`, as servers in operator mode take it. */
function token(issuer: KeyPair, subject: string, nats: Record<string, unknown>, more: object = {}): string {
  const claims = {
    iat: 1,
    iss: issuer.getPublicKey(),
    sub: subject,
    name: subject,
    jti: subject,
    nats: { ...nats, version: 2 },
  }
  const text = `${encoded({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encoded({ ...claims, ...more })}`
  return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString('base64url')}`
}

const UNLIMITED = { subs: -1, conn: -1, leaf: -1, imports: -1, exports: -1, data: -1, payload: -1, wildcards: true }

/** An operator with one account, as `nsc` makes them. */
export class Operator {
  readonly #operator: KeyPair = nkeys.createOperator()
  readonly #account: KeyPair = nkeys.createAccount()

  /** What a server is told. */
  get config(): string {
    const [operator, account] = [this.#operator.getPublicKey(), this.#account.getPublicKey()]
    return `
      operator: ${token(this.#operator, operator, { type: 'operator' })}
      resolver: MEMORY
      resolver_preload: { ${account}: ${token(this.#operator, account, { type: 'account', limits: UNLIMITED })} }
    `
  }

  /** The text of the `.creds` file of a new user. */
  creds({ expired = false } = {}): string {
    const user = nkeys.createUser()
    const nats = { type: 'user', pub: {}, sub: {}, subs: -1, data: -1, payload: -1 }
    const jwt = token(this.#account, user.getPublicKey(), nats, expired ? { exp: 2 } : {})
    return [
      `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n`,
      `-----BEGIN USER NKEY SEED-----\n${Buffer.from(user.getSeed()).toString()}\n------END USER NKEY SEED------\n`,
    ].join('\n')
  }
}
