# The served model: the program `serve` and the pipeline of the chapter Churn pipeline, fitted while the image is built.
#
#   docker build -t churn .          (or: buildah build -t churn .)
#   docker run --read-only -p 8080:8080 churn
#
# lib/production/deploy/image.sh builds it where no registry is at hand, and tries it.
#
# A newer model: mount a folder with champion.model over /models; it is loaded without a restart.
ARG BUILD=docker.io/library/rust:1.95-bookworm
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BUILD} AS build
WORKDIR /src
COPY . .
# what serves depends on neither linfa nor polars; what fits is left behind
RUN cargo build --locked --release -p production --features churn --bin serve \
    && install -D --strip target/release/serve /out/usr/local/bin/serve \
    && cargo run --locked --release -p production --features fit --example churn_model -- /out/models/champion.model

FROM ${BASE}
COPY --from=build /out/ /
# a number, so that whoever runs the image can see that it is not root; nothing is owned by it
USER 10001:10001
EXPOSE 8080
ENV SERVE_ADDRESS=0.0.0.0:8080 SERVE_DRAIN=5
HEALTHCHECK --interval=10s --timeout=4s CMD ["serve", "check", "127.0.0.1:8080"]
ENTRYPOINT ["serve"]
CMD ["--models", "/models"]
