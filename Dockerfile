# The image of alicdn_export_exporter. "make docker" builds it and sets the build arguments for the version.
ARG GO_IMAGE=golang:1.26
ARG BASE_IMAGE=gcr.io/distroless/static-debian12:nonroot

# Go compiles for other platforms itself, so this stage runs on the builder's own platform.
FROM --platform=$BUILDPLATFORM $GO_IMAGE AS build
WORKDIR /src
COPY . .
ARG TARGETOS TARGETARCH
ARG VERSION=unknown REVISION=unknown BRANCH=unknown BUILD_USER=unknown BUILD_DATE=unknown
# Set it if the network does not reach Go's default module proxy.
ARG GOPROXY
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    GOOS=$TARGETOS GOARCH=$TARGETARCH make build VERSION="$VERSION" REVISION="$REVISION" \
    BRANCH="$BRANCH" BUILD_USER="$BUILD_USER" BUILD_DATE="$BUILD_DATE"

FROM $BASE_IMAGE
ARG BASE_IMAGE
ARG VERSION=unknown REVISION=unknown BUILD_DATE=unknown
# Where the source code and the documentation are. The release workflow sets both.
ARG SOURCE=https://alicdn-export-exporter.example
LABEL org.opencontainers.image.title="alicdn_export_exporter" \
      org.opencontainers.image.description="Prometheus exporter for the usage export tasks of Alibaba Cloud CDN" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="The alicdn_export_exporter authors" \
      org.opencontainers.image.authors="The alicdn_export_exporter authors" \
      org.opencontainers.image.url="$SOURCE" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.documentation="$SOURCE" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$BUILD_DATE" \
      org.opencontainers.image.base.name="$BASE_IMAGE"
COPY --from=build /src/LICENSE /licenses/LICENSE
COPY --from=build /src/alicdn_export_exporter /usr/local/bin/alicdn_export_exporter
# The user nonroot. Kubernetes' runAsNonRoot can verify only a numeric user.
USER 65532:65532
EXPOSE 10077
# There is no HEALTHCHECK, because the image has no shell and no client. Probe the process with a GET of /-/healthy or
# /-/ready on port 10077, as Kubernetes' httpGet does: docs/install.md.
ENTRYPOINT ["/usr/local/bin/alicdn_export_exporter"]
