# Two stages: the compiler stays in the first. The preset is the one that users and CI build.
FROM debian:12-slim AS build
WORKDIR /usr/src/sluice
# The packages before the sources, so that a change of code does not install them again.
COPY scripts/deps scripts/deps
RUN scripts/deps build && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cmake --preset release -DCMAKE_INSTALL_PREFIX=/usr \
    && cmake --build --preset release --target sluice \
    && DESTDIR=/out cmake --install build/release --strip
# Which packages the program needs to run is asked of the program, so no list can grow old.
RUN mkdir debian && touch debian/control \
    && dpkg-shlibdeps -O /out/usr/bin/sluice \
       | sed -e 's/^shlibs:Depends=//' -e 's/([^)]*)//g' -e 's/,/ /g' > /out/runtime-packages

FROM debian:12-slim
COPY --from=build /out/runtime-packages /tmp/runtime-packages
RUN apt-get -q update \
    && apt-get -q -y install --no-install-recommends $(cat /tmp/runtime-packages) \
    && rm -rf /var/lib/apt/lists/* /tmp/runtime-packages \
    && useradd --system --no-create-home --shell /usr/sbin/nologin sluice
COPY --from=build /out/usr/ /usr/
COPY --from=build /out/etc/ /etc/
# The program's own default is to listen on 127.0.0.1, where nobody outside of the container is heard.
COPY deploy/container.toml /etc/sluice/sluice.toml
USER sluice
EXPOSE 6432 6380 9632
# SIGTERM: running transactions end within server.shutdown_timeout (30 s), then the exit code is 0.
# Docker kills after 10 s, so: docker run --stop-timeout 45, or docker stop --time 45.
STOPSIGNAL SIGTERM
# The image has no HTTP client; the shell can open a socket by itself.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${SLUICE_ADMIN_PORT:-9632} && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r -t 2 status <&3 && [[ $status == HTTP/1.?' 200'* ]]"]
ENTRYPOINT ["/usr/bin/sluice"]
# Mount a configuration here, or give other arguments, which then have to say where to listen:
# docker run sluice --postgres URL --set postgres.listen=*:6432 --set admin.listen=*:9632
CMD ["--config", "/etc/sluice/sluice.toml"]
