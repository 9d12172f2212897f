/** Mercurius with the fastest documented settings: queries are compiled after their first run. */
import Fastify from 'fastify'
import mercurius from 'mercurius'
import { announce } from './listen.mjs'
import { resolvers, typeDefs } from './schema.mjs'

const app = Fastify()
await app.register(mercurius, { schema: typeDefs, resolvers, jit: 1 })
announce(await app.listen({ port: 0, host: '127.0.0.1' }))
