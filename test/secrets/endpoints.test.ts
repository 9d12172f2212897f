/** Every door in every failure: nothing that comes out holds a token, a secret or a URL of others. */
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { type GatewayStage, stageInProcess } from './setup.ts'
import { knockAtDatabase, knockEverywhere, statusesIn } from './visit-endpoints.ts'

function messagesOf({ gateway }: GatewayStage): Set<string> {
  return new Set(gateway.logs.map((line) => line.message))
}

describe('no door gives a secret away', { timeout: 60_000 }, () => {
  it('when it refuses, and when it takes', async () => {
    const stage = await stageInProcess({ CREATOR_QUOTA_MINUTES: '60' })
    const { tokens, transcript } = stage
    const { uid, secret } = await stage.mintBasic(tokens.ada)
    const answers = await knockEverywhere(stage, uid)
    stage.noteLog()

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
    expect([...messagesOf(stage)]).toEqual(
      expect.arrayContaining(['refused', 'answered', 'notice refused', 'upload minted']),
    )
    expect(transcript.placesOf(tokens.ada.secret)).toContain('a token for a whole input: 400')
    expect(transcript.placesOf(secret)).toContain('a basic mint by the token of ada: 200')
    expect(transcript.leaks()).toEqual([])
  })

  it('when the database is broken under it', async () => {
    const stage = await stageInProcess()
    const { tokens, transcript, gateway } = stage
    const { uid } = await stage.mintBasic(tokens.ada)
    new Database(gateway.databaseFile)
      .exec('alter table uploads rename to gone; alter table kept_notices rename to lost')
      .close()
    const answers = await knockAtDatabase(stage, uid)
    stage.noteLog()

    expect(answers).toEqual(
      expect.arrayContaining(['tus: too many minutes: 500', 'notice: known: 500']),
    )
    const unexpected = gateway.logs.filter((line) => line.message === 'unexpected error')
    expect(unexpected.length).toBeGreaterThan(10)
    expect(transcript.leaks()).toEqual([])
  })
})
