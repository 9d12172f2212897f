/**
 * Claims of a playback token, and its access rules.
 * https://developers.cloudflare.com/stream/viewing-videos/securing-your-stream/
 */
import { BlockList, isIP } from 'node:net'

import { z } from 'zod'

import { MAX_ACCESS_RULES } from '../limits.ts'

/** An address, or a network in CIDR notation. */
const ipSchema = z.string().refine((text) => subnetOf(text) !== null, {
  error: 'must be an IP address or a network such as 10.0.0.0/8',
})
const actionSchema = z.enum(['allow', 'block'])
const ruleSchema = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('any'), action: actionSchema }),
  z.looseObject({ type: z.literal('ip.src'), action: actionSchema, ip: z.array(ipSchema).min(1) }),
  z.looseObject({
    type: z.literal('ip.geoip.country'),
    action: actionSchema,
    country: z.array(z.string().length(2).toUpperCase()).min(1),
  }),
])
type Rule = z.infer<typeof ruleSchema>

/** Claims that the creator of a token chooses. Rules are applied in order. */
export const tokenOptionsShape = {
  downloadable: z.boolean().optional(),
  accessRules: z.array(ruleSchema).max(MAX_ACCESS_RULES).optional(),
  flags: z.looseObject({ original: z.boolean().optional() }).optional(),
}

/** Claims of a token. `exp` and `nbf` are seconds since 1970. */
export const claimsSchema = z.looseObject({
  /** The uid of the video. */
  sub: z.string(),
  kid: z.string(),
  exp: z.number(),
  nbf: z.number().optional(),
  ...tokenOptionsShape,
})

/** What access rules know of the client that plays a video. */
export interface PlaybackClient {
  readonly address: string
  /** Two capital letters; null if it is unknown. */
  readonly country: string | null
}

/** Returns whether the first rule that matches allows the client; true if none matches. */
export type AllowsClient = (client: PlaybackClient) => boolean

export function compileAccessRules(rules: readonly Rule[]): AllowsClient {
  const compiled = rules.map((rule) => ({ action: rule.action, matches: compileMatch(rule) }))
  return (client) => compiled.find(({ matches }) => matches(client))?.action !== 'block'
}

function compileMatch(rule: Rule): (client: PlaybackClient) => boolean {
  switch (rule.type) {
    case 'any':
      return () => true
    case 'ip.geoip.country':
      return ({ country }) => country !== null && rule.country.includes(country)
    case 'ip.src':
      return compileNetworks(rule.ip)
  }
}

function compileNetworks(networks: readonly string[]): (client: PlaybackClient) => boolean {
  // One list per family: in one list, the network ::/0 contains all IPv4 addresses too.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() }
  for (const text of networks) {
    const subnet = subnetOf(text)
    if (subnet === null) continue
    const { address, prefix, family } = subnet
    lists[family].addSubnet(address, prefix, family)
  }
  return (client) => {
    // A server that listens on `::` has IPv4 clients with such addresses.
    const address = client.address.replace(/^::ffff:(?=[\d.]+$)/i, '')
    const family = familyOf(address)
    return lists[family].check(address, family)
  }
}

interface Subnet {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

/** Returns null if the text is no address and no network. */
function subnetOf(text: string): Subnet | null {
  const [address = '', length, ...rest] = text.split('/')
  // Zones such as fe80::1%eth0 name an interface of one machine.
  if (isIP(address) === 0 || address.includes('%') || rest.length > 0) return null
  const family = familyOf(address)
  const maximum = family === 'ipv4' ? 32 : 128
  const prefix = length === undefined ? maximum : readPrefix(length)
  return prefix !== null && prefix <= maximum ? { address, prefix, family } : null
}

function readPrefix(text: string): number | null {
  return /^\d{1,3}$/.test(text) ? Number(text) : null
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}
