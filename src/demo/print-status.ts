/** Prints each status of an upload as it comes, and what came of it. */
import type { GatewayCaller, WatchedUpload } from './gateway-client.ts'
import type { Screen } from './terminal.ts'

/** True when it ended READY. */
export async function watchToEnd(
  call: GatewayCaller,
  uid: string,
  screen: Screen,
): Promise<boolean> {
  let last: WatchedUpload | null = null
  for await (const upload of call.watch(uid)) {
    last = upload
    screen.say(`   ${upload.status.padEnd(15)} ${detailOf(uid, upload)}`.trimEnd())
  }
  return last?.status === 'READY'
}

function detailOf(uid: string, { status, progress, failure, video }: WatchedUpload): string {
  if (failure !== null) return `${failure.code}: ${failure.message}`
  switch (status) {
    case 'PENDING_UPLOAD':
      return `uid ${uid}`
    case 'UPLOADING':
      return `${((progress.receivedBytes ?? 0) / 1e6).toFixed(1)} MB have arrived`
    case 'IN_PROGRESS':
      return `${Math.round(progress.encodingPercent ?? 0)} %`
    case 'READY': {
      const facts = `${video?.durationSeconds} s, ${video?.width} × ${video?.height}, ${video?.sizeBytes} bytes`
      return `${facts}\n   play it at      ${video?.previewURL}`
    }
    default:
      return ''
  }
}
