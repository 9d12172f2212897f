/** Every door in every failure: nothing that comes out holds a token, a secret or a URL of others. */
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { type GatewaySetup, setupInProcess } from './setup.ts'
import { knockAtDatabase, knockEverywhere, statusesIn } from './visit-endpoints.ts'

function messagesOf({ gateway }: GatewaySetup): Set<string> {
  return new Set(gateway.logs.map((line) => line.message))
}

describe('no door gives a secret away', { timeout: 60_000 }, () => {
  it('when it refuses, and when it takes', async () => {
    const setup = await setupInProcess({ CREATOR_QUOTA_MINUTES: '60' })
    const { tokens, transcript } = setup
    const { uid, secret } = await setup.mintBasic(tokens.ada)
    const answers = await knockEverywhere(setup, uid)
    setup.noteLog()

    // What was driven, so that a door that answers before it is asked is noticed.
    expect(statusesIn(answers)).toEqual([
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
    const closings = answers.flatMap((answer) => /closed: (4\d{3})/.exec(answer)?.[1] ?? [])
    expect(new Set(closings)).toEqual(new Set(['4400', '4401', '4403', '4409', '4429']))
    expect([...messagesOf(setup)]).toEqual(
      expect.arrayContaining([
        'request rejected',
        'request completed',
        'webhook rejected',
        'upload minted',
      ]),
    )
    expect(transcript.placesOf(tokens.ada.secret)).toContain('a token for a whole input: 400')
    expect(transcript.placesOf(secret)).toContain('a basic mint by the token of ada: 200')
    expect(transcript.leaks()).toEqual([])
  })

  it('when the database is broken under it', async () => {
    const setup = await setupInProcess()
    const { tokens, transcript, gateway } = setup
    const { uid } = await setup.mintBasic(tokens.ada)
    new Database(gateway.databaseFile)
      .exec('alter table uploads rename to gone; alter table kept_notices rename to lost')
      .close()
    const answers = await knockAtDatabase(setup, uid)
    setup.noteLog()

    expect(answers).toEqual(
      expect.arrayContaining(['tus: too many minutes: 500', 'notice: known: 500']),
    )
    const unexpected = gateway.logs.filter((line) => line.message === 'unexpected error')
    expect(unexpected.length).toBeGreaterThan(10)
    expect(transcript.leaks()).toEqual([])
  })
})
