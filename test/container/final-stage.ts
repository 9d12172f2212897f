/** Builds the files of the last stage into a folder that has the layout of the image. */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { type Stage, copiesOf, root, valueOf, valuesOf } from './dockerfile.ts'

export interface FinalStage {
  /** The folder in place of `/`. */
  readonly folder: string
  remove(): Promise<void>
}

const lockSchema = z.object({
  packages: z.record(z.string(), z.object({ dev: z.boolean().optional() })),
})

/** Builds from the files that the first stage copies, then copies the files of the last stage. */
export async function layOut(builder: Stage, final: Stage): Promise<FinalStage> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-image-'))
  const built = await mkdtemp(join(tmpdir(), 'headgate-image-build-'))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    for (const { sources, target } of copiesOf(builder)) {
      for (const source of sources) await copyInto(join(root, source), built, source, target)
    }
    await symlink(join(root, 'node_modules'), join(built, 'node_modules'))
    await promisify(execFile)('npm', ['run', 'build'], { cwd: built })

    const workdir = join(folder, valuesOf(final, 'WORKDIR')[0] ?? '')
    for (const { sources, target } of copiesOf(final)) {
      for (const source of sources) {
        const path = posix.relative(valueOf(builder, 'WORKDIR'), source)
        if (path === 'node_modules') await copyPackages(join(workdir, target))
        else await copyInto(join(built, path), workdir, path, target)
      }
    }
    return { folder, remove }
  } catch (error) {
    await remove()
    throw error
  } finally {
    await rm(built, { recursive: true, force: true })
  }
}

/** A target that ends with a slash is a folder; the source is copied into it. */
async function copyInto(from: string, folder: string, path: string, target: string) {
  const to = target.endsWith('/')
    ? join(folder, target, posix.basename(path))
    : join(folder, target)
  await cp(from, to, { recursive: true })
}

/** Copies the packages that the lockfile does not mark as `dev`, without the source of SQLite. */
async function copyPackages(to: string): Promise<void> {
  const lock = lockSchema.parse(JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')))
  for (const [path, { dev }] of Object.entries(lock.packages)) {
    if (path === '' || dev === true) continue
    await cp(join(root, path), join(to, posix.relative('node_modules', path)), {
      recursive: true,
      filter: (file) => !isBuildOnly(file),
    })
  }
}

function isBuildOnly(file: string): boolean {
  const [, inside = ''] = /better-sqlite3\/(.+)$/.exec(file) ?? []
  if (/^(?:deps|src)(?:\/|$)/.test(inside)) return true
  return inside.startsWith('build/Release/') && inside !== 'build/Release/better_sqlite3.node'
}
