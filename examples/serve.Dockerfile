# A server for a model, from a checkout. Not built by the tests of this project.
#   docker build -f examples/serve.Dockerfile -t convnextv2-serve .
#   docker run -p 127.0.0.1:8080:8080 -e CONVNEXTV2_TOKEN=… -v ./runs/mine:/models/mine:ro convnextv2-serve
# Other models and options replace the last line: docker run … convnextv2-serve cats=/models/cats --queue 32
# `docker stop -t 40` lets it answer what it has accepted, for at most its --timeout.
FROM node:24-slim AS build
WORKDIR /src
COPY . .
# Installing builds the package, so packing need not.
RUN npm ci --no-audit --no-fund && npm pack --ignore-scripts --pack-destination /tmp

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /tmp/convnextv2-*.tgz /tmp/
# skip: without the files for CUDA, which are not part of the package.
RUN ONNXRUNTIME_NODE_INSTALL=skip npm install --no-audit --no-fund /tmp/convnextv2-*.tgz \
  && rm -rf /tmp/convnextv2-*.tgz /root/.npm
# Reads the mounted folders as user 1000, and writes nothing there.
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Open to others than this container, so a token is given by CONVNEXTV2_TOKEN. No npx: signals reach the server itself.
ENTRYPOINT ["node", "node_modules/convnextv2/dist/tools/cli.js", "serve", "--host", "0.0.0.0"]
CMD ["/models/mine"]
