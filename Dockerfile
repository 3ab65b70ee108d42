# The image of drover itself: a static binary and nothing else. It runs the example settings with the
# built-in sample application, and it is what an application's image copies the binary from
# (docker/node shows that).
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/usr/local/bin/drover .
# A scratch image has no temporary folder; drover keeps sockets there.
RUN mkdir -p /out/tmp && chmod 1777 /out/tmp

FROM scratch
COPY --from=build /out/ /
COPY config.example.yaml /etc/drover/drover.yaml
ENV PATH=/usr/local/bin
USER 65532:65532
EXPOSE 8080
# On SIGTERM drover lets requests end for up to 30 s, and then its workers as long: docker stop --time 70
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["drover", "status", "--check"]
ENTRYPOINT ["drover"]
CMD ["run", "-c", "/etc/drover/drover.yaml"]
