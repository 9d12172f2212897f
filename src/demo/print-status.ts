/** Prints each status of an upload, and its result. */
import type { GatewayClient, WatchedUpload } from './gateway-client.ts'
import type { Terminal } from './terminal.ts'

/** Returns true when the upload ended READY. */
export async function printStatusUntilDone(
  call: GatewayClient,
  uid: string,
  terminal: Terminal,
): Promise<boolean> {
  let last: WatchedUpload | null = null
  for await (const upload of call.watch(uid)) {
    last = upload
    terminal.print(`   ${upload.status.padEnd(15)} ${detailOf(uid, upload)}`.trimEnd())
  }
  return last?.status === 'READY'
}

function detailOf(uid: string, { status, progress, failure, video }: WatchedUpload): string {
  if (failure !== null) return `${failure.code}: ${failure.message}`
  switch (status) {
    case 'PENDING_UPLOAD':
      return `uid ${uid}`
    case 'UPLOADING':
      return `${((progress.receivedBytes ?? 0) / 1e6).toFixed(1)} MB received`
    case 'IN_PROGRESS':
      return `${Math.round(progress.encodingPercent ?? 0)} %`
    case 'READY': {
      const details = `${video?.durationSeconds} s, ${video?.width} × ${video?.height}, ${video?.sizeBytes} bytes`
      // Null for a private video.
      const previewURL = video?.previewURL ?? null
      return previewURL === null ? details : `${details}\n   play it at      ${previewURL}`
    }
    default:
      return ''
  }
}
