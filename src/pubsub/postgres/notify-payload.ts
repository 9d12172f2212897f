/** Encodes and decodes NOTIFY payloads between gateways: uids and versions, many per payload. */

/** A recorded version of an upload. */
export interface UploadVersion {
  readonly uid: string
  readonly version: number
}

/** PostgreSQL allows payloads under 8,000 bytes. https://www.postgresql.org/docs/current/sql-notify.html */
const MAX_PAYLOAD_BYTES = 7900

/** Moves as many versions as fit from the map into one payload, and returns it. */
export function encodeNotifyPayload(sender: string, versions: Map<string, number>): string {
  let payload = sender
  let bytes = bytesOf(sender)
  for (const [uid, version] of versions) {
    const line = `\n${uid} ${version}`
    bytes += bytesOf(line)
    if (bytes > MAX_PAYLOAD_BYTES) break
    versions.delete(uid)
    payload += line
  }
  return payload
}

/** Skips malformed lines. Returns nothing for payloads that the reader sent itself. */
export function decodeNotifyPayload(reader: string, payload: string): readonly UploadVersion[] {
  const [sender, ...lines] = payload.split('\n')
  if (sender === reader) return []
  return lines.flatMap((line) => {
    const space = line.lastIndexOf(' ')
    const version = Number(line.slice(space + 1))
    return space > 0 && Number.isInteger(version) ? [{ uid: line.slice(0, space), version }] : []
  })
}

const encoder = new TextEncoder()

function bytesOf(text: string): number {
  return encoder.encode(text).length
}
