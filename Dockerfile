# One image for every process of ours; docker-compose.yml says which one a container runs.
FROM python:3.11.11-slim-bookworm AS packages
WORKDIR /app
COPY requirements.lock .
RUN python -m venv /venv \
 && /venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-input --require-hashes -r requirements.lock

FROM python:3.11.11-slim-bookworm
# A named volume that is mounted at /data for the first time takes its owner from here.
RUN install -d -o 10001 -g 10001 /data
COPY --from=packages /venv /venv
COPY contract /app/contract
COPY service /app/service
COPY workers /app/workers
COPY mocks /app/mocks
WORKDIR /app
# Compiled while the file system can still be written.
RUN /venv/bin/python -m compileall -q /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 T2V_HOST=0.0.0.0 T2V_PORT=8000 T2V_DATA_DIR=/data
USER 10001:10001
EXPOSE 8000
CMD ["python", "-m", "service"]
