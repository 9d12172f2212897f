/** Prints each status of an upload as it comes, and what came of it. */
import type { GatewayCaller, WatchedUpload } from './call-gateway.ts'

/** True when it ended READY. The address to play it stays good as long as its emulator runs. */
export async function watchToEnd(
  call: GatewayCaller,
  uid: string,
  say: (line: string) => void,
): Promise<boolean> {
  let last: WatchedUpload | null = null
  for await (const upload of call.watch(uid)) {
    last = upload
    say(`   ${upload.status.padEnd(15)} ${detailOf(upload)}`.trimEnd())
  }
  if (last?.video?.previewURL && last.status === 'READY')
    say(`   play it at ${last.video.previewURL}`)
  return last?.status === 'READY'
}

function detailOf({ status, progress, failure, video }: WatchedUpload): string {
  if (failure !== null) return `${failure.code}: ${failure.message}`
  if (status === 'IN_PROGRESS') return `${Math.round(progress.encodingPercent ?? 0)} %`
  if (status !== 'READY' || video === null) return ''
  return `${video.durationSeconds} s, ${video.width} × ${video.height}, ${video.sizeBytes} bytes`
}
