/** A file system of a few megabytes that a test can fill: ENOSPC from the kernel, as on a full disk. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'

const run = promisify(execFile)

export interface SmallDisk {
  readonly folder: string
  /** Writes a file that leaves no block free. */
  fill(): Promise<void>
  /** Removes that file. */
  free(): Promise<void>
  /** Bytes that files occupy, with those that are removed and still open. */
  usedBytes(): Promise<number>
}

/** Null where this user may not mount a tmpfs. It is unmounted when the test is over. */
export async function mountSmallDisk(megabytes: number): Promise<SmallDisk | null> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-disk-'))
  const isMounted = await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder])
    .then(() => true)
    .catch(() => false)
  onTestFinished(async () => {
    if (isMounted) await run('umount', ['--lazy', folder])
    await rm(folder, { recursive: true, force: true })
  })
  if (!isMounted) return null
  const filler = join(folder, 'filler')
  return {
    folder,
    async fill() {
      const { bavail, bsize } = await statfs(folder)
      await writeFile(filler, Buffer.alloc(bavail * bsize))
    },
    free: () => rm(filler),
    async usedBytes() {
      const { bfree, blocks, bsize } = await statfs(folder)
      return (blocks - bfree) * bsize
    },
  }
}
