/** `headgate token` as a process, and the recipe for a backend: the gateway accepts what they sign. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Build, build, start } from '../kit/command.ts'
import { TEST_SECRET, startTestGateway } from '../kit/gateway.ts'
import { limitsOf } from '../kit/me.ts'
import { createDirectUpload } from '../kit/operations.ts'

let built: Build
beforeAll(async () => {
  built = await build()
})
afterAll(() => built.remove())

async function signToken(
  flags: readonly string[],
  variables: Readonly<Record<string, string>> = { AUTH_JWT_SECRET: TEST_SECRET },
) {
  const run = start(built, ['token', ...flags], variables)
  const code = await run.ended
  return { code, token: run.stdout().trim(), output: run.stdout(), told: run.stderr() }
}

describe('headgate token', () => {
  it('signs what the flags allow, and prints only the token on standard output', async () => {
    const before = Date.now() / 1000
    const { code, token, output, told } = await signToken(
      '--sub guest --admin --play --expires 15m --max-duration 60 --max-size 300000000 --quota-minutes 1.5 --creates-per-minute 5 --max-uploads 2'.split(
        ' ',
      ),
    )
    expect([code, output]).toEqual([0, `${token}\n`])
    const claims = decodeJwt(token)
    expect(claims).toMatchObject({
      sub: 'guest',
      scope: 'uploads:admin videos:play',
      jti: expect.any(String),
      headgate: {
        maxDurationSeconds: 60,
        maxSizeBytes: 300_000_000,
        quotaMinutes: 1.5,
        createsPerMinute: 5,
        maxUploads: 2,
      },
    })
    expect((claims.exp ?? 0) - before).toBeGreaterThan(890)
    expect((claims.exp ?? 0) - before).toBeLessThan(960)
    expect(told).toContain('A token of guest, valid until ')
    for (const line of ['uploads in all: at most 2', 'bytes of a file: at most 300000000']) {
      expect(told).toContain(line)
    }
    expect(told).not.toContain(token)
  })

  it('is accepted by a gateway with the same secret, issuer and audience', async () => {
    const variables = {
      AUTH_JWT_SECRET: TEST_SECRET,
      AUTH_ISSUER: 'https://issuer.example',
      AUTH_AUDIENCE: 'videos',
    }
    const gateway = await startTestGateway(variables)
    const { token } = await signToken(['--sub', 'guest', '--max-uploads', '2'], variables)
    expect(await limitsOf(gateway.as(token))).toMatchObject({ remainingUploads: 2 })
    const { token: plain } = await signToken(['--sub', 'ada'], variables)
    expect(await limitsOf(gateway.as(plain))).toMatchObject({ remainingUploads: null })
  })

  it.each([
    [['--sub', ''], '--sub must have 1 to 64'],
    [['--sub', 'a', '--expires', '1y'], '--expires must be a number with a unit'],
    [['--sub', 'a', '--expires', '0h'], '--expires must be a number with a unit'],
    [['--sub', 'a', '--max-uploads', 'two'], '--max-uploads must be a number.'],
    [['--sub', 'a', '--max-uploads', '0'], '`headgate.maxUploads` must be a whole number'],
    [['--sub', 'a', '--max-size', '1.5'], '`headgate.maxSizeBytes` must be a whole number'],
  ])('rejects %j', async (flags, message) => {
    const { code, output, told } = await signToken(flags)
    expect([code, output, told]).toEqual([1, '', expect.stringContaining(message)])
  })

  it.each([
    [{}, 'AUTH_JWT_SECRET is not set'],
    [{ AUTH_JWKS_URL: 'https://id.example.com/keys' }, 'only the identity provider'],
    [{ AUTH_JWT_SECRET: 'short' }, 'AUTH_JWT_SECRET must have at least 32 bytes'],
    [{ AUTH_DISABLED: 'true', AUTH_JWT_SECRET: TEST_SECRET }, 'AUTH_JWT_SECRET has no effect'],
  ])('refuses with %j', async (variables, message) => {
    const { code, output, told } = await signToken(['--sub', 'ada'], variables)
    expect([code, output, told]).toEqual([1, '', expect.stringContaining(message)])
    expect(told).not.toContain(TEST_SECRET)
  })
})

describe('the recipe for a backend', () => {
  it('signs a token that allows two private uploads', async () => {
    const page = readFileSync(new URL('../../src/config/README.md', import.meta.url), 'utf8')
    const [, recipe = ''] = /^```js\n([^]*?signGuestToken[^]*?)^```$/m.exec(page) ?? []
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', `${recipe}\nconsole.log(await signGuestToken('guest-7'))`],
      {
        cwd: fileURLToPath(new URL('../..', import.meta.url)),
        env: { ...process.env, AUTH_JWT_SECRET: TEST_SECRET },
      },
    )
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const guest = gateway.as(stdout.trim())
    const outcomes = []
    for (let upload = 0; upload < 3; upload += 1) outcomes.push(await createDirectUpload(guest))
    expect(outcomes.map(({ __typename }) => __typename)).toEqual([
      'CreateDirectUploadSuccess',
      'CreateDirectUploadSuccess',
      'ForbiddenError',
    ])
    const { uploads } = await guest.request(
      z.object({ uploads: z.object({ nodes: z.array(z.unknown()) }) }),
      '{ uploads { nodes { creator constraints { requireSignedURLs } } } }',
    )
    const upload = { creator: 'guest-7', constraints: { requireSignedURLs: true } }
    expect(uploads.nodes).toEqual([upload, upload])
  })
})
