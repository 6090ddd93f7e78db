# syntax=docker/dockerfile:1
# The command line in a small image without a shell, run by an unprivileged user:
#
#   docker build -t msvpu .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/data" msvpu \
#     classify scene.png --algorithm fuzzy-cmeans --classes 3 --output out
#
# `--user` makes the results belong to you; without it the image's own user (65532) writes them,
# and needs a folder that it may write to.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
COPY . .
# The caches keep crates and artifacts between builds, and out of the image.
# Line tables are for profiling at home; an image is better small.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/build/target,sharing=locked \
    CARGO_PROFILE_RELEASE_DEBUG=none CARGO_PROFILE_RELEASE_STRIP=symbols \
    cargo build --release --locked --package msvpu --bin msvpu \
    && install -m 0755 target/release/msvpu /usr/local/bin/msvpu

# glibc, libgcc and CA certificates on the same Debian release as the build; no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="msvpu" \
      org.opencontainers.image.description="c-means and fuzzy c-means of satellite scenes on a virtual machine of actors" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /usr/local/bin/msvpu /usr/local/bin/msvpu
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/msvpu/
WORKDIR /data
USER 65532:65532
ENTRYPOINT ["msvpu"]
CMD ["--help"]
