/** A caller without administrator rights, and without limits of its own. */
import type { Viewer } from '../../src/uploads/viewer.ts'

export const alice: Viewer = {
  subject: 'alice',
  isAdmin: false,
  canPlayAll: false,
  limits: null,
  expiresAt: null,
}
