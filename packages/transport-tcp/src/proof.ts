import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { NONCE_BYTES } from './messages.ts'

/**
 * Who speaks: a proof of one side is none of the other, so that it cannot be sent back to the one who made it. A listener that turns somebody
 * away proves that as `refuser`: it proves it to strangers too, who must gain nothing by it.
 */
export type Side = 'dialler' | 'listener' | 'refuser'

/** A number that nobody can foresee and that was never used before. Not from a port: a seeded one would repeat itself. */
export function drawNonce(): Uint8Array {
  return new Uint8Array(randomBytes(NONCE_BYTES))
}

/**
 * Proves that `side` knows `secret` here and now: an HMAC over all that both have said, nonces included.
 *
 * @param binding of the encrypted channel under it, so that nobody in between can hand the proof on to another; empty without TLS.
 */
export function prove(secret: Uint8Array, side: Side, said: readonly Uint8Array[], binding: Uint8Array): Uint8Array {
  const hmac = createHmac('sha256', secret).update(`dsys-tcp 1 ${side}\0`)
  for (const bytes of [...said, binding]) {
    // With its length, so that no two lists of bytes are one text.
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.byteLength)
    hmac.update(length).update(bytes)
  }
  return new Uint8Array(hmac.digest())
}

/** Compares in a time that tells nothing about where two proofs differ. */
export function isProof(expected: Uint8Array, given: Uint8Array): boolean {
  return expected.byteLength === given.byteLength && timingSafeEqual(expected, given)
}
