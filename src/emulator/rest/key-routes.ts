/**
 * Handlers of the account's signing keys: create, list and delete.
 * https://developers.cloudflare.com/api/resources/stream/subresources/keys/
 */
import { badRequest, notFound, successResponse } from '../api-error.ts'
import type { EmulatorDependencies } from '../dependencies.ts'
import type { HttpResponse } from '../http-response.ts'
import { MAX_SIGNING_KEYS } from '../limits.ts'
import { formatMilliseconds } from '../timestamp.ts'

/** The only response with the private key. As at Stream, `pem` and `jwk` are base64 of the PEM and JSON text. */
export async function createKey({
  clock,
  signingKeys,
}: EmulatorDependencies): Promise<HttpResponse> {
  const key = await signingKeys.create(clock.now(), MAX_SIGNING_KEYS)
  if (key === null) {
    throw badRequest(`the account has ${MAX_SIGNING_KEYS} signing keys; delete one first`)
  }
  const { id, created, privateKey } = key
  const jwk = { use: 'sig', kid: id, alg: 'RS256', ...privateKey.export({ format: 'jwk' }) }
  return successResponse({
    id,
    pem: base64(privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()),
    jwk: base64(JSON.stringify(jwk)),
    created: formatMilliseconds(created),
  })
}

export function listKeys({ signingKeys }: EmulatorDependencies): HttpResponse {
  return successResponse(
    signingKeys.list().map(({ id, created }) => ({ id, created: formatMilliseconds(created) })),
  )
}

/** Tokens of the key are invalid from now on. */
export function deleteKey({ signingKeys }: EmulatorDependencies, id: string): HttpResponse {
  if (!signingKeys.remove(id)) throw notFound()
  return successResponse('Revoked')
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
