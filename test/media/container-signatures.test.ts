/** Files without a known beginning are not searched for video. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { hasKnownSignature } from '../../src/emulator/media/container-signatures.js'

async function isKnown(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    return await hasKnownSignature(file)
  } finally {
    await file.close()
  }
}

it.each<[string, Buffer]>([
  ['random bytes', Buffer.concat([Buffer.from('GARBAGE!'), randomBytes(100_000)])],
  ['zeros', Buffer.alloc(100_000)],
  ['text', Buffer.from('This is not a video. '.repeat(5000))],
  ['a WAVE file', Buffer.from('RIFF\u0024\u0000\u0000\u0000WAVEfmt ')],
  ['no bytes', Buffer.alloc(0)],
])('%s begin like no container', async (_name, bytes) => {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-signatures-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'file')
  await writeFile(path, bytes)
  expect(await isKnown(path)).toBe(false)
})

const FIXTURES = new URL('fixtures/', import.meta.url).pathname

it('recognizes every container among the fixtures', async () => {
  const videos = (await readdir(FIXTURES)).filter((name) =>
    /\.(?:avi|flv|mxf|gxf|mpg|vob|mpegts|m2ts|mov|mkv|webm)$/.test(name),
  )
  expect(videos.length).toBeGreaterThan(5)
  const known = await Promise.all(
    videos.map(async (name) => [name, await isKnown(FIXTURES + name)]),
  )
  expect(known.filter(([, isFound]) => isFound !== true)).toEqual([])
})
