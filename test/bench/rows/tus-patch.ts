/** Throughput of a large tus upload to the emulator, against a server that streams it to a file. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Contestant, measureRounds, withContestants } from '../compare-servers.ts'
import { type Round, createEntry } from '../entry.ts'
import { targetOf } from '../load/requests.ts'
import { COMMAND } from '../paths.ts'
import { startServer } from '../processes.ts'
import { type Setup, startPeer } from '../setup.ts'
import type { Row } from './row.ts'

const FILE_BYTES = 500_000_000
/** Maximum chunk size of Stream, a multiple of 256 KiB. */
const CHUNK_BYTES = 200 * 1024 * 1024
const CHUNKS: readonly number[] = [CHUNK_BYTES, CHUNK_BYTES, FILE_BYTES - 2 * CHUNK_BYTES]

export const tusPatch: Row = {
  name: 'tus-patch',
  partOf: 'quick',
  needsPeers: false,
  async run(setup) {
    const received = receivedIn(setup)
    const bare = {
      name: 'bare',
      start: () => startPeer(setup, 'raw-receiver', { RECEIVED_FILE: received }),
    }
    const emulator = { name: 'headgate', start: () => startEmulator(setup) }
    const results = await withContestants([emulator, bare], (contestants) =>
      measureRounds(setup, contestants, async (contestant, _warmUpMs, round) => {
        // The first upload also starts the process that reads media files.
        if (round === 0) await sendOnce(setup, contestant)
        return sendOnce(setup, contestant)
      }),
    )
    rmSync(received, { force: true })
    return [
      createEntry({
        row: 'emulator: tus PATCH of 500 MB',
        unit: 'MB/s',
        rounds: results('headgate'),
        peer: { name: 'raw stream to file', rounds: results('bare') },
        target: { atLeast: 0.75 },
        isRatio: true,
        notes: ['CPU time is per megabyte'],
      }),
    ]
  },
}

function receivedIn({ folder }: Pick<Setup, 'folder'>): string {
  return join(folder, 'received.bin')
}

function startEmulator({ folder }: Setup) {
  return startServer({
    program: [COMMAND, 'emulator'],
    variables: {
      EMULATOR_PORT: '0',
      EMULATOR_DIR: join(folder, 'emulator'),
      EMULATOR_STORAGE_MINUTES: '1000000',
    },
    logFile: join(folder, 'emulator.log'),
  })
}

async function sendOnce({ load, folder }: Setup, { name, server }: Contestant): Promise<Round> {
  const upload = name === 'headgate' ? await createUpload(server.url) : null
  // As with the emulator, the previous file is deleted and the new one exists before the upload.
  if (upload === null) {
    rmSync(receivedIn({ folder }), { force: true })
    writeFileSync(receivedIn({ folder }), '')
  }
  const { seconds, serverCpu } = await load.sendFile({
    target: targetOf(upload?.location ?? server.url),
    path: upload === null ? '/' : new URL(upload.location).pathname,
    chunks: CHUNKS,
    pid: server.pid,
  })
  await upload?.remove()
  const megabytes = FILE_BYTES / 1e6
  const cpu = serverCpu === null ? null : serverCpu / megabytes
  return { value: megabytes / seconds, cpu, problem: null }
}

/** https://developers.cloudflare.com/stream/uploading-videos/resumable-uploads/ */
async function createUpload(
  url: string,
): Promise<{ readonly location: string; readonly remove: () => Promise<void> }> {
  const api = `${url}/client/v4/accounts/local/stream`
  const headers = { authorization: 'Bearer local-token' }
  const response = await fetch(`${api}?direct_user=true`, {
    method: 'POST',
    headers: { ...headers, 'tus-resumable': '1.0.0', 'upload-length': String(FILE_BYTES) },
  })
  await response.body?.cancel()
  const location = response.headers.get('location')
  const uid = response.headers.get('stream-media-id')
  if (location === null || uid === null)
    throw new Error(`Creating the upload failed with status ${response.status}.`)
  const remove = async (): Promise<void> => {
    const deleted = await fetch(`${api}/${uid}`, { method: 'DELETE', headers })
    await deleted.body?.cancel()
  }
  return { location, remove }
}
