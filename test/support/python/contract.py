"""Hooks of Schemathesis: what the API's description cannot say, so that requests get past the first check."""

import json
import os
import re
import time
import uuid

import schemathesis
from hypothesis import strategies as st

DEVICE = os.environ["CONTRACT_DEVICE"]
BLOCK_BYTES = 4 * 2**20
MAX_EXACT = 2**53 - 1
MAX_VERSION = 2**31 - 1
HASHES = st.text("0123456789abcdef", min_size=64, max_size=64)


def is_uuid(value):
    """Whether a value is a good id: what is wrong on purpose has to stay so."""
    return isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value)


def is_whole(value, least, most):
    """JSON Schema takes 5.0 for an integer, too, and true for none."""
    return type(value) in (int, float) and value == int(value) and least <= value <= most


def amend_file(file):
    """The size is the sum of the blocks' sizes; every other file is offered as a new one."""
    if not isinstance(file, dict) or not isinstance(file.get("blocks"), list):
        return
    sizes = [block.get("size") if isinstance(block, dict) else None for block in file["blocks"]]
    if is_whole(file.get("size"), 0, MAX_EXACT) and all(is_whole(size, 1, BLOCK_BYTES) for size in sizes):
        file["size"] = int(sum(sizes))
    if is_whole(file.get("base_version"), 0, MAX_VERSION):
        file["base_version"] %= 2


@schemathesis.hook
def map_body(context, body):
    """From a registered device; files that are what they say; another call under another id."""
    if not isinstance(body, dict):
        return body
    if is_uuid(body.get("device_id")) and context.operation.path != "/devices":
        body["device_id"] = DEVICE
    if context.operation.path == "/upload-init" and isinstance(body.get("files"), list):
        for file in body["files"]:
            amend_file(file)
    call_id = "upload_id" if context.operation.path == "/upload-init" else "request_id"
    if is_uuid(body.get(call_id)):
        rest = json.dumps({name: value for name, value in body.items() if name != call_id}, default=str)
        body[call_id] = str(uuid.uuid5(uuid.NAMESPACE_URL, rest))
    return body


@schemathesis.hook
def map_query(context, query):
    """From a registered device; from the first change on; a moment of today."""
    if query and is_uuid(query.get("device_id")):
        query["device_id"] = DEVICE
    if query and is_whole(query.get("cursor"), 0, MAX_EXACT):
        query["cursor"] = 0
    if query and is_whole(query.get("at"), 0, MAX_EXACT):
        query["at"] = int(time.time() * 1000) - int(query["at"]) % 60_000
    return query


@schemathesis.hook
def before_call(context, case, kwargs):
    """The device that the other calls come from is not revoked."""
    given = case.path_parameters.get("device_id") if case.path_parameters else None
    if isinstance(given, str) and given.lower() == DEVICE:
        case.path_parameters["device_id"] = str(uuid.uuid5(uuid.NAMESPACE_URL, DEVICE))


def binary_body(header, parts):
    encoded = json.dumps(header).encode()
    return len(encoded).to_bytes(4, "big") + encoded + b"x" * sum(part["bytes"] for part in parts)


BASES = st.fixed_dictionaries(
    {
        "path": st.sampled_from(["moved", "a", '"']),
        "version": st.integers(1, MAX_VERSION),
        "first": st.integers(0, MAX_EXACT),
        "count": st.integers(1, 3),
    }
)
DELTAS = st.fixed_dictionaries(
    {"hash": HASHES, "size": st.integers(1, BLOCK_BYTES), "base": BASES, "bytes": st.integers(1, 64)}
)
HEADERS = st.fixed_dictionaries(
    {"upload_id": st.uuids(version=4).map(str), "device_id": st.just(DEVICE), "deltas": st.lists(DELTAS, min_size=1)}
)
schemathesis.openapi.media_type(
    "application/vnd.tidemark.deltas",
    st.binary() | HEADERS.map(lambda header: binary_body(header, header["deltas"])),
)

FILES = st.fixed_dictionaries(
    {
        "path": st.sampled_from(["saved", "a", '"']),
        "kind": st.just("file"),
        "size": st.just(0),
        "mtime_ms": st.integers(-MAX_EXACT, MAX_EXACT),
        "mode": st.integers(0, 0o7777),
        "base_version": st.integers(0, MAX_VERSION),
        "blocks": st.just([]),
    }
)
CONTENTS = st.fixed_dictionaries(
    {"hash": HASHES, "size": st.integers(1, 64 * 1024), "bytes": st.integers(1, 64)}
)
SAVES = st.fixed_dictionaries(
    {
        "upload_id": st.uuids(version=4).map(str),
        "device_id": st.just(DEVICE),
        "files": st.lists(FILES, min_size=1, max_size=3),
        "contents": st.lists(CONTENTS),
    }
)
schemathesis.openapi.media_type(
    "application/vnd.tidemark.save",
    st.binary() | SAVES.map(lambda header: binary_body(header, header["contents"])),
)
