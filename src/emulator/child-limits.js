// @ts-check
/**
 * Limits of a child process that parses uploaded files, imported by its script. JavaScript, because Node runs this
 * file unchanged both in the TypeScript sources (tests) and in the build.
 */
import { Worker } from 'node:worker_threads'

/**
 * Kills the process when its time is over, or when it has more memory than it may: V8's heap limit does not include
 * the bytes that are read from a file. Processor time counts, so that a busy machine does not end the reading of
 * valid files. A process that waits for nothing ends after ten times that time. It is a thread, because an endless
 * loop blocks the timers and the disconnect event of the main thread.
 */
const watchdog = `
const { parentPort, workerData } = require('node:worker_threads')
const processorMs = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
let [lastProcessorMs, lastMs] = [Infinity, Infinity]
parentPort.on('message', (milliseconds) => {
  const more = milliseconds === 0 ? Infinity : milliseconds
  lastProcessorMs = processorMs() + more
  lastMs = performance.now() + more * 10
})
setInterval(() => {
  const isOver = processorMs() > lastProcessorMs || performance.now() > lastMs
  if (isOver || process.memoryUsage.rss() > workerData.maxBytes) process.kill(process.pid, 'SIGKILL')
}, 20)`

/**
 * Starts the limits. Resolves to a function that starts the time of a job again, in milliseconds of processor time;
 * 0 stops it. The maximum memory in MiB is the first argument of the process (see child-process.ts).
 * @returns {Promise<(milliseconds: number) => void>}
 */
export async function startLimits() {
  // Terminals and service managers send signals to the whole process group, but only the parent process may end
  // this process.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined)
  process.on('disconnect', () => process.exit())
  const maxBytes = Number(process.argv[2]) * 1_048_576
  const worker = new Worker(watchdog, { eval: true, workerData: { maxBytes } })
  await new Promise((resolve) => {
    worker.once('online', () => resolve(null))
  })
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  return (milliseconds) => worker.postMessage(milliseconds)
}
