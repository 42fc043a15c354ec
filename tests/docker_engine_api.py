"""What the Docker Engine's API (1.44) takes, as far as workers may use it: operations, their query, their bodies.

Written from the Engine's public reference. A field or a parameter that is not here is refused, as a wrong type is.
"""

import re
from dataclasses import dataclass
from typing import Any

import jsonschema

from fake_http import Call, Refused

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
TRUTH = {"type": "boolean"}
TEXTS = {"type": "array", "items": TEXT}
TEXT_MAP = {"type": "object", "additionalProperties": TEXT}


def maybe(schema: dict[str, Any]) -> dict[str, Any]:
    """Or null: the Engine takes it for a field that is left out."""
    return {"anyOf": [schema, {"type": "null"}]}


def record(**fields: dict[str, Any]) -> dict[str, Any]:
    """An object with these fields, and no others."""
    return {
        "type": "object",
        "properties": {name: maybe(each) for name, each in fields.items()},
        "additionalProperties": False,
    }


ENDPOINT = record(
    IPAMConfig=record(IPv4Address=TEXT, IPv6Address=TEXT, LinkLocalIPs=TEXTS),
    Links=TEXTS,
    Aliases=TEXTS,
    DriverOpts=TEXT_MAP,
    MacAddress=TEXT,
)

HOST_CONFIG = record(
    # A path alone is an anonymous volume.
    Binds={"type": "array", "items": {"type": "string", "pattern": r"^(/[^:]+|[^:]+:/[^:]*(:[^:]+)?)$"}},
    NetworkMode=TEXT,
    AutoRemove=TRUTH,
    ExtraHosts={"type": "array", "items": {"type": "string", "pattern": r"^[^:]+:.+$"}},
    Privileged=TRUTH,
    Memory={"type": "integer", "minimum": 0},
    MemorySwap={"type": "integer", "minimum": -1},
    MemoryReservation=NUMBER,
    NanoCpus=NUMBER,
    CpuShares=NUMBER,
    CpuPeriod=NUMBER,
    CpuQuota=NUMBER,
    CpusetCpus=TEXT,
    ShmSize=NUMBER,
    PidsLimit=NUMBER,
    CapAdd=TEXTS,
    CapDrop=TEXTS,
    Dns=TEXTS,
    GroupAdd=TEXTS,
    Init=TRUTH,
    IpcMode=TEXT,
    PidMode=TEXT,
    ReadonlyRootfs=TRUTH,
    Runtime=TEXT,
    SecurityOpt=TEXTS,
    Tmpfs=TEXT_MAP,
    RestartPolicy=record(Name={"enum": ["", "no", "always", "unless-stopped", "on-failure"]}, MaximumRetryCount=NUMBER),
    LogConfig=record(Type=TEXT, Config=TEXT_MAP),
    DeviceRequests={
        "type": "array",
        "items": record(
            Driver=TEXT, Count=NUMBER, DeviceIDs=TEXTS, Capabilities={"type": "array", "items": TEXTS}, Options=TEXT_MAP
        ),
    },
)

CREATE = {
    **record(
        Hostname=TEXT,
        Domainname=TEXT,
        User=TEXT,
        AttachStdin=TRUTH,
        AttachStdout=TRUTH,
        AttachStderr=TRUTH,
        Tty=TRUTH,
        OpenStdin=TRUTH,
        StdinOnce=TRUTH,
        Env={"type": "array", "items": {"type": "string", "pattern": r"^[^=]+(=[\s\S]*)?$"}},
        Cmd=TEXTS,
        Entrypoint=TEXTS,
        Image={"type": "string", "minLength": 1},
        Volumes={"type": "object", "additionalProperties": {"type": "object", "maxProperties": 0}},
        WorkingDir=TEXT,
        NetworkDisabled=TRUTH,
        Labels=TEXT_MAP,
        StopSignal=TEXT,
        StopTimeout=NUMBER,
        HostConfig=HOST_CONFIG,
        NetworkingConfig=record(EndpointsConfig={"type": "object", "additionalProperties": maybe(ENDPOINT)}),
    ),
    "required": ["Image"],
}

