/** Those whom the gateway lets in, by the rules that it was started with. */
import type { Log } from '../uploads/dependencies.ts'
import type { Viewer } from '../uploads/viewer.ts'
import { type AuthRules, createAuthenticate } from './auth/authenticate.ts'
import { createKeySet } from './auth/jwks.ts'
import { type Callers, rememberCallers } from './auth/authenticator.ts'

const LOCAL_ADMIN: Viewer = { subject: 'local', isAdmin: true, expiresAt: null }

/** @param keepAlive as `GatewayOptions` has it */
export function createCallers(
  rules: AuthRules,
  now: () => Date,
  log: Log,
  keepAlive?: (work: Promise<unknown>) => void,
): Callers {
  if (rules.kind === 'open') {
    return { authenticate: async () => LOCAL_ADMIN, recall: () => LOCAL_ADMIN }
  }
  const keySet = rules.jwksURL === null ? null : createKeySet(rules.jwksURL, now, log, keepAlive)
  const authenticate = createAuthenticate(rules, keySet, now)
  return rememberCallers(authenticate, now, () => (keySet === null ? 0 : keySet.version()))
}
