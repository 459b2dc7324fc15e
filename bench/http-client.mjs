import { request } from 'undici'

const ASK_TIMEOUT_MS = 2_000

/**
 * A JSON answer, or undefined when there is none: not there yet, any more, or not willing.
 *
 * @param {string} url
 * @param {{ method?: 'GET' | 'POST', body?: string }} [options]
 * @returns {Promise<any>}
 */
export async function askJson(url, { method = 'GET', body } = {}) {
  try {
    const answer = await request(url, { method, body: body ?? null, signal: AbortSignal.timeout(ASK_TIMEOUT_MS) })
    if (answer.statusCode === 200) return await answer.body.json()
    await answer.body.dump()
    return undefined
  } catch {
    // A node that starts, or was killed, answers like this; whoever asks, asks again and has a deadline.
    return undefined
  }
}

/**
 * Sends one request of a target and gives the answer, whatever its status.
 *
 * @param {import('undici').Dispatcher} dispatcher
 * @param {import('./target.mjs').HttpRequest} what
 * @param {AbortSignal} [signal]
 */
export async function send(dispatcher, { method, path, headers, body }, signal) {
  const answer = await dispatcher.request({
    method,
    path,
    headers,
    body: body.length === 0 ? null : body,
    ...(signal === undefined ? {} : { signal }),
  })
  return { status: answer.statusCode, body: Buffer.from(await answer.body.arrayBuffer()) }
}
