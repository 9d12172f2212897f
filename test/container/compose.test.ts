/** The compose file of three gateways behind a load balancer, checked without running containers. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Config, readConfig } from '../../src/config/gateway-config.ts'
import { knownVariables } from '../../src/config/known-variables.ts'
import { clientAddress } from '../../src/node/server/client-address.ts'
import { startTestGateway } from '../kit/gateway.ts'
import { interpolate, readYaml } from './compose-file.ts'
import { readStages, root, valueOf, variablesOf } from './dockerfile.ts'

const folder = 'src/store/postgres/compose'
const text = readFileSync(join(root, folder, 'compose.yaml'), 'utf8')
const caddyfile = readFileSync(join(root, folder, 'Caddyfile'), 'utf8')

const service = z.object({
  image: z.string(),
  environment: z.record(z.string(), z.string()).default({}),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  stop_grace_period: z.string().optional(),
  volumes: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
})
const { services, networks } = z
  .object({
    services: z.record(z.string(), service),
    volumes: z.record(z.string(), z.object({})),
    networks: z.object({
      inside: z.object({
        ipam: z.object({ config: z.array(z.object({ subnet: z.string() })) }),
      }),
    }),
  })
  .parse(readYaml(text))
const gateways = Object.keys(services).filter((name) => name.startsWith('gateway-'))

/** Variables that the operator must set, as the documentation says. */
const REQUIRED = {
  PUBLIC_URL: 'https://uploads.example.com',
  POSTGRES_PASSWORD: 'a1b2c3d4e5f6',
  CLOUDFLARE_ACCOUNT_ID: 'account',
  CLOUDFLARE_API_TOKEN: 'token',
  STREAM_WEBHOOK_SECRET: '0123456789abcdef0123456789abcdef',
  AUTH_JWT_SECRET: 'a secret of at least 32 bytes, and more',
  METRICS_TOKEN: 'a-token-for-prometheus',
}

function serviceOf(name: string): z.infer<typeof service> {
  const found = services[name]
  if (found === undefined) throw new Error(`The compose file has no service ${name}.`)
  return found
}

function environmentOf(name: string, variables: Readonly<Record<string, string>> = REQUIRED) {
  const pairs = Object.entries(serviceOf(name).environment)
  return Object.fromEntries(pairs.map(([key, value]) => [key, interpolate(value, variables)]))
}

/** Reads the configuration from the variables of the image, overridden by those of compose. */
function configOf(name: string): Config {
  const [, final] = readStages()
  if (final === undefined) throw new Error('The Dockerfile must have two stages.')
  const outcome = readConfig({ ...variablesOf(final), ...environmentOf(name) })
  if (outcome.kind !== 'config') throw new Error(outcome.errors.join(' '))
  expect(outcome.warnings).toEqual([])
  return outcome.config
}

describe('the compose file', () => {
  it.each(gateways)('configures %s with known variables only', (name) => {
    const config = configOf(name)
    const names = Object.keys(serviceOf(name).environment)
    expect(names.filter((variable) => !Object.hasOwn(knownVariables, variable))).toEqual([])
    expect(config.stream.kind).toBe('account')
    expect(config.auth.kind).toBe('jwt')
    expect(config.publicURL).toBe(REQUIRED.PUBLIC_URL)
    expect(config.webhookSecrets).toEqual([REQUIRED.STREAM_WEBHOOK_SECRET])
    expect(config.host).toBe('0.0.0.0')
  })

  it('has three identical gateways on its own PostgreSQL', () => {
    expect(gateways).toEqual(['gateway-1', 'gateway-2', 'gateway-3'])
    for (const name of gateways) expect(serviceOf(name)).toEqual(serviceOf('gateway-1'))
    const { database } = configOf('gateway-1')
    if (database.kind !== 'postgres') throw new Error('The gateways do not use PostgreSQL.')
    const { hostname, port, pathname, username, password } = new URL(database.url)
    const { POSTGRES_USER, POSTGRES_DB, POSTGRES_PASSWORD } = environmentOf('postgres')
    expect({ hostname, port, pathname }).toEqual({
      hostname: 'postgres',
      port: '5432',
      pathname: `/${POSTGRES_DB}`,
    })
    expect([username, password]).toEqual([POSTGRES_USER, POSTGRES_PASSWORD])
    // Each gateway needs one more connection for LISTEN. The server reserves 3 of 100 for superusers.
    expect(gateways.length * (database.connections + 1)).toBeLessThanOrEqual(97)
    expect(serviceOf('gateway-1').depends_on['postgres']).toEqual({ condition: 'service_healthy' })
  })

  it('contains no secret, and fails to start when a secret is not set', () => {
    const secrets = Object.values(services)
      .flatMap(({ environment }) => Object.entries(environment))
      .filter(([name]) => /(?:SECRET|TOKEN|PASSWORD)$/.test(name))
    expect(secrets).toHaveLength(gateways.length * 4 + 1)
    expect(secrets.filter(([, value]) => !/^\$\{\w+:\?[^}]+\}$/.test(value))).toEqual([])
    for (const name of Object.keys(REQUIRED)) {
      const without = { ...REQUIRED, [name]: '' }
      expect(() => Object.keys(services).map((key) => environmentOf(key, without))).toThrow(name)
    }
  })

  it('excludes the file with the secrets from the repository, the image and the package', () => {
    const tracked = execFileSync('git', ['ls-files', folder], { cwd: root, encoding: 'utf8' })
    expect(tracked.trim().split('\n')).toEqual([`${folder}/Caddyfile`, `${folder}/compose.yaml`])
    const ignored = execFileSync('git', ['check-ignore', `${folder}/.env`], {
      cwd: root,
      encoding: 'utf8',
    })
    expect(ignored.trim()).toBe(`${folder}/.env`)
    expect(readFileSync(join(root, '.dockerignore'), 'utf8').split('\n')).toContain('**/.env')
    const manifest = readFileSync(join(root, 'package.json'), 'utf8')
    const { files } = z.object({ files: z.array(z.string()) }).parse(JSON.parse(manifest))
    // A listed folder would also publish its other files.
    expect(files.filter((path) => path.startsWith('src/'))).not.toContain(folder)
    expect(files).toEqual(expect.arrayContaining([`${folder}/Caddyfile`, `${folder}/compose.yaml`]))
  })

  it('checks health at an existing endpoint on the port of the image', async () => {
    const healthchecks = gateways.map((name) => serviceOf(name).healthcheck?.test.join(' ') ?? '')
    const [, path] =
      /^CMD node --eval fetch\('http:\/\/127\.0\.0\.1:4000(\/\w+)'\)/.exec(healthchecks[0] ?? '') ??
      []
    const [, probed] = /^\s*health_uri (\S+)$/m.exec(caddyfile) ?? []
    expect([path, probed]).toEqual(['/readyz', '/readyz'])
    expect(configOf('gateway-1').port).toBe(4000)
    const gateway = await startTestGateway()
    const response = await fetch(`${gateway.url}${path}`)
    expect([response.status, await response.json()]).toEqual([200, { status: 'ready' }])
  })

  it('allows a gateway more time to stop than it needs, and stores data in a volume', () => {
    expect(Number.parseInt(serviceOf('gateway-1').stop_grace_period ?? '', 10)).toBeGreaterThan(30)
    expect(serviceOf('postgres').volumes).toEqual(['database:/var/lib/postgresql/data'])
    const [, final] = readStages()
    if (final === undefined) throw new Error('The Dockerfile must have two stages.')
    expect(valueOf(final, 'EXPOSE').split(' ')).toContain('4000')
  })
})

