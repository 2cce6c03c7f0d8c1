"""``python -m tests.modelserver --port 8399 --log answers.jsonl``."""

import argparse
from pathlib import Path

from tests.modelserver import ModelServer

parser = argparse.ArgumentParser(description="A scripted model server for coding agents.")
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--log", type=Path, default=None)
options = parser.parse_args()
server = ModelServer(options.port, options.log)
print(server.url, flush=True)  # noqa: T201
try:
    server.serve()
except KeyboardInterrupt:
    raise SystemExit(0) from None
