# emolit in a container, with the packages that were tested:
#   docker build -t emolit .
#   docker run --rm -v "$PWD:/work" emolit fit --config demo/sft
# For a GPU: --build-arg TORCH=cuda, and docker run --gpus all. PyPI's torch brings CUDA's libraries itself, so that
# the base needs none. Another base, such as one of NVIDIA's: --build-arg BASE=IMAGE. It needs Python 3.11 or 3.12, or apt.
ARG BASE=python:3.11-slim
FROM ${BASE}
ARG TORCH=cpu

SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN command -v python3 > /dev/null || { \
      apt-get update \
      && apt-get install --yes --no-install-recommends python3 python3-venv \
      && rm -rf /var/lib/apt/lists/*; }

WORKDIR /opt/emolit/source
COPY LICENSE README.md pyproject.toml setup.cfg ./
COPY tools/install.py tools/install.py
COPY tools/locks/dev.txt tools/locks/dev.txt
COPY configs configs
COPY emolit emolit
# The lock and nothing else, each file checked by its hash, as `make install` does it.
RUN PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1 \
      python3 tools/install.py dev --torch "${TORCH}" --venv /opt/emolit/venv

RUN useradd --create-home --uid 10001 emolit && mkdir /work && chown emolit /work
USER 10001
WORKDIR /work
ENV PATH=/opt/emolit/venv/bin:$PATH
ENTRYPOINT ["emolit"]
CMD ["--help"]
