import {
  type Authenticator,
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node'
import type { NatsAuthentication } from './options.ts'

/** What the NATS client calls for each connection. Throws RangeError, which repeats no secret, for unreadable keys. */
export function authenticatorOf(authentication: NatsAuthentication | undefined): Authenticator | undefined {
  if (authentication === undefined) return undefined
  if ('user' in authentication) return usernamePasswordAuthenticator(authentication.user, authentication.pass)
  if ('token' in authentication) return tokenAuthenticator(authentication.token)
  const isSeed = 'nkeySeed' in authentication
  // The client wants a line end after the last line of a file, and none after a seed.
  const bytes = new TextEncoder().encode(isSeed ? authentication.nkeySeed.trim() : `${authentication.creds}\n`)
  const authenticator = isSeed ? nkeyAuthenticator(bytes) : credsAuthenticator(bytes)
  try {
    authenticator('probe')
  } catch {
    // The error of the parser is dropped on purpose: it may quote what it read.
    throw new RangeError(isSeed ? 'nkeySeed is not the seed of an nkey' : 'creds is not the text of a credentials file')
  }
  return authenticator
}
