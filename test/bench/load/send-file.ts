/** Sends a file in chunks, as a tus client does, from memory and as fast as it is taken. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { cpuMicroseconds } from '../cpu.ts'
import type { SendFile } from './work.ts'

/** Handed to the socket at a time. */
const piece = Buffer.alloc(1024 * 1024, 7)

/** Seconds from the first byte of the first chunk until the last one is answered. */
export async function sendFile(
  work: SendFile,
): Promise<{ seconds: number; serverCpu: number | null }> {
  const socket = connect(work.target)
  await once(socket, 'connect')
  const cpuBefore = cpuMicroseconds(work.pid)
  const begun = performance.now()
  let offset = 0
  for (const bytes of work.chunks) {
    socket.write(
      `PATCH ${work.path} HTTP/1.1\r\nhost: 127.0.0.1\r\ntus-resumable: 1.0.0\r\n` +
        'content-type: application/offset+octet-stream\r\n' +
        `upload-offset: ${offset}\r\ncontent-length: ${bytes}\r\n\r\n`,
    )
    const answered = once(socket, 'data')
    for (let left = bytes; left > 0; left -= piece.length) {
      const part = left < piece.length ? piece.subarray(0, left) : piece
      if (!socket.write(part)) await Promise.race([once(socket, 'drain'), answered])
    }
    const [answer] = await answered
    const [status = ''] = String(answer).split('\r\n', 1)
    if (!status.startsWith('HTTP/1.1 204')) throw new Error(`a chunk was answered ${status}`)
    offset += bytes
  }
  const seconds = (performance.now() - begun) / 1000
  const cpuAfter = cpuMicroseconds(work.pid)
  socket.destroy()
  return {
    seconds,
    serverCpu: cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore,
  }
}
