/** Files of each container that Stream documents, of others, and truncated ones. */
import { readdirSync, readFileSync } from 'node:fs'

import { damagedVideo, headlessVideo, testcard, testcardFile, textFile } from '../kit/media.ts'
import type { Layout } from './mp4-layouts.ts'

const folder = new URL('fixtures/', import.meta.url)

/** The files of fixtures/make.sh. */
const fixtures = readdirSync(folder)
  .filter((name) => name !== 'make.sh')
  .toSorted((a, b) => (a < b ? -1 : 1))
  .map((name): Layout => ({ name, bytes: readFileSync(new URL(name, folder)) }))

/** Containers that remain readable without their last third. */
const truncated = fixtures
  .filter(({ name }) =>
    /^(?:mpeg4\.avi|h264\.flv|mpeg2\.mpegts|h264\.mpegts|mpeg1\.mpg|mpeg2\.mxf)$/.test(name),
  )
  .map(({ name, bytes }): Layout => ({
    name: `${name} without its last third`,
    bytes: bytes.subarray(0, (bytes.length * 2) / 3),
  }))

async function bytesOf(file: Blob): Promise<Buffer> {
  return Buffer.from(await file.arrayBuffer())
}

export async function containerLayouts(): Promise<readonly Layout[]> {
  return [
    ...fixtures,
    ...truncated,
    { name: 'the test card', bytes: Buffer.from(testcard.bytes) },
    { name: 'a text', bytes: await bytesOf(textFile()) },
    { name: 'zeros', bytes: Buffer.alloc(5000) },
    { name: 'a truncated MP4', bytes: await bytesOf(damagedVideo()) },
    { name: 'MP4 without its last byte', bytes: await bytesOf(testcardFile().slice(0, -1)) },
    { name: 'MP4 without tables', bytes: await bytesOf(headlessVideo()) },
  ]
}
