/**
 * Every audit of the GraphQL over HTTP specification's own suite: MUST, SHOULD and MAY.
 * https://github.com/graphql/graphql-http#audits
 */
import { type AuditResult, serverAudits } from 'graphql-http'
import { expect } from 'vitest'
import { tokenFor } from '../kit/gateway.ts'

/** Number of audits in this version of the suite. A suite with fewer audits proves less. */
const AUDITS = 61

/**
 * Returns the names of the audits that the gateway at this URL fails, with cold or warm caches. The
 * gateway accepts tokens signed with TEST_SECRET.
 */
export async function failedAudits(url: string): Promise<string[]> {
  const names: string[] = []
  const authorization = `Bearer ${await tokenFor('ada')}`
  const fetchFn = (input: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers)
    headers.set('authorization', authorization)
    return fetch(input, { ...init, headers })
  }
  for (const caches of ['cold', 'warm']) {
    const audits = serverAudits({ url: `${url}/graphql`, fetchFn })
    const results = new Map<string, AuditResult>()
    for (const audit of audits) results.set(audit.name, await audit.fn())
    const failed = [...results].filter(([, { status }]) => status !== 'ok')
    names.push(...failed.map(([name]) => name))
    expect(results.size).toBe(AUDITS)
    const levels = ['MUST', 'SHOULD', 'MAY'].map(
      (level) => `${[...results.keys()].filter((name) => name.startsWith(level)).length} ${level}`,
    )
    process.stdout.write(
      `GraphQL over HTTP, caches ${caches}: ${results.size} of ${AUDITS} audits pass (${levels.join(', ')}).\n`,
    )
  }
  return names
}
