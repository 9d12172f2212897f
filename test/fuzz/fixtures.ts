/** Who speaks, and about what: tokens of every kind, Stream's secret, uploads that there are. */
import * as fc from 'fast-check'
import { z } from 'zod'
import { tokenFor } from '../kit/gateway.ts'
import type { Header } from './input.ts'

/** Subjects whose tokens are good, and who may therefore mint. */
export const SUBJECTS = ['ada', 'bob', 'root', 'far'] as const

export interface Scene {
  /** Values of the Authorization header that are good. */
  readonly good: readonly [string, ...string[]]
  /** And those that are not, or not any more. */
  readonly bad: readonly [string, ...string[]]
  /** What Stream signs its notices with. */
  readonly webhookSecret: string
  /** Uploads that there are, all of them ada's. */
  readonly uids: readonly [string, ...string[]]
  /** And those of them that may be deleted, while the others stay to be asked about. */
  readonly expendable: readonly [string, ...string[]]
}

/** An hour from now, as a token says it. */
const inAnHour = (): number => Math.floor(Date.now() / 1000) + 3600
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

export async function writeTokens(): Promise<Pick<Scene, 'good' | 'bad'>> {
  const [ada, bob, root, far] = await Promise.all([
    tokenFor('ada'),
    tokenFor('bob', { scope: ['uploads:admin'], creator: 'root', __proto__: { isAdmin: true } }),
    tokenFor('root', { scope: 'x uploads:admin' }),
    // No date is so far away.
    tokenFor('far', { exp: 1e20 }),
  ])
  const bad = await Promise.all([
    tokenFor('ada', { exp: 1 }),
    tokenFor('ada', { exp: -1e20 }),
    tokenFor('ada', { nbf: inAnHour() }),
    tokenFor('ada\r\nx-admin: 1'),
    tokenFor('a'.repeat(65)),
    tokenFor('\u{1f4a3}'),
  ])
  const [head = '', claims = '', signature = ''] = ada.split('.')
  const unsigned = part({ sub: 'root', exp: inAnHour(), scope: 'uploads:admin' })
  return {
    good: [`Bearer ${ada}`, `Bearer ${ada}`, `Bearer ${bob}`, `Bearer ${root}`, `bearer  ${far}`],
    bad: [
      '',
      'Bearer',
      'Basic cm9vdDpyb290',
      'Bearer a.b',
      'Bearer ..',
      ...bad.map((token) => `Bearer ${token}`),
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

/** The secret of the emulator's one webhook. */
export async function readWebhookSecret(apiBaseUrl: string, apiToken: string): Promise<string> {
  const response = await fetch(`${apiBaseUrl}/accounts/local/stream/webhook`, {
    headers: { authorization: `Bearer ${apiToken}` },
  })
  const schema = z.object({ result: z.object({ secret: z.string() }) })
  return schema.parse(await response.json()).result.secret
}

const header = (value: string): readonly Header[] => [['Authorization', value]]

/** No header, a good one, or a bad one: most who come this far have a token. */
export function authorizationOf({ good, bad }: Scene): fc.Arbitrary<readonly Header[]> {
  return fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...good).map(header) },
    { weight: 1, arbitrary: fc.constantFrom(...bad).map(header) },
    { weight: 1, arbitrary: fc.constant([]) },
  )
}
