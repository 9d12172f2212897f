/** No response and no log line of any endpoint contains a token, a secret or an upload URL of another caller. */
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { type GatewaySetup, setupInProcess } from './setup.ts'
import { requestDatabaseEndpoints, requestAllEndpoints, statusesIn } from './visit-endpoints.ts'

function messagesOf({ gateway }: GatewaySetup): Set<string> {
  return new Set(gateway.logs.map((line) => line.message))
}

describe('no endpoint leaks a secret', { timeout: 60_000 }, () => {
  it('when it accepts or rejects requests', async () => {
    const setup = await setupInProcess({ CREATOR_QUOTA_MINUTES: '60' })
    const { tokens, transcript } = setup
    const { uid, secret } = await setup.mintBasic(tokens.ada)
    const results = await requestAllEndpoints(setup, uid)
    setup.recordLog()

    // Fails when requests end earlier than intended and so leave code paths untested.
    expect(statusesIn(results)).toEqual([
      '200',
      '204',
      '400',
      '401',
      '404',
      '405',
      '412',
      '413',
      '415',
    ])
    const closeCodes = results.flatMap((result) => /closed: (4\d{3})/.exec(result)?.[1] ?? [])
    expect(new Set(closeCodes)).toEqual(new Set(['4400', '4401', '4403', '4409', '4429']))
    expect([...messagesOf(setup)]).toEqual(
      expect.arrayContaining([
        'request rejected',
        'request completed',
        'webhook rejected',
        'upload minted',
      ]),
    )
    expect(transcript.placesOf(tokens.ada.secret)).toContain('a token for a whole input: 400')
    expect(transcript.placesOf(secret)).toContain('a basic upload by the token of ada: 200')
    expect(transcript.leaks()).toEqual([])
  })

  it('when the database is broken', async () => {
    const setup = await setupInProcess()
    const { tokens, transcript, gateway } = setup
    const { uid } = await setup.mintBasic(tokens.ada)
    new Database(gateway.databaseFile)
      .exec('alter table uploads rename to gone; alter table kept_notices rename to lost')
      .close()
    const results = await requestDatabaseEndpoints(setup, uid)
    setup.recordLog()

    expect(results).toEqual(
      expect.arrayContaining(['tus: too many minutes: 500', 'webhook: known: 500']),
    )
    const unexpected = gateway.logs.filter((line) => line.message === 'unexpected error')
    expect(unexpected.length).toBeGreaterThan(10)
    expect(transcript.leaks()).toEqual([])
  })
})
