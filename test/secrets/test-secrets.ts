/** Secrets of a test gateway and its callers: long, random and easy to recognize. */
import { createHmac } from 'node:crypto'
import { SignJWT, UnsecuredJWT } from 'jose'
import { type Secret, secretText, secretToken } from './search.ts'

export const jwtSecret = 'jWt-Key_Zx81QpLm47VtRs20BnYw93KcHd65'
export const foreignSecret = 'oThEr-Key_Mn52TrWq18XsZk70PvLb36JdGf'
export const apiToken = 'cfApi-9vQe2LxYb7RmNa4WpUz8KdHs3JgTf6'
export const webhookSecret = '5e1fc0de9a7b4d3286f0a1c2e3b4d5f6a7980b1c'
export const oldWebhookSecret = 'c0ffee5e1f2d3c4b5a69788796a5b4c3d2e1f001'
export const metricsToken = 'mEtrics-Tr84KzQw60LpXn29YbVs57DgHc31'
const malformedToken = 'nOt-A-Token_Wd63KyPq94HbXs17RmTz52VcLf'
export const password = 'pAssW0rd-Hq27UzXe91NcVt48KsLw03RmYb65'

/** Secrets of the gateway, which must not appear in any output. */
export const gatewaySecrets: readonly Secret[] = [
  secretText('AUTH_JWT_SECRET', jwtSecret),
  secretText('the secret of another issuer', foreignSecret),
  secretText('CLOUDFLARE_API_TOKEN', apiToken),
  secretText('STREAM_WEBHOOK_SECRET', webhookSecret),
  secretText('the old STREAM_WEBHOOK_SECRET', oldWebhookSecret),
  secretText('METRICS_TOKEN', metricsToken),
  secretText('a password', password),
]

/** Variables of a gateway that verifies tokens and webhook signatures. */
export const secretVariables = {
  AUTH_JWT_SECRET: jwtSecret,
  METRICS_TOKEN: metricsToken,
  STREAM_WEBHOOK_SECRET: `${webhookSecret},${oldWebhookSecret}`,
} as const

/** A caller's token, and the secret by which a transcript finds it. */
export interface Token {
  readonly text: string
  readonly secret: Secret
}

/** Tokens of valid callers, and tokens that the gateway rejects. */
export interface Tokens {
  readonly ada: Token
  readonly bob: Token
  readonly admin: Token
  readonly rejected: readonly Token[]
}

const TEN_DAYS_SECONDS = 864_000

/** Issues new tokens. */
export async function issueTokens(): Promise<Tokens> {
  const now = Math.floor(Date.now() / 1000)
  const exp = now + TEN_DAYS_SECONDS
  return {
    ada: await issue('the token of ada', { sub: 'ada', exp }),
    bob: await issue('the token of bob', { sub: 'bob', exp }),
    admin: await issue('the token of root', { sub: 'root', exp, scope: 'uploads:admin' }),
    rejected: [
      await issue('an expired token', { sub: 'ada', exp: now - 60 }),
      await issue('a token signed with another key', { sub: 'ada', exp }, foreignSecret),
      await issue('a token without sub', { exp }),
      await issue('a token whose sub is too long', { sub: 'x'.repeat(65), exp }),
      unsignedToken({ sub: 'ada', exp }),
      { text: `${malformedToken}.x.y`, secret: secretText('a malformed token', malformedToken) },
    ],
  }
}

async function issue(
  name: string,
  claims: Readonly<Record<string, unknown>>,
  secret = jwtSecret,
): Promise<Token> {
  const text = await new SignJWT({ ...claims, jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(secret))
  return { text, secret: secretToken(name, text) }
}

function unsignedToken(claims: Readonly<Record<string, unknown>>): Token {
  const text = new UnsecuredJWT({ ...claims, jti: crypto.randomUUID() }).encode()
  return { text, secret: secretToken('an unsigned token', text) }
}

/** Every token as a secret. */
export function secretsOf({ ada, bob, admin, rejected }: Tokens): readonly Secret[] {
  return [ada, bob, admin, ...rejected].map(({ secret }) => secret)
}

/** `Webhook-Signature` as Stream writes it. */
export function signWebhook(body: string, secret: string, at = Date.now()): string {
  const time = Math.floor(at / 1000)
  return `time=${time},sig1=${createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')}`
}
