# Both services and nothing else: build with the toolchain, run as nobody in particular.
# docs/containers.md says how to use it, and how it was proved without a registry of images.
FROM rust:1.95-bookworm AS builder
WORKDIR /build
COPY . .
RUN cargo build --locked --release --package activation-service --package catalog-service --bins \
    && mkdir /out \
    && cp target/release/activation-service target/release/catalog-service /out/

FROM debian:bookworm-slim AS runtime
# The folders exist with their owner before volumes are mounted over them, so that new volumes inherit it.
RUN groupadd --system --gid 10001 benefits \
    && useradd --system --uid 10001 --gid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin benefits \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/activation /var/lib/catalog /run/identity
COPY LICENSE LICENSE-MIT LICENSE-APACHE /usr/share/doc/benefits/

FROM runtime AS activation-service
COPY --from=builder /out/activation-service /usr/local/bin/
USER 10001:10001
VOLUME /var/lib/activation
EXPOSE 50052
HEALTHCHECK --interval=5s --timeout=4s --start-period=10s --retries=6 \
    CMD ["/usr/local/bin/activation-service", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/activation-service"]
CMD ["serve"]

FROM runtime AS catalog-service
COPY --from=builder /out/catalog-service /usr/local/bin/
COPY catalog-service/catalog /usr/share/benefits/catalog
USER 10001:10001
VOLUME /var/lib/catalog
EXPOSE 50051
HEALTHCHECK --interval=5s --timeout=4s --start-period=10s --retries=6 \
    CMD ["/usr/local/bin/catalog-service", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/catalog-service"]
CMD ["serve"]
