"""FastAPI with one route and nothing behind it, served as our own processes are: `python -m ... PORT FILE`

The route answers the bytes of FILE as JSON.
"""

import sys
from pathlib import Path

from fastapi import FastAPI, Response

from contract.server import serve


def create_app(content: bytes) -> FastAPI:
    app = FastAPI()

    @app.get("/v1/videos/{job_id}")
    async def status_of(job_id: str) -> Response:  # noqa: ARG001 - a route with a parameter, as ours
        return Response(content, media_type="application/json")

    return app


if __name__ == "__main__":
    serve(create_app(Path(sys.argv[2]).read_bytes()), "127.0.0.1", int(sys.argv[1]), "WARNING", lifespan=False)
