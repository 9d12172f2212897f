/** Rate of `playback(uid)` for private videos, with a signing key, compared with `upload(uid)` of the same gateway. */
import { generateKeyPairSync } from 'node:crypto'
import Database from 'better-sqlite3'
import { withServer } from '../compare-servers.ts'
import { playOne, prepareRequests, readOne } from '../operations.ts'
import { isPending } from '../seed.ts'
import { type Setup, startFakeStream, startGateway } from '../setup.ts'
import { compareRates, driveAll } from './drive-all.ts'
import type { Row } from './row.ts'
import { SEEDED, seededCopy } from './seeded.ts'

/** Number of different videos: each is signed once, then its token is shared. */
const DIFFERENT = 2000
const READ = { name: 'upload', title: 'upload(uid), eight fields' }

export const playback: Row = {
  name: 'playback',
  partOf: 'quick',
  needsPeers: false,
  async run(setup) {
    const file = await privateCopy(setup)
    const ready = Array.from({ length: SEEDED }, (_, at) => at).filter((at) => !isPending(at))
    const step = Math.floor(ready.length / DIFFERENT)
    const indexOf = (at: number): number => ready[at * step] ?? 0
    const plays = prepareRequests(DIFFERENT, (at) => playOne(indexOf(at)))
    const reads = prepareRequests(DIFFERENT, (at) => readOne(indexOf(at)))
    return withServer(
      () => startFakeStream(setup),
      (stream) =>
        withServer(
          () => startGateway(setup, file, stream, signingKey()),
          async (server) => {
            const measured = [
              { name: 'headgate', server },
              { name: READ.name, server },
            ]
            const results = await driveAll(setup, measured, (_round, name) => ({
              kind: 'list',
              requests: name === READ.name ? reads : plays,
            }))
            return [compareRates(results, 'playback(uid), private', READ, { atLeast: 0.5 })]
          },
        ),
    )
  },
}

/** Path of a database whose videos are all private. */
async function privateCopy(setup: Setup): Promise<string> {
  const file = await seededCopy(setup, 'playback')
  const database = new Database(file)
  database.exec('update uploads set require_signed_urls = 1')
  database.close()
  return file
}

/** Variables with a new signing key. */
function signingKey(): Readonly<Record<string, string>> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    STREAM_SIGNING_KEY_ID: 'f'.repeat(32),
    STREAM_SIGNING_KEY_JWK: btoa(JSON.stringify(privateKey.export({ format: 'jwk' }))),
  }
}
