/** The answer to a failure of ours on the way, where no door has one. */
import type { ServerResponse } from 'node:http'
import type { BesideDoors } from '../http/host-responses.ts'
import type { Log } from '../uploads/dependencies.ts'
import type { Incoming } from './server/request-info.ts'
import { sendAnswer } from './server/responses.ts'

/** Answers 500 with the id by which the log has the error; cuts short what has begun. */
export function apologise(
  res: ServerResponse,
  { besideDoors, log }: { readonly besideDoors: BesideDoors; readonly log: Log },
  { requestId, startedAt, client }: Incoming,
  error: unknown,
): void {
  log.error({ requestId, err: error }, 'unexpected error')
  if (res.headersSent) {
    res.destroy()
    return
  }
  const status = 500
  const { url = '', method = '', headers } = res.req
  besideDoors.note({ url, method, status, requestId, startedAt, client })
  sendAnswer(
    res,
    {
      status,
      headers: besideDoors.headers(headers.origin ?? null, 'text/plain; charset=utf-8'),
      text: `Unexpected error. Ask for it by this id: ${requestId}\n`,
    },
    requestId,
  )
}
