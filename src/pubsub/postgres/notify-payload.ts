/** What gateways tell each other of changes: names and versions only, many in one message. */

/** A version of an upload that was recorded. */
export interface Notice {
  readonly uid: string
  readonly version: number
}

/** PostgreSQL takes payloads shorter than 8,000 bytes. https://www.postgresql.org/docs/current/sql-notify.html */
const MOST_BYTES = 7900

/** Takes as many of the notices as one message holds, and says what it holds. */
export function writeNotices(sender: string, notices: Map<string, number>): string {
  let message = sender
  let bytes = bytesOf(sender)
  for (const [uid, version] of notices) {
    const line = `\n${uid} ${version}`
    bytes += bytesOf(line)
    if (bytes > MOST_BYTES) break
    notices.delete(uid)
    message += line
  }
  return message
}

/** Nothing where the reader sent it itself; lines that say nothing are passed over. */
export function readNotices(reader: string, message: string): readonly Notice[] {
  const [sender, ...lines] = message.split('\n')
  if (sender === reader) return []
  return lines.flatMap((line) => {
    const place = line.lastIndexOf(' ')
    const version = Number(line.slice(place + 1))
    return place > 0 && Number.isInteger(version) ? [{ uid: line.slice(0, place), version }] : []
  })
}

const encoder = new TextEncoder()

function bytesOf(text: string): number {
  return encoder.encode(text).length
}
