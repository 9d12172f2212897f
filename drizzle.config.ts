import { defineConfig } from 'drizzle-kit'

/** `npm run db:generate` writes the next migrations of SQLite and PostgreSQL from their table definitions. */
export default process.env['DIALECT'] === 'postgresql'
  ? defineConfig({
      dialect: 'postgresql',
      schema: ['./src/store/postgres/tables.ts', './src/store/postgres/callback-tables.ts'],
      out: './migrations/postgres',
    })
  : defineConfig({
      dialect: 'sqlite',
      schema: './src/store/sqlite/tables.ts',
      out: './migrations/sqlite',
    })
