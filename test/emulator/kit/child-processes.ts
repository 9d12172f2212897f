/** The child processes of this one, which runs the emulator. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Returns the ids of those that run a script with this name. */
export async function childProcesses(script: string): Promise<readonly string[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'ppid=,pid=,stat=,args='])
  return stdout.split('\n').flatMap((row) => {
    const [ppid, pid, state, ...args] = row.trim().split(/ +/)
    const isRunning = state?.startsWith('Z') === false && args.some((arg) => arg.endsWith(script))
    return ppid === String(process.pid) && pid !== undefined && isRunning ? [pid] : []
  })
}
