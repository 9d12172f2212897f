/** Sends a file from memory in tus chunks, as fast as the server accepts it. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { cpuMicroseconds } from '../cpu.ts'
import type { SendFile } from './work.ts'

/** Bytes of one write to the socket. */
const block = Buffer.alloc(1024 * 1024, 7)

/** Seconds from the first byte of the first chunk until the response to the last chunk. */
export async function sendFile(
  work: SendFile,
): Promise<{ seconds: number; serverCpu: number | null }> {
  const socket = connect(work.target)
  await once(socket, 'connect')
  const cpuBefore = cpuMicroseconds(work.pid)
  const startedAt = performance.now()
  let offset = 0
  for (const bytes of work.chunks) {
    socket.write(
      `PATCH ${work.path} HTTP/1.1\r\nhost: 127.0.0.1\r\ntus-resumable: 1.0.0\r\n` +
        'content-type: application/offset+octet-stream\r\n' +
        `upload-offset: ${offset}\r\ncontent-length: ${bytes}\r\n\r\n`,
    )
    const responded = once(socket, 'data')
    for (let left = bytes; left > 0; left -= block.length) {
      const bytesToWrite = left < block.length ? block.subarray(0, left) : block
      if (!socket.write(bytesToWrite)) await Promise.race([once(socket, 'drain'), responded])
    }
    const [response] = await responded
    const [status = ''] = String(response).split('\r\n', 1)
    if (!status.startsWith('HTTP/1.1 204')) throw new Error(`a chunk was rejected: ${status}`)
    offset += bytes
  }
  const seconds = (performance.now() - startedAt) / 1000
  const cpuAfter = cpuMicroseconds(work.pid)
  socket.destroy()
  return {
    seconds,
    serverCpu: cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore,
  }
}
