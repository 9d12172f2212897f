# Container image of the gateway: docker build --tag headgate .

# Debian instead of Alpine: the tests run better-sqlite3 with glibc. This stage has its compiler.
# Without `build_from_source`, the installation downloads a binary from GitHub, which the lockfile does
# not verify. The source is part of the package, which the lockfile verifies.
FROM node:20-bookworm AS build
WORKDIR /app
ENV npm_config_build_from_source=true \
    npm_config_nodedir=/usr/local
# Packages first: this layer is rebuilt only when these two files change. Scripts are ignored, because
# `prepare` would build sources that are not copied yet; better-sqlite3's script is run explicitly.
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts && npm rebuild better-sqlite3
COPY tsconfig.json tsconfig.build.json LICENSE ./
COPY migrations migrations
COPY schema schema
COPY src src
# Removes build dependencies and the source of SQLite.
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
# The video that `headgate demo` uploads.
COPY --from=build /app/src/demo/testcard.mp4 src/demo/
RUN mkdir /data && chown 1000:1000 /data
# User `node` of the base image; numeric, so that Kubernetes can check `runAsNonRoot`. It can write to /data only.
USER 1000:1000
VOLUME /data
# The default of EMULATOR_DIR is relative to this folder. If the image set the variable, the gateway would report it
# as unused when an account is configured.
WORKDIR /data
# The gateway; the emulator, if no account is configured.
EXPOSE 4000 4001
# Shutdown takes up to 25 seconds: docker run --stop-timeout 40.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "--eval", "require('node:http').get('http://127.0.0.1:' + (process.env.PORT || 4000) + '/healthz', ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
# Without a shell, the gateway receives the signal. It needs no init process: its only child processes
# read media files for the emulator, and end with it.
ENTRYPOINT ["node", "/app/dist/cli.js"]
CMD ["serve"]
