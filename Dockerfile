# The app in a container, on processors alone. It trains, so give it cores:
#   docker build -t neural-collapse-explorer . && docker run --rm -p 8501:8501 neural-collapse-explorer
# Whoever reaches the port can use it. For a class, with workers beside it: compose.yaml.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS wheel
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY .streamlit .streamlit
COPY cache/gallery cache/gallery
COPY cache/stories cache/stories
COPY app app
COPY ncengine ncengine
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheel .

FROM python:${PYTHON}-slim
# PyTorch without CUDA, which saves 5 GB; another index has another build.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN --mount=type=bind,from=wheel,source=/wheel,target=/wheel \
    --mount=type=bind,source=constraints.txt,target=/constraints.txt \
    pip install --no-cache-dir --extra-index-url "${TORCH_INDEX}" -c /constraints.txt \
    "$(echo /wheel/*.whl)[cluster]"
RUN useradd --create-home --uid 10001 explorer && install -d -o explorer -m 700 /cache
# All that is kept lies here: results, journals, downloaded data sets.
ENV XDG_CACHE_HOME=/cache \
    NCENGINE_PUBLIC=1 \
    PYTHONUNBUFFERED=1
VOLUME /cache
WORKDIR /home/explorer
USER 10001
EXPOSE 8501
STOPSIGNAL SIGINT
# Asked without urllib, which would ask a proxy where Docker passes one on.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from http.client import HTTPConnection as To; to = To('127.0.0.1', 8501, timeout=5); to.request('GET', '/_stcore/health'); raise SystemExit(to.getresponse().status != 200)"]
CMD ["ncengine", "app", "--host", "0.0.0.0", "--port", "8501", "--headless"]
