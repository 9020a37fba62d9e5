# "make docker" builds this image and sets the build arguments for the version.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH
ARG VERSION=unknown REVISION=unknown BRANCH=unknown BUILD_USER=unknown BUILD_DATE=unknown
RUN GOOS=$TARGETOS GOARCH=$TARGETARCH make build VERSION="$VERSION" REVISION="$REVISION" \
    BRANCH="$BRANCH" BUILD_USER="$BUILD_USER" BUILD_DATE="$BUILD_DATE"

FROM gcr.io/distroless/static-debian12:nonroot
ARG VERSION=unknown REVISION=unknown BUILD_DATE=unknown
LABEL org.opencontainers.image.title="alicdn_export_exporter" \
      org.opencontainers.image.description="Prometheus exporter for the usage export tasks of Alibaba Cloud CDN" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$BUILD_DATE"
COPY --from=build /src/LICENSE /licenses/LICENSE
COPY --from=build /src/alicdn_export_exporter /usr/local/bin/alicdn_export_exporter
# The user nonroot. Kubernetes' runAsNonRoot can verify only a numeric user.
USER 65532:65532
EXPOSE 10077
ENTRYPOINT ["/usr/local/bin/alicdn_export_exporter"]
