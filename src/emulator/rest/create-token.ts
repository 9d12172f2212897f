/**
 * Handler that signs a playback token for a video.
 * https://developers.cloudflare.com/api/resources/stream/subresources/token/methods/create/
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'

import { SignJWT } from 'jose'
import { z } from 'zod'

import { badRequest, notFound, successResponse } from '../api-error.ts'
import type { EmulatorDependencies } from '../dependencies.ts'
import type { HttpResponse } from '../http-response.ts'
import {
  EXPIRY_SLACK_MS,
  MAX_PEM_CHARACTERS,
  MAX_TOKEN_CHARACTERS,
  MAX_TOKEN_LIFETIME_MS,
  DEFAULT_TOKEN_NBF_MS,
  DEFAULT_TOKEN_LIFETIME_MS,
} from '../limits.ts'
import { tokenOptionsShape } from '../playback/token-claims.ts'
import { parseBody } from './parse-direct-upload.ts'

const bodySchema = z.looseObject({
  id: z.string().optional(),
  /** Base64 of the PEM text. */
  pem: z.string().max(MAX_PEM_CHARACTERS).optional(),
  exp: z.int().optional(),
  nbf: z.int().optional(),
  ...tokenOptionsShape,
})
type TokenParams = z.infer<typeof bodySchema>

interface Signer {
  readonly id: string
  readonly privateKey: KeyObject
}

/** POST /accounts/{account}/stream/{uid}/token */
export async function createToken(
  dependencies: EmulatorDependencies,
  uid: string,
  body: unknown,
): Promise<HttpResponse> {
  if (dependencies.library.find(uid) === null) throw notFound()
  const params = parseBody(bodySchema, body)
  const now = dependencies.clock.now()
  const { downloadable, accessRules, flags } = params
  const times = {
    exp: expiryOf(params, now),
    nbf: params.nbf ?? Math.floor((now - DEFAULT_TOKEN_NBF_MS) / 1000),
  }
  const signer = await findSigner(dependencies, params, now)
  const claims = {
    sub: uid,
    kid: signer.id,
    ...times,
    ...(downloadable === undefined ? {} : { downloadable }),
    ...(accessRules === undefined ? {} : { accessRules }),
    ...(flags === undefined ? {} : { flags }),
  }
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid: signer.id })
    .sign(signer.privateKey)
  if (token.length > MAX_TOKEN_CHARACTERS) {
    throw badRequest(
      `accessRules and flags are too long: the token has more than ${MAX_TOKEN_CHARACTERS} characters`,
    )
  }
  return successResponse({ token })
}

/** Returns the expiry in seconds since 1970, at most 24 hours ahead with 5 seconds tolerance. */
function expiryOf({ exp }: TokenParams, now: number): number {
  if (exp === undefined) return Math.floor((now + DEFAULT_TOKEN_LIFETIME_MS) / 1000)
  if (exp * 1000 > now && exp * 1000 <= now + MAX_TOKEN_LIFETIME_MS + EXPIRY_SLACK_MS) return exp
  throw badRequest('exp must be a time in seconds since 1970, at most 24 hours from now')
}

/** Returns the client's key, or the emulator's own if the body names none. */
async function findSigner(
  { signingKeys }: EmulatorDependencies,
  { id, pem }: TokenParams,
  now: number,
): Promise<Signer> {
  if (id === undefined && pem === undefined) return signingKeys.own(now)
  if (id === undefined || pem === undefined) throw badRequest('id and pem are required together')
  const publicKey = signingKeys.findPublicKey(id)
  const privateKey = readPrivateKey(pem)
  if (publicKey === null) throw badRequest('id is not the ID of a signing key')
  if (privateKey === null || !createPublicKey(privateKey).equals(publicKey)) {
    throw badRequest('pem is not the private key of id, as base64 of the PEM text')
  }
  return { id, privateKey }
}

function readPrivateKey(pem: string): KeyObject | null {
  try {
    return createPrivateKey(Buffer.from(pem, 'base64').toString('utf8'))
  } catch {
    return null
  }
}
