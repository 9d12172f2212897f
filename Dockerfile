# The gateway as an image: docker build --tag headgate .

# Debian and not Alpine: SQLite's module, better-sqlite3, is then the one that the tests run. This
# stage has the compiler for it. Without `build_from_source` the installation would fetch a binary
# from GitHub, which no lockfile vouches for; the source comes with the package, and is vouched for.
FROM node:20-bookworm AS build
WORKDIR /app
ENV npm_config_build_from_source=true \
    npm_config_nodedir=/usr/local
# Packages first: they are installed anew only when these two files change. Scripts are left out
# because `prepare` builds what is not here yet; the one that is needed is run by name.
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts && npm rebuild better-sqlite3
COPY tsconfig.json tsconfig.build.json ./
COPY migrations migrations
COPY src src
# What only building needs goes again, SQLite's source with it.
RUN npm run build \
 && npm prune --omit=dev --ignore-scripts \
 && rm -rf node_modules/better-sqlite3/deps node_modules/better-sqlite3/src \
 && find node_modules/better-sqlite3/build -type f ! -name better_sqlite3.node -delete

FROM node:20-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    DATABASE_URL=file:/data/headgate.db
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/migrations migrations
# `headgate demo` uploads it.
COPY --from=build /app/src/demo/testcard.mp4 src/demo/
RUN mkdir /data && chown 1000:1000 /data
# The image's user `node`, by number, so that `runAsNonRoot` can be checked. It may write to /data only.
USER 1000:1000
VOLUME /data
# Where EMULATOR_DIR lies when it is left out. Set in the image it would be reported beside an account.
WORKDIR /data
# The gateway, and the emulator where there is no account.
EXPOSE 4000 4001
# Under way may be as much as takes 25 seconds: docker run --stop-timeout 40.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "--eval", "require('node:http').get('http://127.0.0.1:' + (process.env.PORT || 4000) + '/healthz', ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
# No shell in between: the signal reaches the gateway. It needs no init: the only processes that it
# starts read media files for the emulator, and end with it.
ENTRYPOINT ["node", "/app/dist/cli.js"]
CMD ["serve"]