describe('the load balancer', () => {
  const upstreams = [...caddyfile.matchAll(/^\s*reverse_proxy (?:@\w+ )?(.+) \{$/gm)]

  it('proxies to every gateway, whether or not one is ready', () => {
    expect(upstreams.map(([, hosts]) => hosts)).toEqual([
      gateways.map((name) => `${name}:4000`).join(' '),
      gateways.map((name) => `${name}:4000`).join(' '),
    ])
    expect(Object.keys(serviceOf('caddy').depends_on)).toEqual(gateways)
  })

  it('flushes events immediately, and has no timeout shorter than the SSE heartbeat', () => {
    expect(caddyfile.match(/^\s*flush_interval -1$/gm)).toHaveLength(upstreams.length)
    expect(caddyfile).not.toMatch(
      /(?:read|write|response_header|stream)_timeout|request_buffers|response_buffers/,
    )
  })

  it('closes idle keep-alive connections before the gateway does', () => {
    const keepAliveSeconds = [...caddyfile.matchAll(/^\s*keepalive (\d+)s$/gm)].map(([, seconds]) =>
      Number(seconds),
    )
    const source = readFileSync(join(root, 'src/node/server/http-server.ts'), 'utf8')
    const [, gatewayMs = ''] = /KEEP_ALIVE_MS = ([\d_]+)/.exec(source) ?? []
    expect(keepAliveSeconds).toHaveLength(upstreams.length)
    expect(Math.max(...keepAliveSeconds) * 1000).toBeLessThan(Number(gatewayMs.replaceAll('_', '')))
  })

  it('is a trusted proxy: its X-Forwarded-For sets the client address', () => {
    const [network] = networks.inside.ipam.config
    expect(environmentOf('gateway-1')['TRUSTED_PROXIES']).toBe(network?.subnet)
    const proxyAddress = network?.subnet.replace(/0\/24$/, '7') ?? ''
    const { trustedProxies } = configOf('gateway-1')
    expect(clientAddress(proxyAddress, '203.0.113.5', trustedProxies)).toBe('203.0.113.5')
    expect(clientAddress('198.51.100.1', '203.0.113.5', trustedProxies)).toBe('198.51.100.1')
  })

  it('responds 404 for /metrics, and serves the public URL of the gateways', () => {
    expect(caddyfile).toMatch(/@metrics path \/metrics\n\s*respond @metrics 404/)
    expect(caddyfile).toMatch(/^\{\$PUBLIC_URL\} \{$/m)
    expect(environmentOf('caddy')['PUBLIC_URL']).toBe(configOf('gateway-1').publicURL)
    expect(serviceOf('caddy').volumes).toContain('./Caddyfile:/etc/caddy/Caddyfile:ro')
  })
})

describe('readYaml', () => {
  it('parses maps, lists, anchors and merges, and throws on other syntax', () => {
    expect(
      readYaml(
        'one: &first\n  a: "1"\n  list:\n    - x\n    - "y: z"\ntwo:\n  <<: *first\n  b: \'c\'\nthree: {}',
      ),
    ).toEqual({
      one: { a: '1', list: ['x', 'y: z'] },
      two: { a: '1', list: ['x', 'y: z'], b: 'c' },
      three: {},
    })
    for (const wrong of [
      'a: |',
      'a: x # y',
      'a:',
      'a: x\na: y',
      'a: x\n  b: y',
      'a: *b',
      '\ta: [',
      "a: 'x''y'",
    ]) {
      expect(() => readYaml(wrong)).toThrow(/./)
    }
  })
})
