"""Serve the simulated AWS on loopback: ``python -m tests.terraform.simulated_aws --port 0``.

The first line of standard output is ``ready`` and the address, printed when requests are answered.
``POST /simulated-aws/throttle`` with a JSON object of operations and counts refuses the next calls,
``GET /simulated-aws/calls`` lists the calls, ``POST /simulated-aws/reset`` forgets everything.
"""

import argparse
import importlib
import json
import logging
import os
import signal
import sys
import threading
from typing import Any

# moto reads its settings when it is imported.
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
# ACM sees a record in DNS within minutes.
os.environ["MOTO_ACM_VALIDATION_WAIT"] = "1"

from moto.core.base_backend import BackendDict
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from . import (  # noqa: F401
    amp,
    billing,
    cognito,
    core,
    cur,
    ec2,
    eks_access,
    eks_addons,
    iam_simulator,
    logs,
)


@Request.application
def control(request: Request) -> Response:
    """Answer the requests of `SimulatedAws`, which are no AWS requests."""
    traffic = core.TRAFFIC
    if request.path == "/reset":
        BackendDict.reset()
        traffic.forget()
    elif request.path == "/throttle":
        traffic.throttled.update(json.loads(request.get_data()))
    return Response(json.dumps(traffic.calls), mimetype="application/json")


def _end_with_input() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.terraform.simulated_aws", description=__doc__
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--unanswered", action="append", default=[], metavar="OPERATION")
    parser.add_argument("--until-eof", action="store_true", help="end with standard input")
    arguments = parser.parse_args()
    core.TRAFFIC.unanswered.update(arguments.unanswered)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    core.install()
    cur.install()
    for service in ("amp", "eks"):
        # moto routes only the paths it knows; one rule lets every operation through.
        urls: Any = importlib.import_module(f"moto.{service}.urls")
        urls.url_paths = {"{0}/(?P<path>.+)": next(iter(urls.url_paths.values()))}
    moto = DomainDispatcherApplication(create_backend_app)
    server = make_server(
        "127.0.0.1",
        arguments.port,
        DispatcherMiddleware(moto, {"/simulated-aws": control}),
        threaded=True,
        request_handler=MotoRequestHandler,
    )
    if arguments.until_eof:
        threading.Thread(target=_end_with_input, daemon=True).start()
    print("ready", f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
