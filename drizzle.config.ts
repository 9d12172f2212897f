import { defineConfig } from 'drizzle-kit'

/** `npm run db:generate` writes what changed in the tables of both adapters as their next migrations. */
export default process.env['DIALECT'] === 'postgresql'
  ? defineConfig({
      dialect: 'postgresql',
      schema: './src/store/postgres/tables.ts',
      out: './migrations/postgres',
    })
  : defineConfig({
      dialect: 'sqlite',
      schema: './src/store/sqlite/tables.ts',
      out: './migrations/sqlite',
    })