CONNECT = {**record(Container=TEXT, EndpointConfig=ENDPOINT), "required": ["Container"]}

# In a query everything is a text.
FLAG = {"enum": ["0", "1", "true", "false", "True", "False"]}
COUNT = {"type": "string", "pattern": r"^-?\d+$"}


@dataclass(frozen=True)
class Operation:
    """One of the API's."""

    method: str
    path: str
    name: str
    query: dict[str, Any]
    body: dict[str, Any] | None = None


NAME = {"type": "string", "pattern": r"^/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$"}
ID = r"(?P<id>[^/]+)"

OPERATIONS = [
    Operation("GET", "/version", "version", {}),
    Operation("GET", "/_ping", "ping", {}),
    Operation("POST", "/images/create", "pull", {"fromImage": TEXT, "tag": TEXT, "platform": TEXT}),
    Operation("GET", r"/images/(?P<id>.+)/json", "image", {"manifests": FLAG, "platform": TEXT}),
    Operation(
        "GET",
        "/containers/json",
        "list",
        # `trunc_cmd` is no longer of the API; the package sends it, and the Engine looks away.
        {"all": FLAG, "limit": COUNT, "size": FLAG, "filters": TEXT, "trunc_cmd": FLAG},
    ),
    Operation("POST", "/containers/create", "create", {"name": NAME, "platform": TEXT}, CREATE),
    Operation("POST", f"/containers/{ID}/start", "start", {"detachKeys": TEXT}),
    Operation("GET", f"/containers/{ID}/json", "inspect", {"size": FLAG}),
    Operation(
        "GET",
        f"/containers/{ID}/logs",
        "logs",
        {
            "follow": FLAG,
            "stdout": FLAG,
            "stderr": FLAG,
            "since": {"type": "string", "pattern": r"^\d+(\.\d+)?$"},
            "until": COUNT,
            "timestamps": FLAG,
            "tail": {"type": "string", "pattern": r"^(all|\d+)$"},
        },
    ),
    Operation(
        "POST", f"/containers/{ID}/wait", "wait", {"condition": {"enum": ["not-running", "next-exit", "removed"]}}
    ),
    Operation("POST", f"/containers/{ID}/stop", "stop", {"signal": TEXT, "t": COUNT}),
    Operation("POST", f"/containers/{ID}/kill", "kill", {"signal": TEXT}),
    Operation("DELETE", f"/containers/{ID}", "remove", {"v": FLAG, "force": FLAG, "link": FLAG}),
    Operation("POST", f"/networks/{ID}/connect", "connect", {}, CONNECT),
]


def checked(call: Call) -> tuple[Operation, str]:
    """The operation that a request is of, and the id in its path. Refuses what the API does not know."""
    version = re.match(r"^/v(\d+)\.(\d+)(/.*)$", call.path)
    path = version.group(3) if version else call.path
    if version and not (24,) <= (int(version.group(2)),) <= (44,):
        raise Refused(400, "client version is not supported by this daemon")
    for operation in OPERATIONS:
        match = re.fullmatch(operation.path, path)
        if match and operation.method == call.method:
            _fits(call.query, {"properties": operation.query, "additionalProperties": False}, "query")
            if operation.body is not None:
                _fits(call.json(), operation.body, "body")
            elif call.body not in (b"", b"{}", b"null"):
                raise Refused(400, f"{call.method} {path} takes no body")
            return operation, match.groupdict().get("id", "")
    raise Refused(404, f"page not found: {call.method} {path}")


def _fits(value: Any, schema: dict[str, Any], what: str) -> None:
    try:
        jsonschema.validate(value, schema)
    except jsonschema.ValidationError as error:
        raise Refused(400, f"{what} at {error.json_path}: {error.message}") from None
