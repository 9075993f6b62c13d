# A server for a model. Not built by the tests of this project.
#   docker build -f examples/serve.Dockerfile -t convnextv2-serve .
#   docker run -p 8080:8080 -e CONVNEXTV2_TOKEN=… -v ./runs/mine:/models/mine:ro convnextv2-serve
FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
# The published package; in a checkout: `npm pack`, COPY convnextv2-*.tgz and install that file.
RUN npm install --no-audit --no-fund --onnxruntime-node-install=skip convnextv2
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=2s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Open to others than this machine, so a token is given by CONVNEXTV2_TOKEN.
CMD ["npx", "convnextv2", "serve", "/models/mine", "--host", "0.0.0.0"]
