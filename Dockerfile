# The search page of a catalogue, on a CPU; the second target makes the accuracy report.
#
#   docker build -t fashion-retail .                     the search page
#   docker build -t fashion-retail-report --target report .
#   docker compose up                                    builds the first, serves ./catalogue on port 8000
#
# Size: about 2.4 GB unpacked, of which packages 2.3 GB (torch for CPUs 0.66, LanceDB and Arrow 0.37, OpenCV 0.17, SciPy
# 0.14) and the weights 0.02. Counted from the files of the installed packages (193 that pip chose, without the 3.3 GB of GPU
# packages and the 0.55 GB of CUDA libraries in torch), plus the base image; the image itself was not built on that machine.
#
# Weights are inside, nothing is downloaded at run time. The root file system can be read-only: what is written
# goes to /data (the catalogue and the log of answers) and to /tmp.

FROM python:3.12-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/fashion
ENV PATH=/opt/fashion/bin:$PATH
# torch without CUDA first: the default wheel brings 4 GB of GPU libraries
RUN pip install --index-url https://download.pytorch.org/whl/cpu "torch>=2.5" "torchvision>=0.20"
WORKDIR /source
COPY settings.ini setup.py pyproject.toml MANIFEST.in README.md LICENSE ./
COPY data/baselines data/baselines
COPY nbs nbs
COPY fashion_retail fashion_retail
# this folder, whose version is in settings.ini
# hadolint ignore=DL3013
RUN pip install ".[heic]" && python -m compileall -q /opt/fashion

FROM python:3.12-slim-bookworm AS base
ENV PATH=/opt/fashion/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp MPLCONFIGDIR=/tmp/matplotlib \
    FASHION_RETAIL_CACHE=/tmp/cache
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin fashion \
    && mkdir -p /data/catalogue /data/runs && chown -R fashion /data
COPY --from=build /opt/fashion /opt/fashion
USER 10001
WORKDIR /data

FROM base AS report
# docker run --rm -v "$PWD/runs:/data/runs" fashion-retail-report --profile default
ENTRYPOINT ["fashion-retail", "report"]

FROM base AS serve
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/api/health', timeout=4)"]
# further options, such as --token /run/secrets/token --keep-photos --name shop.example, come after the image's name
ENTRYPOINT ["fashion-retail", "serve", "/data/catalogue", "--host", "0.0.0.0", "--port", "8000"]
