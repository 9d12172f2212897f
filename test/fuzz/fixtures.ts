/** Values that inputs are generated from: valid and invalid tokens, the webhook secret, upload uids. */
import * as fc from 'fast-check'
import { z } from 'zod'
import { tokenFor } from '../kit/gateway.ts'
import type { Header } from './input.ts'

/** Subjects of the valid tokens, which may create uploads. */
export const SUBJECTS = ['ada', 'bob', 'root', 'far'] as const

export interface Fixtures {
  /** Valid values of the Authorization header. */
  readonly validAuthorizations: readonly [string, ...string[]]
  /** Invalid or expired values of the Authorization header. */
  readonly invalidAuthorizations: readonly [string, ...string[]]
  /** Secret that Stream signs webhooks with. */
  readonly webhookSecret: string
  /** Existing uploads of `ada`. */
  readonly uids: readonly [string, ...string[]]
  /** Existing uploads of `ada` that inputs may delete; the others must stay. */
  readonly deletable: readonly [string, ...string[]]
}

/** One hour from now as a JWT NumericDate. */
const oneHourFromNow = (): number => Math.floor(Date.now() / 1000) + 3600
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

export async function writeTokens(): Promise<
  Pick<Fixtures, 'validAuthorizations' | 'invalidAuthorizations'>
> {
  const [ada, bob, root, far] = await Promise.all([
    tokenFor('ada'),
    tokenFor('bob', { scope: ['uploads:admin'], creator: 'root', __proto__: { isAdmin: true } }),
    tokenFor('root', { scope: 'x uploads:admin' }),
    // Outside the range of a JavaScript Date.
    tokenFor('far', { exp: 1e20 }),
  ])
  const invalidAuthorizations = await Promise.all([
    tokenFor('ada', { exp: 1 }),
    tokenFor('ada', { exp: -1e20 }),
    tokenFor('ada', { nbf: oneHourFromNow() }),
    tokenFor('ada\r\nx-admin: 1'),
    tokenFor('a'.repeat(65)),
    tokenFor('\u{1f4a3}'),
  ])
  const [head = '', claims = '', signature = ''] = ada.split('.')
  const unsigned = part({ sub: 'root', exp: oneHourFromNow(), scope: 'uploads:admin' })
  return {
    validAuthorizations: [
      `Bearer ${ada}`,
      `Bearer ${ada}`,
      `Bearer ${bob}`,
      `Bearer ${root}`,
      `bearer  ${far}`,
    ],
    invalidAuthorizations: [
      '',
      'Bearer',
      'Basic cm9vdDpyb290',
      'Bearer a.b',
      'Bearer ..',
      ...invalidAuthorizations.map((token) => `Bearer ${token}`),
      `Bearer ${part({ alg: 'none' })}.${unsigned}.`,
      `Bearer ${part({ alg: 'none' })}.${unsigned}.e30`,
      `Bearer ${part({ alg: 'HS256', crit: ['exp'] })}.${claims}.${signature}`,
      `Bearer ${part({ alg: 'RS256', jwk: {}, kid: '../../etc/passwd' })}.${unsigned}.e30`,
      `Bearer ${part({ alg: 'HS256', b64: false })}.${unsigned}.${signature}`,
      `Bearer ${head}.${unsigned}.${signature}`,
      `Bearer ${head}.${claims}.${signature.slice(1)}`,
      `Bearer ${head}.${'A'.repeat(8000)}.${signature}`,
      `Bearer ${head}.${claims}.${signature}.${signature}`,
      `Bearer ${ada}, Bearer ${root}`,
    ],
  }
}

/** Reads the signing secret of the emulator's webhook. */
export async function readWebhookSecret(apiBaseUrl: string, apiToken: string): Promise<string> {
  const response = await fetch(`${apiBaseUrl}/accounts/local/stream/webhook`, {
    headers: { authorization: `Bearer ${apiToken}` },
  })
  const schema = z.object({ result: z.object({ secret: z.string() }) })
  return schema.parse(await response.json()).result.secret
}

const header = (value: string): readonly Header[] => [['Authorization', value]]

/** A valid header mostly, sometimes an invalid one or none. */
export function authorizationOf({
  validAuthorizations,
  invalidAuthorizations,
}: Fixtures): fc.Arbitrary<readonly Header[]> {
  return fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...validAuthorizations).map(header) },
    { weight: 1, arbitrary: fc.constantFrom(...invalidAuthorizations).map(header) },
    { weight: 1, arbitrary: fc.constant([]) },
  )
}
