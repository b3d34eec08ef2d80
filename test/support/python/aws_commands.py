"""Reads lines of `aws SERVICE OPERATION --parameter ...` and prints what AWS's own models do not have of each."""

import re
import sys

import botocore.session
from botocore import xform_name

# Of the command line, for all operations.
EVERYWHERE = {"query", "output", "region", "profile", "cli-binary-format"}
# What the command line adds to a service of its own.
OWN = {("cloudformation", "deploy"): {"template-file", "stack-name", "capabilities", "parameter-overrides"}}
# What it calls otherwise, since a word of its own has that name.
RENAMED = {("sns", "subscribe", "endpoint"): "notification-endpoint"}

session = botocore.session.get_session()


def allowed(client, service, words):
    """The parameters of an operation, or None where there is none of that name."""
    if (service, words[0]) in OWN:
        return OWN[service, words[0]]
    model = client.meta.service_model
    operation = words[0]
    if operation == "wait":
        if words[1].replace("-", "_") not in client.waiter_names:
            return None
        waiter = client.get_waiter(words[1].replace("-", "_"))
        operation = xform_name(waiter.config.operation, "-")
    named = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in named:
        return None
    shape = model.operation_model(named[operation]).input_shape
    members = shape.members if shape else {}
    plain = {xform_name(name, "-") for name in members}
    names = {RENAMED.get((service, operation, name), name) for name in plain}
    return names | {f"no-{xform_name(name, '-')}" for name in members if members[name].type_name == "boolean"}


for line in sys.stdin.read().splitlines():
    _, service, *words = line.split()
    if service not in session.get_available_services():
        print(f"{line}: there is no service {service}")
        continue
    client = session.create_client(service, region_name="us-east-1")
    names = allowed(client, service, words)
    if names is None:
        print(f"{line}: {service} has no operation {' '.join(words[:2])}")
        continue
    for parameter in re.findall(r"(?<=\s)--([a-z0-9-]+)", line):
        if parameter not in names and parameter not in EVERYWHERE:
            print(f"{line}: no parameter --{parameter}")
