# The image holds one static binary and the CA certificates: no shell, no package manager, no root.
#
#   docker build -t scanwarden .
#   docker run --rm -i scanwarden stdio --simulator
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/scanwarden ./cmd/scanwarden \
 && mkdir -m 700 /out/state

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/scanwarden /scanwarden
COPY --from=build --chown=65532:65532 /out/state /state
USER 65532:65532
ENV SCANWARDEN_STATE_DIR=/state TMPDIR=/state
VOLUME /state
ENTRYPOINT ["/scanwarden"]
