/** `headgate demo`: a real video goes up both ways, before your eyes, with no account. */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Config, readConfig } from '../config/node-config.ts'
import { createLog } from '../node/logger.ts'
import { startGateway } from '../node/start-gateway.ts'
import { type GatewayCaller, createGatewayCaller } from './gateway-client.ts'
import { padVideo } from './pad-video.ts'
import { type Screen, createScreen } from './terminal.ts'
import { uploadBasic, uploadTus } from './upload-file.ts'
import { watchToEnd } from './print-status.ts'

/** The same from `src` and from `dist`, which lie at the same depth. */
const TESTCARD = fileURLToPath(new URL('../../src/demo/testcard.mp4', import.meta.url))
/** Bytes: over the 200 MB of a basic upload, so that only tus can carry it. */
const LARGE_BYTES = 210_000_000

/**
 * 0 when both videos are READY, 1 otherwise. `keepOpen` is awaited before everything ends, so that
 * the videos can be played.
 */
export async function runDemo(keepOpen?: () => Promise<void>): Promise<number> {
  const screen = createScreen(process.stdout)
  const folder = await mkdtemp(join(tmpdir(), 'headgate-demo-'))
  const gateway = await startGateway(demoConfig(folder), createLog('error'))
  try {
    screen.say('')
    screen.say(
      `A gateway on ${gateway.url}, and Cloudflare Stream emulated on ${gateway.emulator?.url}`,
    )
    const call = createGatewayCaller(`${gateway.url}/graphql`)
    const small = await showBasic(call, screen)
    const large = await showTus(call, screen, join(folder, 'large.mp4'))
    const done = small && large
    screen.say('')
    screen.say(done ? 'Both videos are READY.' : 'Not every video became READY: see above.')
    if (keepOpen !== undefined) {
      screen.say('Play them at the addresses above. Ctrl-C ends it.')
      await keepOpen()
    }
    return done ? 0 : 1
  } finally {
    await gateway.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function showBasic(call: GatewayCaller, screen: Screen): Promise<boolean> {
  screen.say('')
  screen.say('1. A small video, by one POST')
  const { uid, uploadURL } = await call.mintBasic()
  const ready = watchToEnd(call, uid, screen)
  const { size } = await stat(TESTCARD)
  await together(ready, uploadBasic(uploadURL, TESTCARD, screen.progressBar(size)))
  return ready
}

async function showTus(call: GatewayCaller, screen: Screen, path: string): Promise<boolean> {
  screen.say('')
  screen.say('2. The same video padded to 210 MB, by tus in chunks')
  await padVideo(TESTCARD, path, LARGE_BYTES)
  const { uid, uploadURL, chunkSizeBytes } = await call.mintTus(LARGE_BYTES)
  const ready = watchToEnd(call, uid, screen)
  const bar = screen.progressBar(LARGE_BYTES)
  await together(ready, uploadTus(uploadURL, path, chunkSizeBytes, bar))
  return ready
}

/** Fails as soon as either fails: an upload that broke never becomes READY. */
async function together(ready: Promise<boolean>, upload: Promise<void>): Promise<void> {
  await Promise.all([upload, ready])
}

function demoConfig(folder: string): Config {
  const outcome = readConfig({
    PORT: '0',
    EMULATOR_PORT: '0',
    EMULATOR_DIR: join(folder, 'emulator'),
    DATABASE_URL: `file:${join(folder, 'headgate.db')}`,
  })
  if (outcome.kind === 'mistakes') throw new Error(outcome.mistakes.join(' '))
  return outcome.config
}
