/** What Yoga's plugins are here: those that know who asks, and with which request. */
import type { Plugin } from 'graphql-yoga'
import type { Viewer } from '../../../uploads/viewer.ts'

export type GatewayPlugin = Plugin<{
  readonly viewer: Viewer
  readonly requestId?: string | undefined
}>
