/** The path of an endpoint in a request target. */

/** Returns the path without the query string, and without one slash at its end: `/tus/` is `/tus`. */
export function endpointPath(target: string): string {
  const queryAt = target.indexOf('?')
  const path = queryAt === -1 ? target : target.slice(0, queryAt)
  return path.endsWith('/') && path !== '/' && !path.endsWith('//') ? path.slice(0, -1) : path
}
