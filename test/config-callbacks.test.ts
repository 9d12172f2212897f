/** CALLBACK_URLS and CALLBACK_SECRET: errors are reported by name and position, and contain no part of a value. */
import { describe, expect, test } from 'vitest'
import { readConfig } from '../src/config/gateway-config.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const URLS = 'https://app.example.com/callbacks?key=k-ey'

function errorsOf(environment: Readonly<Record<string, string>>): readonly string[] {
  const outcome = readConfig(environment)
  return outcome.kind === 'errors' ? outcome.errors : []
}

/** A secret of this many bytes. */
const secretOf = (bytes: number): string => `whsec_${btoa('s'.repeat(bytes))}`

describe('callbacks', () => {
  test('have several targets and secrets', () => {
    const variables = {
      CALLBACK_URLS: `${URLS}, http://127.0.0.1:8080 ,`,
      CALLBACK_SECRET: `${secretOf(24)},${secretOf(64)}`,
    }
    expect(readConfig(variables)).toMatchObject({
      config: {
        callbacks: {
          targets: [URLS, 'http://127.0.0.1:8080/'],
          secrets: [secretOf(24), secretOf(64)],
        },
      },
      warnings: [],
    })
  })

  test.each<[variables: Readonly<Record<string, string>>, message: RegExp]>([
    [{ CALLBACK_URLS: URLS }, /^CALLBACK_SECRET is missing, but CALLBACK_URLS is set\./],
    [{ CALLBACK_SECRET: SECRET }, /^CALLBACK_URLS is missing, but CALLBACK_SECRET is set\./],
  ])('need both variables: %#', (variables, message) => {
    expect(errorsOf(variables)).toEqual([expect.stringMatching(message)])
  })

  test.each<[targets: string, message: RegExp]>([
    ['/callbacks', /entry 1 is invalid/],
    [`${URLS},app.example.com`, /entry 2 is invalid/],
    ['ftp://app.example.com', /entry 1 is invalid/],
    ['https://', /entry 1 is invalid/],
    ['https://user:hunter2@app.example.com', /entry 1 is invalid/],
    [`${URLS}#part`, /entry 1 is invalid/],
    [`${URLS},HTTPS://APP.example.com:443/callbacks?key=k-ey`, /entry 2 is a repetition/],
    [',', /at least one entry/],
    [Array.from({ length: 11 }, (_, n) => `${URLS}${n}`).join(), /at most 10 URLs/],
  ])('reject the targets %j', (targets, message) => {
    const errors = errorsOf({ CALLBACK_URLS: targets, CALLBACK_SECRET: SECRET })
    expect(errors).toEqual([expect.stringMatching(message)])
    expect(errors.join()).toMatch(/^CALLBACK_URLS .*\.$/)
    expect(errors.join()).not.toMatch(/k-ey|hunter2/)
  })

  test.each([
    ['a text without the prefix', SECRET.slice(6)],
    ['a text that is not base64', 'whsec_a secret that is not base64 at all'],
    ['23 bytes', secretOf(23)],
    ['65 bytes', secretOf(65)],
    ['the prefix alone', 'whsec_'],
  ])('reject as secret %s', (_kind, secret) => {
    for (const value of [secret, `${SECRET},${secret}`]) {
      const errors = errorsOf({ CALLBACK_URLS: URLS, CALLBACK_SECRET: value })
      expect(errors).toEqual([expect.stringMatching(/^CALLBACK_SECRET must list secrets of .*\.$/)])
      expect(errors.join()).toContain(value === secret ? 'entry 1' : 'entry 2')
      expect(errors.join()).not.toContain(secret.slice(6) || SECRET)
    }
  })

  test.each([
    ['http://app.example.com', true],
    ['http://172.32.0.1/', true],
    ['https://app.example.com', false],
    ['http://localhost:3000', false],
    ['http://10.0.0.7', false],
    ['http://172.31.0.1/', false],
    ['http://192.168.1.1/', false],
    ['http://[fd00::1]/', false],
    ['http://backend:3000/', false],
  ])('to %s: a warning is %s', (target, warns) => {
    const outcome = readConfig({ CALLBACK_URLS: `${URLS},${target}`, CALLBACK_SECRET: SECRET })
    const warning = expect.stringMatching(/^CALLBACK_URLS has plain HTTP .* entry 2/)
    expect(outcome.warnings).toEqual(warns ? [warning] : [])
  })
})
