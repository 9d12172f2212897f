// @ts-check
/**
 * Child process of media-reader.ts: reads media files one at a time. JavaScript, because Node runs this file
 * unchanged both in the TypeScript sources (tests) and in the build.
 */
import { open } from 'node:fs/promises'

import { startLimits } from '../child-limits.js'
import { hasKnownSignature } from './container-signatures.js'
import { readWithMediabunny } from './mediabunny-reader.js'
import { readMovieTiming } from './movie-timing.js'
import { emptyResult } from './result.js'
import { hasImpossibleTables } from './sample-tables.js'

/**
 * @typedef {{ path: string, timeoutMs: number }} Job
 * @typedef {import('./result.js').Result} Result
 */

const startTimeout = await startLimits()
process.on('message', (/** @type {Job} */ job) => void run(job))
process.send?.('ready')

/** @param {Job} job */
async function run({ path, timeoutMs }) {
  const result = await readMedia(path, timeoutMs)
  process.send?.(result)
}

/**
 * @param {string} path
 * @param {number} timeoutMs of each reader
 * @returns {Promise<Result>}
 */
async function readMedia(path, timeoutMs) {
  const file = await open(path, 'r').catch(() => null)
  // The file has been deleted.
  if (file === null) return emptyResult('no-video', null)
  try {
    startTimeout(timeoutMs)
    const { size } = await file.stat()
    if (hasImpossibleTables(file.fd, size)) return emptyResult('damaged', 'video/mp4')
    const timing = readMovieTiming(file.fd, size)
    const first = await readWithMediabunny(file)
    if (first.kind === 'video')
      return { ...first, durationSeconds: timing?.durationSeconds ?? first.durationSeconds }
    if (timing === null && !(await hasKnownSignature(file))) return first
    startTimeout(0)
    // Most files do not need this reader, which takes 35 MB and 0.1 seconds to load.
    const { createMediaInfo, readWithMediaInfo } = await import('./mediainfo-reader.js')
    const mediaInfo = await createMediaInfo()
    startTimeout(timeoutMs)
    const second = await readWithMediaInfo(mediaInfo, file, size, timing)
    return second === null
      ? first
      : { ...second, contentType: first.contentType ?? second.contentType }
  } finally {
    startTimeout(0)
    await file.close()
  }
}
