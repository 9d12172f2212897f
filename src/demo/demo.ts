/** `headgate demo`: a real video goes up both ways, before your eyes, with no account. */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readConfig } from '../config.ts'
import { createLog } from '../log.ts'
import { startGateway } from '../main.ts'
import { createGatewayCaller } from './call-gateway.ts'
import { padVideo } from './pad-video.ts'
import { createProgressBar } from './progress-bar.ts'
import { uploadBasic, uploadTus } from './upload-file.ts'
import { watchToEnd } from './watch-to-end.ts'

/** The same from `src` and from `dist`, which lie at the same depth. */
const TESTCARD = fileURLToPath(new URL('../../src/demo/testcard.mp4', import.meta.url))
/** Bytes: over the 200 MB of a basic upload, so that only tus can carry it. */
const LARGE_BYTES = 210_000_000

/** 0 when both videos are READY, 1 otherwise. */
export async function runDemo(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-demo-'))
  const gateway = await startGateway(demoConfig(folder), createLog('error'))
  try {
    say(
      `\nA gateway on ${gateway.url}, with Cloudflare Stream emulated on ${gateway.emulator?.url}\n`,
    )
    const call = createGatewayCaller(`${gateway.url}/graphql`)

    say('1. A small video, by one POST')
    const small = await call.mintBasic()
    say(`   PENDING_UPLOAD  ${small.uid}`)
    await uploadBasic(small.uploadURL, TESTCARD, createProgressBar((await stat(TESTCARD)).size))
    const smallReady = await watchToEnd(call, small.uid, say)

    const large = join(folder, 'large.mp4')
    await padVideo(TESTCARD, large, LARGE_BYTES)
    say('\n2. The same video padded to 210 MB, by tus in chunks')
    const minted = await call.mintTus(LARGE_BYTES)
    say(`   PENDING_UPLOAD  ${minted.uid}`)
    await uploadTus(minted.uploadURL, large, minted.chunkSizeBytes, createProgressBar(LARGE_BYTES))
    const largeReady = await watchToEnd(call, minted.uid, say)

    const done = smallReady && largeReady
    say(done ? '\nBoth videos are READY.\n' : '\nNot every video became READY: see above.\n')
    return done ? 0 : 1
  } finally {
    await gateway.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

function demoConfig(folder: string) {
  const outcome = readConfig({
    PORT: '0',
    EMULATOR_PORT: '0',
    EMULATOR_DIR: join(folder, 'emulator'),
    DATABASE_URL: `file:${join(folder, 'headgate.db')}`,
    LOG_LEVEL: 'error',
  })
  if (outcome.kind === 'mistakes') throw new Error(outcome.mistakes.join(' '))
  return outcome.config
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
